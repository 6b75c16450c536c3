/**
 * Queue ids: 13 hex digits of microseconds since the epoch, a dot, 8 hex digits of the opened store that made it.
 * They sort by time of acceptance, never repeat even when the clock jumps back, and are file names as they are.
 */
import type { Clock, Instant } from '../../core/clock.ts';
import type { MessageId } from '../../core/envelope.ts';

export const MESSAGE_ID_LENGTH = 22;
const shape = /^[0-9A-F]{13}\.[0-9A-F]{8}$/;

/** `newest`: the last id in the queue, which the next ones follow whatever the clock says now. */
export function createMessageIds(clock: Clock, tag: string, newest: MessageId | null = null): () => MessageId {
  let last = newest === null ? 0 : microseconds(newest);
  return () => {
    last = Math.max(last + 1, clock.now() * 1000);
    return `${last.toString(16).toUpperCase().padStart(13, '0')}.${tag}` as MessageId;
  };
}

export function isMessageId(text: string): text is MessageId {
  return shape.test(text);
}

/** The opened store that gave this id. */
export function tagOf(id: MessageId): string {
  return id.slice(14);
}

/** When the id was given: the time of acceptance of a message whose record cannot be read. */
export function instantOf(id: MessageId): Instant {
  return Math.floor(microseconds(id) / 1000) as Instant;
}

function microseconds(id: MessageId): number {
  return Number.parseInt(id.slice(0, 13), 16);
}
