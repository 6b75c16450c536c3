/** batchsize: a message to many is several entries of the queue, all of them or none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address, RecipientId } from '../../../src/core/envelope.ts';
import type { QueueStore } from '../../../src/core/queue-store.ts';
import { beginBatches } from '../../../src/flow/intake/batches.ts';
import { createMemoryQueue } from '../../../src/flow/queue/index.ts';
import { openKernels } from '../../../src/kit/wasm/kernels.ts';
import { createFakeClock } from '../../props/fake-clock.ts';
import { all, envelope, octetsOf, recipient, sealOf, text } from '../../props/queue-messages.ts';

const kernels = openKernels();
const clock = createFakeClock();
const many = Array.from({ length: 250 }, (_, n) => recipient(n));

function open(store: QueueStore = createMemoryQueue({ clock, kernels })): { readonly store: QueueStore; begin(size: number, to?: typeof many, key?: string): ReturnType<typeof beginBatches> } {
  return { store, begin: (size, to = many, key) => beginBatches(store, clock, size, envelope, to, key) };
}

test('250 recipients by 100 are three messages with the same content, and every recipient is in one of them', async () => {
  const { store, begin } = open();
  const draft = begin(100);
  const content = text(5000);
  for (let at = 0; at < content.length; at += 1000) await draft.write(content.subarray(at, at + 1000));
  assert.deepEqual(await draft.commit(sealOf(kernels, content, clock.now())), { kind: 'committed', id: draft.id });
  const entries = await all(store);
  assert.deepEqual(entries.map(({ message }) => message.recipients.length), [100, 100, 50]);
  assert.deepEqual(entries.flatMap(({ message }) => message.recipients.map(({ id }) => id)), many.map(({ id }) => id));
  for (const { message } of entries) {
    const found = await store.content({ id: message.id, message });
    assert.ok(found.kind === 'content');
    assert.deepEqual((await octetsOf(found)).subarray(-5000), content);
  }
});

test('100 recipients are one message; a key makes each batch once', async () => {
  const { store, begin } = open();
  for (let time = 0; time < 2; time++) {
    const draft = begin(100, many.slice(0, 150), 'PARENT:1');
    await draft.write(text(10));
    await draft.commit(sealOf(kernels, text(10), clock.now()));
  }
  assert.deepEqual((await all(store)).map(({ message }) => message.recipients.length), [100, 50]);
});

test('recipients that were refused after the content are left out; a batch of nobody is no message', async () => {
  const { store, begin } = open();
  const draft = begin(100);
  await draft.write(text(10));
  const kept = many.filter(({ id }) => id < 100 || id === 249).map((one) => ({ ...one, original: 'rfc822;kept' }));
  await draft.commit({ ...sealOf(kernels, text(10), clock.now()), recipients: kept });
  const entries = await all(store);
  assert.deepEqual(entries.map(({ message }) => message.recipients.length), [100, 1]);
  assert.deepEqual(entries[1]?.message.recipients, [{ id: 249 as RecipientId, address: 'user249@example.net' as Address, original: 'rfc822;kept' }]);
});

test('whom a filter added is in one of the messages, even when all others of it were refused', async () => {
  const { store, begin } = open();
  const draft = begin(100);
  await draft.write(text(10));
  const added = { ...recipient(999), id: 999 as RecipientId };
  await draft.commit({ ...sealOf(kernels, text(10), clock.now()), recipients: [...many.slice(0, 100), added] });
  assert.deepEqual((await all(store)).map(({ message }) => message.recipients.map(({ id }) => Number(id)).at(-1)), [99, 999]);
});

test('no room for the last batch: none is kept', async () => {
  const { store, begin } = open(createMemoryQueue({ clock, kernels, capacityOctets: 2500 }));
  const draft = begin(100);
  await draft.write(text(1000));
  assert.deepEqual(await draft.commit(sealOf(kernels, text(1000), clock.now())), { kind: 'full' });
  assert.deepEqual(await all(store), []);
  assert.equal((await store.summary()).freeOctets, 2500);
});

test('discarded, nothing is left', async () => {
  const { store, begin } = open();
  const draft = begin(100);
  await draft.write(text(1000));
  draft.discard();
  assert.deepEqual(await all(store), []);
});
