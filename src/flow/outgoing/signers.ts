/** Whose mail is signed with which keys. */
import type { Origin } from '../../core/envelope.ts';
import type { DkimKey } from './dkim.ts';

export interface Signers {
  /** Nobody signs anything. */
  readonly none: boolean;
  /** Those of the author's domain; empty: it is not ours to sign for. `domain` in A-labels or not. */
  keysOf(domain: string): readonly DkimKey[];
}

export interface DomainKeys {
  /** As the house writes domains; a leading dot: all names below it. */
  readonly match: string;
  readonly keys: readonly DkimKey[];
}

/** A domain's own line before its parents', the nearest first. */
export function createSigners(domains: readonly DomainKeys[]): Signers {
  const keys = new Map(domains.map(({ match, keys: of }) => [match, of]));
  return {
    none: keys.size === 0,
    keysOf(domain) {
      const own = keys.get(domain);
      if (own !== undefined) return own;
      for (let dot = domain.indexOf('.'); dot > 0; dot = domain.indexOf('.', dot + 1)) {
        const found = keys.get(domain.slice(dot));
        if (found !== undefined) return found;
      }
      return NONE;
    },
  };
}

const NONE: readonly DkimKey[] = [];

/** Written here, or handed over by somebody who may relay: a signature says that we vouch for it (RFC 6376 §1.2). */
export function isOurs({ source, login, relayClient }: Origin): boolean {
  switch (source) {
    case 'local':
    case 'dsn':
    case 'fax':
    case 'list':
      return true;
    case 'esmtp':
    case 'submission':
      return login !== undefined || relayClient !== undefined;
    case 'uucp':
      return false;
    default:
      return source satisfies never;
  }
}
