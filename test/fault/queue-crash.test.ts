/** The queue's process killed at any moment, and several processes on one queue. */
import assert from 'node:assert/strict';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { after as afterAll, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { after } from '../../src/core/clock.ts';
import { silent } from '../../src/core/log.ts';
import type { LmdbQueue } from '../../src/flow/queue/index.ts';
import { openLmdbQueue } from '../../src/flow/queue/index.ts';
import type { FakeClock } from '../props/fake-clock.ts';
import { createFakeClock } from '../props/fake-clock.ts';
import { layJournal } from '../props/journal.ts';
import { all, contentOf, deferred, delivered, idOf, post, text, trace } from '../props/queue-messages.ts';
import { scratchFolder } from '../props/scratch-folder.ts';
import { openKernels } from '../../src/kit/wasm/kernels.ts';

const kernels = openKernels();
const script = fileURLToPath(new URL('queue-process.ts', import.meta.url));
const running = new Set<ChildProcessWithoutNullStreams>();
afterAll(() => running.forEach((child) => child.kill('SIGKILL')));

interface Other {
  /** Sends a task and waits for its answer. */
  tell<T>(task: string, own?: Readonly<Record<string, unknown>>): Promise<T>;
  /** Sends a task and waits for nothing. */
  start(task: string, own?: Readonly<Record<string, unknown>>): void;
  kill(): Promise<void>;
}

async function startOther(folder: string, journalOctets = 0): Promise<Other> {
  const child = spawn(process.execPath, [script, folder, String(journalOctets)], { stdio: ['pipe', 'pipe', 'pipe'] });
  running.add(child);
  child.stderr.on('data', (text: Buffer) => process.stderr.write(text));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async <T>(): Promise<T> => {
    const { value, done } = await lines.next();
    assert.ok(done !== true, 'the other process still answers');
    return JSON.parse(value) as T;
  };
  await answer();
  const start: Other['start'] = (task, own = {}) => void child.stdin.write(`${JSON.stringify({ task, ...own })}\n`);
  return {
    start,
    tell(task, own) {
      start(task, own);
      return answer();
    },
    async kill() {
      running.delete(child);
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

const openHere = (folder: string, clock: FakeClock): Promise<LmdbQueue> => openLmdbQueue({ folder, kernels, clock, log: silent, watermarkOctets: 0 });
const presentClock = (): FakeClock => createFakeClock(Date.now() + 1000);
const idsOf = async (store: LmdbQueue): Promise<string[]> => (await all(store)).map(({ message }) => message.id);

for (const way of ['', ', with a journal']) describe(`queue after its process was killed${way}`, () => {
  const start = (folder: string): Promise<Other> => startOther(folder, way === '' ? 0 : layJournal(folder));

  it('what was acknowledged is there, due, with its content to the octet', async () => {
    const folder = scratchFolder('queue');
    const sizes = [0, 10, 4096, 32_768, 40_000, 600_000, 1_500_000];
    const other = await start(folder);
    const ids = await other.tell<string[]>('post', { sizes });
    other.start('post', { sizes: Array.from({ length: 200 }, (_, n) => n * 400) }); // killed somewhere in it
    await other.kill();

    const clock = presentClock();
    const store = await openHere(folder, clock);
    const found = await store.claim({ now: clock.now(), limit: 1000, leaseMs: 1000 });
    const bySize = new Map(found.map((claim) => [claim.id as string, claim]));
    for (const [at, id] of ids.entries()) {
      const claim = bySize.get(id);
      assert.ok(claim, `${sizes[at]} octets`);
      const whole = sizes[at] === 0 ? text(0) : text(sizes[at]!);
      assert.deepEqual(await contentOf(store, claim), Buffer.concat([trace, whole]));
    }
    for (const claim of found) assert.notEqual((await store.content(claim)).kind, 'corrupt');
    await store.close();
  });

  it('a draft leaves nothing, and no body file is left without its record', async () => {
    const folder = scratchFolder('queue');
    const other = await start(folder);
    await other.tell('draft', { sizes: [300_000, 300_000] });
    other.start('post', { sizes: Array.from({ length: 40 }, () => 300_000) });
    await other.tell('draft', { sizes: [] });
    await other.kill();

    const store = await openHere(folder, presentClock());
    const ids = await idsOf(store);
    const files = readdirSync(`${folder}/bodies`, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    assert.deepEqual(files.map(({ name }) => name).toSorted(), ids.toSorted());
    assert.ok(store.recovery.orphans >= 1);
    assert.equal(store.recovery.missing, 0);
    await store.close();
  });

  it('claims of the dead are given back at once, fresh ones too; what they recorded stands', async () => {
    const folder = scratchFolder('queue');
    const other = await start(folder);
    await other.tell('post', { sizes: [10, 20] });
    const claimed = await other.tell<string[]>('claim');
    assert.equal(claimed.length, 2);
    await other.tell('record');
    await other.tell('claim'); // hungry: the next is born claimed
    const [fresh] = await other.tell<string[]>('post', { sizes: [30] });
    await other.kill();

    const clock = presentClock();
    const store = await openHere(folder, clock);
    assert.equal(store.recovery.leases + store.recovery.journal, 3);
    assert.equal(store.recovery.journal, way === '' ? 0 : 1);
    const claims = await store.claim({ now: clock.now(), limit: 10, leaseMs: 1000 });
    assert.deepEqual(claims.map(({ id }) => id as string), [...claimed, fresh]);
    const [one, two] = claims[0]!.message.recipients;
    assert.deepEqual([one?.outcome, one?.reported, two?.outcome, two?.reported], [delivered, true, deferred, undefined]);
    assert.equal(claims[0]!.message.attempts, 0);
    await store.close();
  });

  it('a release that was answered stands', async () => {
    const folder = scratchFolder('queue');
    const other = await start(folder);
    const ids = await other.tell<string[]>('post', { sizes: [10, 20] });
    await other.tell('claim');
    assert.deepEqual(await other.tell('release'), ['held', 'held']);
    await other.kill();
    const clock = presentClock();
    const store = await openHere(folder, clock);
    assert.deepEqual(await store.claim({ now: clock.now(), limit: 10, leaseMs: 1000 }), []);
    assert.deepEqual(ids.map((id) => store.get(id as never)?.message.attempts), [1, 1]);
    await store.close();
  });

  it('nothing acknowledged is lost over several kills', async () => {
    const folder = scratchFolder('queue');
    const acknowledged: string[] = [];
    for (let round = 0; round < 4; round++) {
      const other = await start(folder);
      acknowledged.push(...(await other.tell<string[]>('post', { sizes: Array.from({ length: 50 }, (_, n) => n * 1000) })));
      other.start('post', { sizes: Array.from({ length: 100 + round * 50 }, () => 3000) });
      other.start('claim');
      await other.kill();
    }
    const store = await openHere(folder, presentClock());
    const ids = new Set(await idsOf(store));
    assert.deepEqual(acknowledged.filter((id) => !ids.has(id)), []);
    await store.close();
  });
});

describe('several processes on one queue', () => {
  it('a live holder keeps its lease until it runs out', async () => {
    const folder = scratchFolder('queue');
    const other = await startOther(folder);
    const ids = await other.tell<string[]>('post', { sizes: [10] });
    await other.tell('claim', { leaseMs: 600_000 });
    const clock = presentClock();
    const store = await openHere(folder, clock);
    const claim = async (): Promise<string[]> => (await store.claim({ now: clock.now(), limit: 10, leaseMs: 1000 })).map(({ id }) => id);
    assert.equal(store.recovery.leases, 0);
    assert.deepEqual(await claim(), []);
    await clock.advance(300_000);
    assert.deepEqual(await claim(), []);
    await clock.advance(300_001);
    assert.deepEqual(await claim(), ids);
    assert.deepEqual(await other.tell('record'), ['lease-lost']);
    assert.deepEqual(await other.tell('release'), ['lease-lost']);
    await store.close();
    await other.kill();
  });

  it('two that drain one queue share it out: everything once', async () => {
    const folder = scratchFolder('queue');
    const one = await startOther(folder);
    const two = await startOther(folder);
    const ids = (await Promise.all([one, two].map((other) => other.tell<string[]>('post', { sizes: Array.from({ length: 300 }, (_, n) => n) })))).flat();
    const drained = (await Promise.all([one, two].map((other) => other.tell<string[]>('drain', { limit: 7 })))).flat();
    assert.deepEqual(drained.toSorted(), ids.toSorted());
    await Promise.all([one.kill(), two.kill()]);
  });

  it('a drafted body of a live process is nobody’s orphan', async () => {
    const folder = scratchFolder('queue');
    const other = await startOther(folder);
    await other.tell('draft', { sizes: [300_000, 300_000] });
    const store = await openHere(folder, presentClock());
    assert.equal(store.recovery.orphans, 0);
    await store.close();
    await other.kill();
  });

  it('orders from another process: the claimed message obeys at its release', async () => {
    const folder = scratchFolder('queue');
    const other = await startOther(folder);
    const [id] = await other.tell<string[]>('post', { sizes: [10] });
    await other.tell('claim');
    const clock = presentClock();
    const store = await openHere(folder, clock);
    assert.equal(store.get(id as never)?.state, 'claimed');
    assert.equal(await store.order('all', { kind: 'cancel', now: clock.now(), reason: 'operator' }), 1);
    await other.tell('release');
    const entry = store.get(id as never);
    assert.equal(entry?.message.cancelled?.reason, 'operator');
    assert.ok(entry.due <= clock.now());
    await store.close();
    await other.kill();
  });

  it('another process’s commit wakes within a poll, and a poke at once', async () => {
    const folder = scratchFolder('queue');
    const clock = presentClock();
    const store = await openHere(folder, clock);
    const other = await startOther(folder);
    const signal = new AbortController();
    const wake = store.wake(signal.signal)[Symbol.asyncIterator]();
    let step = wake.next();
    await other.tell('post', { sizes: [10] });
    // The snapshot that is read from follows real time, not ours: as many polls as it takes.
    const woken = new AbortController();
    void step.then(() => woken.abort());
    for (let polls = 0; polls < 100_000 && !woken.signal.aborted; polls++) await clock.advance(50);
    assert.ok(woken.signal.aborted);
    assert.equal((await step).done, false);
    assert.equal((await store.claim({ now: clock.now(), limit: 10, leaseMs: 10_000 })).length, 1);
    step = wake.next();
    store.poke();
    assert.equal((await step).done, false);
    signal.abort();
    await store.close();
    await other.kill();
  });

  it('two stores in one process hold no claim twice, and closing gives leases back', async () => {
    const folder = scratchFolder('queue');
    const clock = createFakeClock();
    const one = await openHere(folder, clock);
    const two = await openHere(folder, clock);
    for (let n = 0; n < 20; n++) idOf(await post(n % 2 === 0 ? one : two, kernels, clock.now(), text(n + 1)));
    const claim = (store: LmdbQueue): ReturnType<LmdbQueue['claim']> => store.claim({ now: clock.now(), limit: 8, leaseMs: 60_000 });
    const [mine, theirs] = await Promise.all([claim(one), claim(two)]);
    assert.equal(new Set([...mine, ...theirs].map(({ id }) => id)).size, 16);
    assert.equal(await two.release(theirs[0]!, 'finished'), 'held');
    await two.close();
    const given = await one.claim({ now: clock.now(), limit: 20, leaseMs: 60_000 });
    assert.deepEqual(
      given.map(({ id }) => id).toSorted(),
      (await all(one)).map(({ message }) => message.id).filter((id) => !mine.some((claim) => claim.id === id)).toSorted(),
    );
    assert.equal(given.length, 11);
    await one.close();
  });

  it('a holder that may be alive is left alone, one of another boot is dead', async () => {
    const folder = scratchFolder('queue');
    const clock = createFakeClock();
    const one = await openHere(folder, clock);
    idOf(await post(one, kernels, clock.now(), text(5)));
    await one.claim({ now: clock.now(), limit: 1, leaseMs: 60_000 });
    const open = (mayBeAlive: () => boolean): Promise<LmdbQueue> => openLmdbQueue({ folder, kernels, clock, log: silent, watermarkOctets: 0, mayBeAlive });
    const two = await open(() => true);
    assert.equal(two.recovery.leases, 0);
    const three = await open(() => false);
    assert.equal(three.recovery.leases, 1);
    assert.equal((await three.claim({ now: after(clock.now(), 1), limit: 1, leaseMs: 1 })).length, 1);
    for (const store of [one, two, three]) await store.close();
  });

  it('several open the queue of the dead at once: what its journal held is there once', async () => {
    const folder = scratchFolder('queue');
    const other = await startOther(folder, layJournal(folder));
    const ids = await other.tell<string[]>('post', { sizes: [10, 2000, 0, 30_000] });
    await other.kill();
    const clock = presentClock();
    const journalOctets = 256 * 1024;
    const stores = await Promise.all([1, 2, 3].map(() => openLmdbQueue({ folder, kernels, clock, log: silent, watermarkOctets: 0, journalOctets })));
    assert.equal(stores.reduce((sum, { recovery }) => sum + recovery.journal, 0), ids.length);
    const claimed = (await Promise.all(stores.map((store) => store.claim({ now: clock.now(), limit: 10, leaseMs: 60_000 })))).flat();
    assert.deepEqual(claimed.map(({ id }) => id as string).toSorted(), ids.toSorted());
    for (const store of stores) await store.close();
  });

  it('the journal of a live process is left to it; what it holds is claimed there alone', async () => {
    const folder = scratchFolder('queue');
    const other = await startOther(folder, layJournal(folder));
    await other.tell('claim'); // hungry: what comes is born claimed
    const [id] = await other.tell<string[]>('post', { sizes: [10] });
    const clock = presentClock();
    const store = await openHere(folder, clock);
    assert.deepEqual([store.recovery.journal, (await store.tidy()).journal], [0, 0]);
    assert.deepEqual(await store.claim({ now: clock.now(), limit: 10, leaseMs: 1000 }), []);
    assert.deepEqual(await other.tell('claim'), [id]);
    assert.deepEqual(await other.tell('release'), ['held']);
    assert.deepEqual(await idsOf(store), [id]);
    await store.close();
    await other.kill();
  });
});
