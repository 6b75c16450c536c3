/** ARCHIVEDIR: what is finished is kept, and an archive that is full stops no mail. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { LogFields } from '../../../src/core/log.ts';
import { silent } from '../../../src/core/log.ts';
import { withArchive } from '../../../src/gateway/archive.ts';
import { createMemoryQueue } from '../../../src/flow/queue/index.ts';
import { openKernels } from '../../../src/kit/wasm/kernels.ts';
import { createFailingDisk } from '../../props/failing-disk.ts';
import { createFakeClock } from '../../props/fake-clock.ts';
import { all, delivered, failed, first, idOf, post, second, text, trace } from '../../props/queue-messages.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';

const kernels = openKernels();

function open(folder: () => string | null) {
  const clock = createFakeClock(new Date(2026, 10, 21, 12).getTime());
  const disk = createFailingDisk();
  const errors: LogFields[] = [];
  const log = { ...silent, error: (_event: string, fields: LogFields = {}) => void errors.push(fields) };
  const store = withArchive(createMemoryQueue({ clock, kernels }), { folder, files: disk, clock, log });
  const claim = async () => (await store.claim({ now: clock.now(), limit: 1, leaseMs: 60_000 }))[0]!;
  return { clock, disk, errors, store, claim };
}

test('a finished message lies in the folder of its day as it was sent, with what became of each recipient', async () => {
  const folder = join(scratchFolder('archive'), 'not', 'there', 'yet');
  const { store, clock, claim } = open(() => folder);
  const id = idOf(await post(store, kernels, clock.now(), text(300)));
  const one = await claim();
  await store.record(one, { at: clock.now(), outcomes: new Map([[first, failed]]) });
  assert.equal(await store.release(one, { due: clock.now() }), 'held');
  assert.throws(() => readdirSync(folder), 'what is not finished is not archived');
  const again = await claim();
  assert.equal(await store.release(again, 'finished', { at: clock.now(), outcomes: new Map([[second, delivered]]) }), 'held');
  assert.deepEqual(readdirSync(join(folder, '2026.11.21')).toSorted(), [`${id}.eml`, `${id}.json`]);
  assert.deepEqual(readFileSync(join(folder, '2026.11.21', `${id}.eml`)), Buffer.concat([trace, text(300)]));
  const account = JSON.parse(readFileSync(join(folder, '2026.11.21', `${id}.json`), 'utf8')) as { envelope: { reversePath: string }; recipients: { outcome: { kind: string } }[] };
  assert.equal(account.envelope.reversePath, 'ann@example.org');
  assert.deepEqual(account.recipients.map(({ outcome }) => outcome.kind), ['failed', 'relayed']);
  assert.deepEqual(await all(store), []);
});

test('an archive that cannot be written is an error in the log, and the message is finished', async () => {
  const folder = scratchFolder('archive');
  const { store, clock, claim, disk, errors } = open(() => folder);
  disk.fail = (step) => (step === 'write' ? 'ENOSPC' : null);
  await post(store, kernels, clock.now(), text(300));
  assert.equal(await store.release(await claim(), 'finished'), 'held');
  assert.deepEqual(await all(store), []);
  assert.equal(errors.length, 1);
  assert.deepEqual(readdirSync(join(folder, '2026.11.21')), [], 'no half of a message is left');
});

test('without ARCHIVEDIR nothing is written', async () => {
  const { store, clock, claim, disk } = open(() => null);
  await post(store, kernels, clock.now(), text(300));
  await store.release(await claim(), 'finished');
  assert.deepEqual(disk.steps, []);
});
