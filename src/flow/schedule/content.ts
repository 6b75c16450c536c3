/** The octets of an attempt, asked for when the first delivery starts, and once. */
import type { CorruptContent, QueueStore, StoredContent } from '../../core/queue-store.ts';
import type { Attempt } from './attempt.ts';
import type { Tally } from './tally.ts';

type Found = StoredContent | CorruptContent;

/** The disk did not answer: nothing is known of the content, so the message is deferred and not set aside. */
const unreadable: CorruptContent = { kind: 'corrupt', why: 'cannot be read now' };

/** Never rejects. */
export function contentOf(attempt: Attempt, store: QueueStore, tally: Tally): Found | Promise<Found> {
  return (attempt.content ??= load(attempt, store, tally));
}

function load(attempt: Attempt, store: QueueStore, tally: Tally): Found | Promise<Found> {
  const keep = (found: Found): Found => (attempt.content = found);
  const wrong = (cause: unknown): Found => {
    tally.bug('content', 'the content cannot be read', { id: attempt.claim.id, cause });
    return keep(unreadable);
  };
  try {
    const found = store.content(attempt.claim);
    return found instanceof Promise ? found.then(keep).catch(wrong) : keep(found);
  } catch (cause) {
    return wrong(cause);
  }
}

/** The store's word that what it has is not what was accepted. */
export function corruptionOf({ content }: Attempt): CorruptContent | null {
  return content === null || content instanceof Promise || content.kind !== 'corrupt' || content === unreadable ? null : content;
}
