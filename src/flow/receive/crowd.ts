/** How many are in, in all, of one address and of one neighbourhood (MAXDAEMONS, MAXPERIP, MAXPERC). */
import type { Limits } from './limits.ts';

export type Place =
  | { readonly kind: 'place'; readonly leave: () => void }
  | { readonly kind: 'full'; readonly which: 'connections' | 'perAddress' | 'perBlock' };

export interface Crowd {
  readonly size: number;
  /** `perAddress` replaces the limit of that name (MAXCPERIP). */
  enter(address: string, limits: Limits, perAddress: number | null): Place;
}

export function createCrowd(): Crowd {
  const addresses = new Map<string, number>();
  const blocks = new Map<string, number>();
  let size = 0;
  return {
    get size() {
      return size;
    },
    enter(address, limits, perAddress) {
      const block = blockOf(address);
      if (size >= limits.connections) return { kind: 'full', which: 'connections' };
      if ((addresses.get(address) ?? 0) >= (perAddress ?? limits.perAddress)) return { kind: 'full', which: 'perAddress' };
      // Whoever may have more connections of one address may have them in his block too.
      if ((blocks.get(block) ?? 0) >= Math.max(limits.perBlock, perAddress ?? 0)) return { kind: 'full', which: 'perBlock' };
      size++;
      count(addresses, address, 1);
      count(blocks, block, 1);
      let here = true;
      return {
        kind: 'place',
        leave() {
          if (!here) return;
          here = false;
          size--;
          count(addresses, address, -1);
          count(blocks, block, -1);
        },
      };
    },
  };
}

function count(counts: Map<string, number>, key: string, step: 1 | -1): void {
  const now = (counts.get(key) ?? 0) + step;
  if (now > 0) counts.set(key, now);
  else counts.delete(key);
}

/** IPv4 /24; IPv6 /64, the least that one customer has (Courier's /120 counts nobody twice). */
export function blockOf(address: string): string {
  if (!address.includes(':')) return address.slice(0, address.lastIndexOf('.') + 1);
  const [head = '', tail = ''] = address.split('%', 1)[0]?.split('::', 2) ?? [];
  const front = head === '' ? [] : head.split(':');
  const back = tail === '' ? [] : tail.split(':');
  const zeros = address.includes('::') ? 8 - front.length - back.length : 0;
  return [...front, ...Array.from({ length: zeros }, () => '0'), ...back].slice(0, 4).map(group => group.replace(/^0+(?=.)/, '')).join(':');
}
