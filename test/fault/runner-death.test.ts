import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address, MessageId, RecipientId } from '../../src/core/envelope.ts';
import { silent } from '../../src/core/log.ts';
import { isFinal, type Outcome } from '../../src/core/outcome.ts';
import type { Claim, Draft, News, QueueStore } from '../../src/core/queue-store.ts';
import type { Delivery } from '../../src/core/transport.ts';
import { createIntake } from '../../src/flow/intake/index.ts';
import { createReporter } from '../../src/flow/report/index.ts';
import { courierCalendar } from '../../src/flow/schedule/index.ts';
import { createMortal, mortalClock, type Mortal } from '../props/mortal.ts';
import { openPlainStore } from '../props/plain-store.ts';
import { createScan } from '../props/report-desk.ts';
import { busy, createBox, delivered, domainRouter, failed, scripted, silentMetrics, type Box } from '../props/runner-box.ts';

const MINUTE = 60_000;
const STORE_CALLS = ['claim', 'nextDue', 'record', 'release', 'content', 'quarantine'] as const;

/** One whole life of a message with every fate in it, in a process that dies at `moment` and is started again. */
async function live(moment: number) {
  const box = createBox();
  box.settings = { ...courierCalendar, queueTimeMs: 60 * MINUTE, warnTimeMs: 20 * MINUTE };
  const fates: Record<string, 'ok' | 'no' | 'second' | 'never'> = { 'ok@a.example': 'ok', 'no@a.example': 'no', 'second@b.example': 'second', 'never@c.example': 'never' };
  const tries = new Map<string, number>();
  const violations: string[] = [];
  /** The final outcomes that the disk has. */
  const settled = new Map<string, string>();
  const reports = new Map<MessageId, string>();
  const key = (id: MessageId, recipient: RecipientId) => `${id} ${recipient}`;

  box.script = job => {
    if (job.envelope.reversePath === null) reports.set(job.id, Buffer.concat(job.content.read() as readonly Uint8Array[]).toString('latin1'));
    return answer(job);
  };
  const answer = (job: Delivery) => new Map<RecipientId, Outcome>(job.recipients.map(({ id, address }) => {
    const before = tries.get(address) ?? 0;
    tries.set(address, before + 1);
    if (settled.has(key(job.id, id))) violations.push(`${address} was tried after its final outcome was recorded`);
    const fate = fates[address] ?? 'ok';
    // 'no' is a peer that changes its mind: whoever asks twice learns the opposite of what may have been reported.
    return [id, fate === 'ok' ? delivered : fate === 'no' && before === 0 ? failed : fate === 'no' ? delivered : fate === 'second' && before > 0 ? failed : busy];
  }));

  /** Notes which outcomes the disk has. */
  function watched(store: QueueStore): QueueStore {
    const note = (claim: Claim, news?: News) => {
      for (const [id, outcome] of news?.outcomes ?? []) if (isFinal(outcome) && !settled.has(key(claim.id, id))) settled.set(key(claim.id, id), outcome.kind);
    };
    return {
      ...store,
      async record(claim, news) {
        const held = await store.record(claim, news);
        if (held === 'held') note(claim, news);
        return held;
      },
      async release(claim, next, news) {
        const held = await store.release(claim, next, news);
        if (held === 'held') note(claim, news);
        return held;
      },
    };
  }

  await box.queue([{ address: 'ok@a.example' as Address, notify: ['success', 'failure'] }, 'no@a.example', 'second@b.example', 'never@c.example']);
  const first = createMortal(moment);
  openProcess(box, first, watched);
  let second: ReturnType<typeof openProcess> | null = null;
  const end = box.start + 300 * MINUTE;
  for (let at = box.start; at <= end; at += MINUTE / 2) {
    await box.clock.runTo(at);
    if (first.dead && second === null) second = openProcess(box, createMortal(Number.POSITIVE_INFINITY), watched);
  }
  await second?.close({ graceMs: 0 });
  const said = (address: string, action: string) => [...reports.values()].filter(text => text.includes(`Final-Recipient: rfc822; ${address}\r\nAction: ${action}`)).length;
  const expected = [
    ['ok@a.example', 'relayed', 1], ['second@b.example', 'failed', 1], ['never@c.example', 'failed', 1], ['never@c.example', 'delayed', 1],
    ['no@a.example', 'failed', settled.get('m1 1') === 'failed' ? 1 : 0],
  ] as const;
  for (const [address, action, count] of expected) if (said(address, action) !== count) violations.push(`the sender heard ${said(address, action)} times that ${address} was ${action}, not ${count} times`);
  return { box, first, tries, violations };
}

function openProcess(box: Box, mortal: Mortal, watched: (store: QueueStore) => QueueStore) {
  const clock = mortalClock(box.clock, mortal);
  const plain = watched(openPlainStore(box.disk, clock));
  const store: QueueStore = {
    ...mortal.wrap('store', plain, STORE_CALLS),
    begin: (...args) => mortal.wrap('draft', plain.begin(...args), ['commit'] satisfies (keyof Draft)[]),
  };
  const intake = createIntake({
    store, clock, checks: [], variables: () => new Map(), trace: () => new Uint8Array(), log: silent, metrics: silentMetrics,
    limits: { headerOctets: 100_000, receivedFields: 100, sizeOctets: 0, submitDelayMs: 0 },
  });
  const reporter = createReporter({
    intake, me: 'gw.example', postmaster: 'postmaster@gw.example' as Address, clock, log: silent,
    kernels: { openScan: createScan },
  });
  return box.open({
    store, clock,
    router: mortal.wrap('router', { ...domainRouter }, ['route']),
    transports: new Map([['esmtp', mortal.wrap('transport', scripted(box), ['deliver'])]]),
    reporter: mortal.wrap('reporter', reporter, ['report']),
  });
}

test('a process may die at any await: no recipient is lost, no final outcome is undone, no report is missing or doubled', async () => {
  const whole = await live(Number.POSITIVE_INFINITY);
  const moments = whole.first.awaits * 2;
  assert.ok(moments > 100, `the scenario has ${moments} moments to die at`);
  assert.deepEqual(Object.fromEntries(whole.tries), { 'ok@a.example': 1, 'no@a.example': 1, 'second@b.example': 2, 'never@c.example': 8, 'sender@here.example': 4 });

  for (let moment = 0; moment < moments; moment++) {
    const { box, first, tries, violations } = await live(moment);
    const where = `dead at moment ${moment}, ${first.lastWords}`;
    assert.ok(first.dead, where);
    assert.deepEqual(violations, [], where);
    assert.equal(box.disk.rows.size, 0, `${where}: something is left in the queue`);
    for (const [address, most] of [['ok@a.example', 2], ['no@a.example', 2], ['second@b.example', 3]] as const) {
      const count = tries.get(address) ?? 0;
      assert.ok(count >= most - 1 && count <= most, `${where}: ${address} was tried ${count} times`);
    }
  }
});
