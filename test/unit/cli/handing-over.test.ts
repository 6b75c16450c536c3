/** What is left for a gateway that does not run is mail that it will take, or it is refused while somebody listens. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Essentials } from '../../../src/configuration.ts';
import type { LocalSubmission } from '../../../src/core/operations.ts';
import { Usage } from '../../../src/front/cli/command.ts';
import { handOver } from '../../../src/front/cli/submission/handing-over.ts';
import { parseSendmailArguments, wishesOf } from '../../../src/front/cli/submission/sendmail-arguments.ts';
import { parsePickup } from '../../../src/grammar/pickup.ts';
import { scratchFor } from '../../props/scratch.ts';

async function* content(): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from('Subject: x\n\nx\n'));
}

const nothingRuns = { rooms: { running: () => Promise.resolve(null) } } as unknown as Parameters<typeof handOver>[0];
const plain: Omit<LocalSubmission, 'content'> = { owner: 'ann', reversePath: 'ann@here.example', recipients: ['bob@there.example'] };

test('an envelope that the gateway would throw away is refused, and nothing is left of it', async t => {
  const stateFolder = scratchFor(t, 'handing-over');
  const essentials = { stateFolder, sizeOctets: null } as Essentials;
  const hand = (own: Partial<LocalSubmission>) => handOver(nothingRuns, essentials, { ...plain, ...own, content: content() });
  for (const [own, reply] of [
    [{ recipients: Array.from({ length: 10_001 }, (_, n) => `r${n}@there.example`) }, 550],
    [{ recipients: Array.from({ length: 9000 }, (_, n) => `${'r'.repeat(150)}${n}@there.example`) }, 550],
    [{ recipients: ['bob@there.example', `${'x'.repeat(1000)}@there.example`] }, 501],
    [{ reversePath: `${'x'.repeat(1000)}@here.example` }, 501],
  ] as const) {
    const answer = await hand(own);
    assert.equal(answer.kind === 'refused' ? answer.reply : answer.kind, reply);
    assert.deepEqual(readdirSync(stateFolder), [], 'no folder, no file');
  }
  assert.equal((await hand({ recipients: Array.from({ length: 10_000 }, (_, n) => `r${n}@there.example`), envid: 'e', notify: ['failure'], ret: 'full', verp: true })).kind, 'left');
  const [left = ''] = readdirSync(join(stateFolder, 'pickup'));
  const kept = parsePickup(readFileSync(join(stateFolder, 'pickup', left), 'utf8').split('\n')[0] ?? '');
  assert.deepEqual([kept?.recipients.length, kept?.envid, kept?.notify, kept?.ret, kept?.verp], [10_000, 'e', ['failure'], 'full', true]);
});

test('an ENVID that no server would take is a wrong call; in the environment it asks for nothing', () => {
  for (const bad of ['x'.repeat(101), 'é', 'a\nb', '']) assert.throws(() => parseSendmailArguments(['-V', bad]), Usage);
  assert.equal(parseSendmailArguments(['-V', 'x'.repeat(100)]).envid?.length, 100);
  assert.deepEqual(wishesOf({ DSNNOTIFY: 'success,fail', DSNRET: 'H', DSNENVID: 'job 7' }), { notify: ['success', 'failure'], ret: 'hdrs', envid: 'job 7' });
  assert.deepEqual(wishesOf({ DSNNOTIFY: 'never' }), { notify: 'never' });
  assert.deepEqual(wishesOf({ DSNNOTIFY: 'often', DSNRET: 'some', DSNENVID: 'x'.repeat(200) }), {});
  assert.deepEqual(wishesOf({ DSNRET: '' }), {});
});
