/** Telling the sender (RFC 3461, RFC 3464). A report is a new message; it comes in by Intake. */
import type { RecipientState, StoredContent, StoredMessage } from './queue-store.ts';

export interface Reporter {
  /**
   * Queues at most one DSN about these recipients, once however often it is asked (idempotency key: queue id,
   * kind and recipients). 'settled': queued, or nobody wants one. 'deferred': ask again later; nothing is lost.
   */
  report(news: ReportNews): Promise<'settled' | 'deferred'>;
}

export type ReportNews = {
  readonly message: StoredMessage;
  readonly recipients: readonly RecipientState[];
  /** In the place of the queue id, where the message never came into the queue: what its sender is told of it once. */
  readonly key?: string;
  /** For the part that returns the message; absent when it cannot be read: then headers are left out, and it says so. */
  readonly content?: StoredContent;
} & (
  | { readonly kind: 'final' } // failed, delivered, relayed: one report covers all
  | { readonly kind: 'delay'; readonly retryUntil: number }
);
