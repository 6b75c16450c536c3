/**
 * A message to very many is several entries of the queue, `batchsize` recipients each, so that none is rewritten as a
 * whole for each of ten thousand answers. Together they are one draft: written once, committed together.
 */
import type { Envelope, Recipient } from '../../core/envelope.ts';
import type { Clock } from '../../core/clock.ts';
import type { Committed, Draft, QueueStore } from '../../core/queue-store.ts';

export function beginBatches(store: QueueStore, clock: Clock, size: number, envelope: Envelope, recipients: readonly Recipient[], key: string | undefined): Draft {
  const begin = (some: readonly Recipient[], own: string | undefined): Draft => store.begin(envelope, some, own === undefined ? {} : { idempotencyKey: own });
  if (recipients.length <= size) return begin(recipients, key);
  const batches: (readonly Recipient[])[] = [];
  for (let at = 0; at < recipients.length; at += size) batches.push(recipients.slice(at, at + size));
  const drafts = batches.map((batch, n) => begin(batch, key === undefined || n === 0 ? key : `${key}:${n}`));
  const first = drafts[0] as Draft;
  const own = new Set(recipients.map(({ id }) => id));

  return {
    id: first.id,
    write(chunk) {
      // The store keeps a chunk and never changes it, so all of them may have the same.
      const waits = drafts.map((draft) => draft.write(chunk)).filter((wait) => wait !== undefined);
      return waits.length === 0 ? undefined : Promise.all(waits).then(() => undefined);
    },
    async commit(seal) {
      const kept = seal.recipients === undefined ? null : new Map(seal.recipients.map((recipient) => [recipient.id, recipient]));
      // Whom a filter added goes with the last: nobody may fall between two batches.
      const added = kept === null ? [] : [...kept.values()].filter(({ id }) => !own.has(id));
      const commits: Promise<Committed>[] = [];
      for (const [n, draft] of drafts.entries()) {
        const batch = batches[n] as readonly Recipient[];
        const left = kept === null ? batch : [...batch.flatMap(({ id }) => kept.get(id) ?? []), ...(n === drafts.length - 1 ? added : [])];
        if (left.length === 0) draft.discard(); // refused one by one
        else commits.push(draft.commit({ ...seal, recipients: left }));
      }
      const answers = await Promise.all(commits);
      const trouble = answers.find((answer) => answer.kind !== 'committed');
      if (trouble === undefined) return answers[0] as Committed;
      // All or none. What is under way already will come twice: the sender is told to send again.
      const ids = answers.flatMap((answer) => (answer.kind === 'committed' && answer.repeated !== true ? [answer.id] : []));
      if (ids.length > 0) await store.order({ ids }, { kind: 'drop', now: clock.now() });
      return trouble;
    },
    discard() {
      for (const draft of drafts) draft.discard();
    },
  };
}
