/** A resolver that answers from a table, at once or never. */
import { setMaxListeners } from 'node:events';
import type { Answer, Resolver } from '../../src/kit/dns/resolver.ts';

type Kind = 'a' | 'aaaa' | 'mx' | 'txt' | 'ptr';

export interface Names {
  /** `txt key.example`: the records; `unavailable` and `never` are what they say. A name without any row does not exist. */
  readonly [question: string]: readonly unknown[] | 'unavailable' | 'loop' | 'never';
}

export interface TableResolver extends Resolver {
  readonly asked: readonly string[];
}

export function tableResolver(table: Names): TableResolver {
  const asked: string[] = [];
  const known = new Set(Object.keys(table).map(row => row.split(' ')[1]));
  const look = <T>(kind: Kind, name: string): Promise<Answer<T>> => {
    const folded = name.toLowerCase().replace(/\.$/, '');
    asked.push(`${kind} ${folded}`);
    const row = table[`${kind} ${folded}`];
    if (row === 'never') return new Promise(() => undefined);
    if (row === 'loop') return Promise.resolve({ kind: 'unavailable', why: 'a loop of aliases', broken: true });
    if (row === 'unavailable') return Promise.resolve({ kind: 'unavailable', why: 'as the table says' });
    if (row === undefined) return Promise.resolve({ kind: 'none', noSuchDomain: !known.has(folded), authentic: false });
    return Promise.resolve({ kind: 'found', records: row as readonly T[], ttl: 60, authentic: false });
  };
  return {
    asked,
    mx: name => look('mx', name),
    a: name => look('a', name),
    aaaa: name => look('aaaa', name),
    txt: name => look('txt', name),
    ptr: address => look('ptr', address),
    tlsa: () => Promise.resolve({ kind: 'none', noSuchDomain: false, authentic: false }),
    close: () => undefined,
  };
}

/** A signal that many waits may listen to without a warning. */
export function patientSignal(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}
