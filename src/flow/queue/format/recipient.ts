/** A recipient in a stored record (record.ts): wishes, the last outcome, and those before it. */
import type { Instant } from '../../../core/clock.ts';
import type { Address, Condition, Notify, RecipientId } from '../../../core/envelope.ts';
import type { PastOutcome, RecipientState } from '../../../core/queue-store.ts';
import type { OctetReader, OctetWriter } from './octets.ts';
import { readOutcome, writeOutcome } from './outcome.ts';

/** Part of the format: add at the end only. */
const CONDITIONS = ['success', 'failure', 'delay'] as const satisfies readonly Condition[];

export function writeRecipient(w: OctetWriter, recipient: RecipientState): void {
  const { original, notify, outcome, outcomeAt, reached, reported, past, expanded } = recipient;
  w.whole(
    (original === undefined ? 0 : 1) |
      (notify === undefined ? 0 : notifyBits(notify) << 1) |
      (outcome === undefined ? 0 : 64) |
      (outcomeAt === undefined ? 0 : 128) |
      (reached === undefined ? 0 : 256) |
      (reported === undefined ? 0 : 512) |
      (past === undefined ? 0 : 1024) |
      (expanded === undefined ? 0 : 2048),
  );
  w.whole(recipient.id);
  w.text(recipient.address);
  if (original !== undefined) w.text(original);
  if (outcome !== undefined) writeOutcome(w, outcome);
  if (outcomeAt !== undefined) w.float(outcomeAt);
  if (reached !== undefined) writeOutcome(w, reached);
  if (past === undefined) return;
  w.whole(past.length);
  for (const one of past) {
    writeOutcome(w, one.outcome);
    w.float(one.firstAt);
    w.float(one.lastAt);
    w.whole(one.times);
  }
}

export function readRecipient(r: OctetReader): RecipientState {
  const flags = r.whole();
  const notify = (flags >> 1) & 0x1f;
  return {
    id: r.whole() as RecipientId,
    address: r.text() as Address,
    ...((flags & 1) !== 0 ? { original: r.text() } : {}),
    ...(notify !== 0 ? { notify: notifyOf(notify) } : {}),
    ...((flags & 64) !== 0 ? { outcome: readOutcome(r) } : {}),
    ...((flags & 128) !== 0 ? { outcomeAt: r.float() as Instant } : {}),
    ...((flags & 256) !== 0 ? { reached: readOutcome(r) } : {}),
    ...((flags & 512) !== 0 ? { reported: true as const } : {}),
    ...((flags & 1024) !== 0 ? { past: readPast(r) } : {}),
    ...((flags & 2048) !== 0 ? { expanded: true as const } : {}),
  };
}

function readPast(r: OctetReader): readonly PastOutcome[] {
  const past: PastOutcome[] = [];
  for (let left = r.whole(); left > 0; left--) past.push({ outcome: readOutcome(r), firstAt: r.float() as Instant, lastAt: r.float() as Instant, times: r.whole() });
  return past;
}

/** Bit 0: something was said; bit 1: never; bits 2 to 4: the conditions. */
function notifyBits(notify: Notify): number {
  if (notify === 'never') return 3;
  return notify.reduce((bits, condition) => bits | (4 << CONDITIONS.indexOf(condition)), 1);
}

function notifyOf(bits: number): Notify {
  return (bits & 2) !== 0 ? 'never' : CONDITIONS.filter((_, bit) => (bits & (4 << bit)) !== 0);
}
