/**
 * verifyfilter: whether the envelope's sender can be written to, asked of the sender's own mail exchangers. Those who
 * logged in are not asked about; what was learned is kept a while.
 */
import { after, type Clock, type Instant } from '../../core/clock.ts';
import type { Filter } from '../../core/policy.ts';
import type { Refusal } from '../../core/status.ts';

export type Verified =
  | { readonly kind: 'good' }
  /** `said`: the exchange, a line each, for the client. */
  | { readonly kind: 'bad'; readonly lasting: boolean; readonly said: readonly string[] };

export interface VerificationOptions {
  /** `base`: the local part up to its first dash stands for all, so that a list's VERP senders are asked about once. */
  readonly cache: 'base' | 'full';
  /** Questions under way at once; more wait. */
  readonly parallel: number;
  readonly whenAbsent: 'pass' | 'defer';
  verify(address: string, signal: AbortSignal): Promise<Verified>;
  readonly clock: Clock;
}

const GOOD_MS = 3 * 3_600_000;
const BAD_MS = 2 * 3_600_000;
/** Use keeps a good address known. */
const REFRESH_MS = 10 * 60_000;
const MOST = 10_000;

interface Known {
  readonly verified: Verified;
  until: Instant;
  freshAt: Instant;
}

export function createVerification({ cache, parallel, whenAbsent, verify, clock }: VerificationOptions): Filter {
  const known = new Map<string, Known>();
  const waiting: (() => void)[] = [];
  let busy = 0;

  async function learn(address: string, signal: AbortSignal): Promise<Verified> {
    const key = keyOf(address, cache);
    const now = clock.now();
    const found = known.get(key);
    if (found !== undefined && found.until > now) {
      if (found.verified.kind === 'good' && found.freshAt <= now) {
        found.until = after(now, GOOD_MS);
        found.freshAt = after(now, REFRESH_MS);
      }
      return found.verified;
    }
    const verified = await inTurn(() => verify(address, signal), signal);
    // A passing trouble says nothing about the next time.
    if (verified.kind === 'good' || verified.lasting) {
      known.delete(key);
      known.set(key, { verified, until: after(now, verified.kind === 'good' ? GOOD_MS : BAD_MS), freshAt: after(now, REFRESH_MS) });
      const [oldest] = known.keys();
      if (known.size > MOST && oldest !== undefined) known.delete(oldest);
    }
    return verified;
  }

  async function inTurn<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (busy >= parallel) await new Promise<void>(resolve => waiting.push(resolve));
    busy++;
    try {
      signal.throwIfAborted();
      return await work();
    } finally {
      busy--;
      waiting.shift()?.();
    }
  }

  return {
    name: 'verifyfilter',
    whenAbsent,
    async inspect({ reversePath, origin, recipients }, signal) {
      const verified = reversePath === null || origin.login !== undefined ? null : await learn(reversePath, signal);
      if (verified === null || verified.kind === 'good') return { kind: 'looked', verdicts: new Map(), addFields: [] };
      const text = [...verified.said, `<${reversePath}> verification failed.`].join('\n');
      const refusal = (verified.lasting ? { kind: 'refused', reply: 530, status: '5.1.8', text } : { kind: 'refused', reply: 430, status: '4.1.8', text }) as Refusal;
      return { kind: 'looked', verdicts: new Map([...recipients.keys()].map(id => [id, refusal])), addFields: [] };
    },
  };
}

function keyOf(address: string, cache: 'base' | 'full'): string {
  const at = address.lastIndexOf('@');
  const local = address.slice(0, at);
  const domain = address.slice(at).toLowerCase();
  return cache === 'full' ? `${local}${domain}` : `${/^[^-]*/.exec(local)?.[0] ?? local}${domain}`;
}
