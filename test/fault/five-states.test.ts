/**
 * The five states' proof (ARCHITECTURE.md): the plug is pulled at every commit, every step of the file system and every
 * await of store and runner. One whole life of some messages is played; at each moment disk and world are kept as they
 * are; and from each of them a new process goes on, on the real store.
 */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import type { Address, Envelope, Recipient, RecipientId } from '../../src/core/envelope.ts';
import { silent } from '../../src/core/log.ts';
import { isFinal, type Outcome } from '../../src/core/outcome.ts';
import type { Claim, Draft, News, QueueStore } from '../../src/core/queue-store.ts';
import type { Delivery } from '../../src/core/transport.ts';
import { createIntake } from '../../src/flow/intake/index.ts';
import { openLmdbQueue, type LmdbQueue } from '../../src/flow/queue/index.ts';
import { createReporter } from '../../src/flow/report/index.ts';
import { courierCalendar, openRunner, type Runner } from '../../src/flow/schedule/index.ts';
import { openKernels } from '../../src/kit/wasm/kernels.ts';
import { createCrashPoints, digestOf, layImage, takeImage, type CrashPoints, type Image } from '../props/crash-points.ts';
import { createHandClock, noChance } from '../props/hand-clock.ts';
import { layJournal } from '../props/journal.ts';
import { busy, delivered, domainRouter, failed, silentMetrics } from '../props/runner-box.ts';
import { scratchFolder } from '../props/scratch-folder.ts';

const SECOND = 1000;
const settings = { ...courierCalendar, retryAlphaMs: 2 * SECOND, retryGammaMs: 3 * SECOND, queueTimeMs: 8 * SECOND, warnTimeMs: 3 * SECOND };
const LIFE_MS = 40 * SECOND;
const kernels = openKernels();

/** What is outside the box, and knows nothing of its crashes. */
interface World {
  /** Messages whose sender got a 250. */
  readonly promised: Set<string>;
  /** Attempts by recipient. */
  readonly tries: Map<string, number>;
  /** The last answer each recipient's peer gave. */
  readonly answers: Map<string, Outcome['kind']>;
  /** The final outcomes that were durable. */
  readonly settled: Map<string, string>;
  /** What reached the sender: queue id of the report → its text. */
  readonly reports: Map<string, string>;
  readonly violations: string[];
}

/** What each recipient's peer answers: always; or first and then. */
const fates: Readonly<Record<string, readonly [Outcome, Outcome]>> = {
  'ok@a.example': [delivered, delivered],
  'no@a.example': [failed, delivered], // a peer that changes its mind: whoever asks twice learns the opposite
  'second@b.example': [busy, failed],
  'never@c.example': [busy, busy],
  'large@d.example': [busy, delivered],
  'late@e.example': [delivered, delivered],
};

interface Process {
  readonly store: LmdbQueue;
  readonly runner: Runner;
  post(name: string, to: readonly (string | Partial<Recipient>)[], sizeOctets: number): Promise<void>;
}

interface Stage {
  readonly clock: ReturnType<typeof createHandClock>;
  readonly points: CrashPoints;
  readonly world: World;
}

async function openProcess(folder: string, { clock, points, world }: Stage, journalOctets: number): Promise<Process> {
  const store = await openLmdbQueue({
    folder, journalOctets, kernels, clock, log: silent, watermarkOctets: 0, fileSystem: points.fileSystem, openIndex: points.openIndex, mayBeAlive: () => false,
  });
  const plain = watched(store, world);
  const wrapped: QueueStore = {
    ...points.wrap('store', plain, ['claim', 'nextDue', 'record', 'release', 'content', 'quarantine']),
    begin: (...args) => points.wrap('draft', plain.begin(...args), ['commit'] satisfies (keyof Draft)[]),
  };
  const intake = createIntake({
    store: wrapped, clock, checks: [], variables: () => new Map(), trace: () => new Uint8Array(), log: silent, metrics: silentMetrics,
    limits: { headerOctets: 100_000, receivedFields: 100, sizeOctets: 0, submitDelayMs: 0 },
  });
  const reporter = createReporter({ intake, me: 'gw.example', postmaster: 'postmaster@gw.example' as Address, clock, log: silent, kernels });
  const transport = {
    name: 'esmtp', limits: { recipients: 100, perNexthop: 4, inAll: 40 },
    deliver: (job: Delivery) => answer(job, world),
    close: async () => undefined,
  };
  const runner = openRunner({
    store: wrapped, clock, chance: noChance, log: silent, metrics: silentMetrics, settings: () => settings,
    router: points.wrap('router', { ...domainRouter }, ['route']),
    transports: new Map([['esmtp', points.wrap('transport', transport, ['deliver'])]]),
    reporter: points.wrap('reporter', reporter, ['report']),
    window: { messages: 50, octets: 1e7 }, leaseMs: 5 * SECOND,
  });
  return {
    store, runner,
    async post(name, to, sizeOctets) {
      const envelope: Envelope = { reversePath: `${name}@sender.example` as Address, body: '7bit', smtputf8: false, origin: { source: 'esmtp', protocol: 'ESMTP', at: clock.now() } };
      const recipients = to.map((one, at): Recipient => ({ id: at as RecipientId, ...(typeof one === 'string' ? { address: one as Address } : { address: '' as Address, ...one }) }));
      const draft = wrapped.begin(envelope, recipients);
      const content = Buffer.from(`Subject: ${name}\r\n\r\n${'x'.repeat(sizeOctets)}\r\n`);
      for (let from = 0; from < content.length; from += 100_000) await draft.write(Buffer.from(content.subarray(from, from + 100_000)));
      const facts = { sizeOctets: content.length, digest: kernels.digest(content), has8bit: false, hasNul: false, bareCr: 0, bareLf: 0, longestLine: 990, headerEnd: name.length + 13, header8bit: false };
      const committed = await draft.commit({ due: clock.now(), trace: new Uint8Array(), facts });
      assert.equal(committed.kind, 'committed');
      world.promised.add(name);
    },
  };
}

async function answer(job: Delivery, world: World): Promise<ReadonlyMap<RecipientId, Outcome>> {
  const pieces: Uint8Array[] = [];
  for await (const piece of job.content.read()) pieces.push(piece);
  const text = Buffer.concat(pieces).toString('latin1');
  if (job.envelope.reversePath === null) world.reports.set(job.id, text);
  return new Map(job.recipients.map(({ id, address }) => {
    const before = world.tries.get(address) ?? 0;
    world.tries.set(address, before + 1);
    if (world.settled.has(`${job.id} ${id}`)) world.violations.push(`${address} was tried after its final outcome was durable`);
    const [first, then] = fates[address] ?? [delivered, delivered];
    const outcome = before === 0 ? first : then;
    world.answers.set(address, outcome.kind);
    return [id, outcome];
  }));
}

/** Notes which final outcomes are durable. */
function watched(store: LmdbQueue, world: World): QueueStore {
  const note = (claim: Claim, news?: News) => {
    for (const [id, outcome] of news?.outcomes ?? []) if (isFinal(outcome) && !world.settled.has(`${claim.id} ${id}`)) world.settled.set(`${claim.id} ${id}`, outcome.kind);
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
      // A deletion need not be durable when it resolves: what it would repeat is the attempt.
      if (held === 'held' && next !== 'finished') note(claim, news);
      return held;
    },
  };
}

/** Lets time pass, from sleeper to sleeper, and never while the disk still works. */
async function live({ clock, points }: Stage, untilMs: number): Promise<void> {
  const end = clock.now() + untilMs;
  for (let at = clock.now() as number; at <= end; at += 100) {
    for (let quiet = 0; quiet < 3; quiet = points.pending > 0 ? 0 : quiet + 1) await new Promise(setImmediate);
    await clock.runTo(at);
  }
  while (points.pending > 0) await new Promise(setImmediate);
}

interface Moment {
  readonly what: string;
  readonly image: Image;
  readonly world: World;
  readonly now: number;
}

for (const way of ['by the index alone', 'by the journal']) {
  test(`the plug pulled at every commit, file step and await, ${way}: nobody is lost, nobody is told twice, nothing stays behind`, { timeout: 300_000 }, (t) => play(t, way === 'by the journal'));
}

async function play(t: TestContext, journaled: boolean): Promise<void> {
  const folder = scratchFolder('five');
  const journalOctets = journaled ? layJournal(folder, 16 * 1024) : 0;
  const moments: Moment[] = [];
  const clock = createHandClock(1_700_000_000_000, 2);
  const world: World = { promised: new Set(), tries: new Map(), answers: new Map(), settled: new Map(), reports: new Map(), violations: [] };
  const seen = new Set<string>();
  let stood = 0;
  const points = createCrashPoints((what) => {
    stood++;
    const image = takeImage(folder);
    // What differs in nothing has the same future.
    const key = digestOf(image) + JSON.stringify([[...world.promised], [...world.tries], [...world.settled], [...world.reports.keys()]]);
    if (seen.has(key)) return;
    seen.add(key);
    moments.push({ what, image, world: structuredClone(world), now: clock.now() });
  });
  const stage = { clock, points, world };
  const first = await openProcess(folder, stage, journalOctets);
  await first.post('many', [{ address: 'ok@a.example' as Address, notify: ['success', 'failure'] }, 'no@a.example', 'second@b.example', 'never@c.example'], 500);
  await first.post('large', ['large@d.example'], 400_000);
  await live(stage, 5 * SECOND);
  await first.post('late', ['late@e.example'], 10);
  await live(stage, LIFE_MS);
  await first.runner.close({ graceMs: 0 });
  await first.store.close();
  check(world, 'without a crash');
  t.diagnostic(`${stood} moments, ${moments.length} different`);
  assert.ok(stood > 250 && moments.length > 40, `${stood} moments, ${moments.length} different`);

  for (const [n, { what, image, world: then, now }] of moments.entries()) {
    const where = `moment ${n} of ${moments.length}, ${what}`;
    const after = scratchFolder('five-after');
    layImage(image, after);
    const again = { clock: createHandClock(now + 1, 2), points: createCrashPoints(() => undefined), world: then };
    const second = await openProcess(after, again, journalOctets);
    await atRest(second.store, `${where}, after the restart`);
    await live(again, LIFE_MS);
    check(then, where);
    await second.runner.close({ graceMs: 0 });
    assert.equal((await second.store.summary()).messages, 0, `${where}: something is left in the queue`);
    await second.store.close();
    // Once more: what was finished stays finished, and nothing lies about.
    const third = await openLmdbQueue({ folder: after, kernels, clock: again.clock, log: silent, watermarkOctets: 0, mayBeAlive: () => false });
    assert.deepEqual(third.recovery, { journal: 0, leases: 0, orphans: 0, missing: 0, keys: 0 }, where);
    assert.equal((await third.summary()).messages, 0, where);
    await third.close();
    rmSync(after, { recursive: true });
  }
}

/** No draft, no orphan, everything in exactly one place and as it was written. */
async function atRest(store: LmdbQueue, where: string): Promise<void> {
  for await (const one of store.verify('look')) assert.equal(one.kind, 'checked', `${where}: ${JSON.stringify(one)}`);
  assert.equal(store.recovery.missing, 0, where);
}

function check(world: World, where: string): void {
  const said = (address: string, action: string) => [...world.reports.values()].filter((text) => text.includes(`Final-Recipient: rfc822; ${address}\r\nAction: ${action}`)).length;
  const violations = [...world.violations];
  const expect = (what: string, got: number, least: number, most = least) => {
    if (got < least || got > most) violations.push(`${what}: ${got}, not ${least === most ? least : `${least} to ${most}`}`);
  };
  const tries = (address: string) => world.tries.get(address) ?? 0;
  if (world.promised.has('many')) {
    expect('ok tried', tries('ok@a.example'), 1, 2);
    expect('ok told', said('ok@a.example', 'relayed'), 1);
    expect('no tried', tries('no@a.example'), 1, 2);
    // Only the answer that was noted may be told.
    const noted = world.answers.get('no@a.example') === 'failed' ? 1 : 0;
    expect('no told', said('no@a.example', 'failed'), tries('no@a.example') === 1 ? noted : 0, 1);
    expect('second tried', tries('second@b.example'), 2, 3);
    expect('second told', said('second@b.example', 'failed'), 1);
    expect('never told of the delay', said('never@c.example', 'delayed'), 1);
    expect('never told', said('never@c.example', 'failed'), 1);
  }
  if (world.promised.has('large')) {
    expect('large tried', tries('large@d.example'), 2, 3);
    if (world.answers.get('large@d.example') !== 'relayed') violations.push('large was not delivered');
  }
  if (world.promised.has('late')) expect('late tried', tries('late@e.example'), 1, 2);
  assert.deepEqual(violations, [], where);
}
