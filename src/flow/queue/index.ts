/**
 * The queue: the only thing that survives a power cut. Takes drafts, gives claims (core/queue-store.ts is the manual).
 *
 * `openLmdbQueue` is the durable one: an LMDB environment and body files in one folder, which several processes may
 * open at once. `createMemoryQueue` forgets, and is for tests. Must never: say committed before the data is on the
 * disk, hand one message to two claimants, overwrite a final outcome, hand out content that was not checked.
 */
export type { LmdbQueue, LmdbQueueOptions } from './lmdb-store.ts';
export { openLmdbQueue } from './lmdb-store.ts';
export type { MemoryQueueOptions } from './memory-store.ts';
export { createMemoryQueue } from './memory-store.ts';
export { createMemoryNotes } from './memory-notes.ts';
export { createMemoryOutbox } from './memory-outbox.ts';
