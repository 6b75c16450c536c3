/** A lease as it is stored: when it ends and who holds it. Its token is the entry's version. */
import type { Instant } from '../../core/clock.ts';

const LEASE_OCTETS = 16;

export interface Lease {
  readonly expiresAt: Instant;
  /** Tag of the opened store that holds it. */
  readonly holder: string;
}

export function formatLease(lease: Lease): Buffer {
  const octets = Buffer.allocUnsafe(LEASE_OCTETS);
  octets.writeDoubleBE(lease.expiresAt);
  octets.write(lease.holder, 8, 'latin1');
  return octets;
}

/** Damaged octets read as a lease of nobody that has ended: the message is what matters. */
export function parseLease(octets: Buffer): Lease {
  if (octets.length !== LEASE_OCTETS) return { expiresAt: 0 as Instant, holder: '' };
  return { expiresAt: octets.readDoubleBE(0) as Instant, holder: octets.toString('latin1', 8) };
}

/** Tokens of one opened store: whole numbers that no other store gives, small enough to be exact. */
export function createTokens(tag: string): () => number {
  const base = (Number.parseInt(tag, 16) % 2 ** 20) * 2 ** 32;
  let count = 0;
  return () => base + ++count;
}
