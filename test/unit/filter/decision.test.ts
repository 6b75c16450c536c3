import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecipientId } from '../../../src/core/envelope.ts';
import type { Verdict } from '../../../src/core/policy.ts';
import { refuse } from '../../../src/core/status.ts';
import { decide } from '../../../src/flow/intake/decision.ts';
import { recipientsOf } from '../../props/inspected.ts';

const no = refuse('contentRefused');
const later = refuse('contentDeferred');
const aside: Verdict = { kind: 'quarantine', why: 'odd' };
const four = recipientsOf(['a@x.example', 'b@x.example', 'c@x.example', 'd@x.example']);

/** Verdicts by recipient, places, what each kind of client gets. */
const rows: readonly (readonly [Readonly<Record<number, Verdict>>, readonly number[], string, string])[] = [
  [{}, [0, 1, 2, 3], '0,1,2,3', '0,1,2,3'],
  [{ 1: no }, [0, 1, 2, 3], '0,2,3 but 1:554', '554'],
  [{ 1: no, 2: later }, [0, 1, 2, 3], '0,3 but 1:554 2:451', '451'],
  [{ 0: no, 1: no, 2: no, 3: no }, [0, 1, 2, 3], '554', '554'],
  [{ 0: no, 1: no, 2: no, 3: later }, [0, 1, 2, 3], '451', '451'],
  // b, c and d are one alias: it stands as long as one of them takes the mail.
  [{ 1: no, 2: no }, [0, 1, 1, 1], '0,3', '0,3'],
  [{ 1: no, 2: no, 3: no }, [0, 1, 1, 1], '0 but 1:554', '554'],
  [{ 2: aside }, [0, 1, 2, 3], '0,1,2,3 aside', '0,1,2,3 aside'],
  // d was added by a filter: no command waits for its answer.
  [{ 3: no }, [0, 1, 2], '0,1,2', '0,1,2'],
];

test('an alias is reported only when one of its members takes the mail', () => {
  const [alias, member, other] = recipientsOf(['team@x.example', 'm@x.example', 'o@x.example']);
  assert.ok(alias !== undefined && member !== undefined && other !== undefined);
  const all = [{ ...alias, expanded: true as const }, member, other];
  const refused = decide(all, new Map([[member.id, no]]), [0, 0, 1], 'each');
  assert.ok(refused.kind === 'accepted');
  assert.deepEqual(refused.recipients.map(({ id }) => id), [2]);
  assert.deepEqual([...refused.refused.keys()], [0]);
  const whole = decide(all, new Map(), [0, 0, 1], 'each');
  assert.ok(whole.kind === 'accepted' && whole.recipients.length === 3);
});

test('each client hears what it can hear, and nobody is dropped in silence', () => {
  for (const [given, places, each, one] of rows) {
    const verdicts = new Map(Object.entries(given).map(([id, verdict]) => [Number(id) as RecipientId, verdict]));
    for (const [answers, want] of [['each', each], ['one', one]] as const) {
      const got = decide(four, verdicts, places, answers);
      const said = got.kind === 'refused' ? String(got.reply)
        : [got.recipients.map(recipient => recipient.id).join(','), ...(got.refused.size === 0 ? [] : ['but', ...[...got.refused].map(([place, refusal]) => `${place}:${refusal.reply}`)]), ...(got.quarantine === undefined ? [] : ['aside'])].join(' ');
      assert.equal(said, want, `${JSON.stringify(given)} ${answers}`);
    }
  }
});
