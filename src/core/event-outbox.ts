/**
 * Events on their way to somebody outside, kept through a crash. Parcels of one hook stay in order; what a hook may keep
 * is bounded, and when it is full the oldest go: a hook that is dead for ever costs a fixed piece of disk.
 */
import type { Instant } from './clock.ts';

export interface EventOutbox {
  /** 'kept': on the disk. 'lost': there was no room, or the disk would not. Never throws, never makes mail wait. */
  add(hook: string, parcel: NewParcel, most: OutboxLimits): Promise<'kept' | 'lost'>;
  /** The oldest that are on the disk, in order, until there are so many events. */
  peek(hook: string, events: number): readonly Parcel[];
  /** Everything of this hook up to and with this parcel. */
  remove(hook: string, upTo: string): Promise<void>;
  waiting(hook: string): Waiting;
  /** Removes what hooks not named here have left behind. */
  keepOnly(hooks: ReadonlySet<string>): Promise<void>;
}

export interface NewParcel {
  /** How many events are in it. */
  readonly events: number;
  /** JSON values, joined by commas. */
  readonly text: string;
}

export interface Parcel extends NewParcel {
  /** Sorts by age. */
  readonly key: string;
  readonly at: Instant;
}

export interface OutboxLimits {
  readonly events: number;
  readonly octets: number;
}

export interface Waiting {
  readonly events: number;
  readonly octets: number;
  readonly oldestAt: Instant | null;
  /** Since this process began: for want of room, or of a disk that writes. */
  readonly lost: number;
}
