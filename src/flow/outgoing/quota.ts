/**
 * How much a provider takes in how long, counted so that no window of that length ever holds more, wherever it begins: the
 * time is cut into slots, and a slot counts until it is over as a whole.
 */
export interface RateLimit {
  readonly count: number;
  readonly perMs: number;
}

/** Slot number → how many went in it. */
export type Slots = ReadonlyMap<number, number>;

const SLOTS = 60;

export function slotMs({ perMs }: RateLimit): number {
  return Math.ceil(perMs / SLOTS);
}

/** When so many more may go; `now` itself: at once. More than the limit is let through when nothing else went. */
export function earliest(limit: RateLimit, slots: Slots, wanted: number, now: number): number {
  const most = Math.max(0, limit.count - Math.min(wanted, limit.count));
  const width = slotMs(limit);
  const live = [...slots].filter(([slot]) => countsUntil(limit, slot) > now).sort(([one], [other]) => one - other);
  let held = live.reduce((sum, [, count]) => sum + count, 0);
  if (held <= most) return now;
  for (const [slot, count] of live) {
    held -= count;
    if (held <= most) return countsUntil(limit, slot);
  }
  return now + width;
}

/** Whoever comes so far behind the one before is never too early. */
export function apartMs(limit: RateLimit, wanted: number): number {
  return Math.ceil(((limit.perMs + slotMs(limit)) * Math.min(wanted, limit.count)) / limit.count) + 1;
}

export function withCount(limit: RateLimit, slots: Slots, added: number, now: number): Slots {
  const next = new Map([...slots].filter(([slot]) => countsUntil(limit, slot) > now));
  const slot = Math.floor(now / slotMs(limit));
  const count = (next.get(slot) ?? 0) + added;
  if (count > 0) next.set(slot, count);
  else next.delete(slot);
  return next;
}

/** A slot is over when its last moment is a whole window ago. */
function countsUntil(limit: RateLimit, slot: number): number {
  return (slot + 1) * slotMs(limit) + limit.perMs;
}
