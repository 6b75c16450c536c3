/** Addresses that mail from strangers could not be delivered to: their next mail is refused at the door, where no backscatter comes of it. */
import type { Address } from './envelope.ts';

export interface AddressTrack {
  /** Takes note; never waits, never throws. 'success' counts only after a failure or a deferral. */
  note(address: Address, state: Tracked['state']): void;
  /** Null: nothing is known, or it is too long ago. */
  last(address: Address): Tracked | null;
  /** All that is known, the latest first. */
  all(): readonly (Tracked & { readonly address: string })[];
  /** How many were forgotten. */
  forget(which: 'all' | { readonly address: string }): Promise<number>;
}

export interface Tracked {
  readonly state: 'failure' | 'deferral' | 'success';
  readonly at: number;
}
