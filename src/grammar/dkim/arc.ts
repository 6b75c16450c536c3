/** ARC (RFC 8617): the sets of fields that hosts on the way put before a message, and ours in front of them. Octets are Latin-1 characters. */
import { authServId } from '../header/authentication-results.ts';
import type { HeaderField } from '../mime/field.ts';
import { relaxedField } from './signature.ts';

/** RFC 8617 §4.2.1: more is no chain. */
const MOST_INSTANCES = 50;
const NAMES = ['arc-authentication-results', 'arc-message-signature', 'arc-seal'] as const;

export interface ArcChain {
  /** 0: none. */
  readonly instances: number;
  /** All its fields in the order in which a seal covers them, relaxed, with line ends. */
  readonly hashed: string;
}

/** Null: the sets are not whole, so nothing can be put on top (RFC 8617 §5.2). */
export function readChain(header: Buffer, fields: readonly HeaderField[]): ArcChain | null {
  const found = fields.filter(({ name }) => (NAMES as readonly string[]).includes(name)).map(field => ({ ...field, instance: Number(/^\s*i\s*=\s*(\d{1,2})\s*(?:;|$)|;\s*i\s*=\s*(\d{1,2})\s*(?:;|$)/.exec(field.value)?.slice(1).find(one => one !== undefined) ?? 0) }));
  const instances = found.length / NAMES.length;
  if (!Number.isInteger(instances) || instances >= MOST_INSTANCES) return null;
  let hashed = '';
  for (let instance = 1; instance <= instances; instance++) {
    for (const name of NAMES) {
      const [one, more] = found.filter(field => field.name === name && field.instance === instance);
      if (one === undefined || more !== undefined) return null;
      hashed += `${relaxedField(header.toString('latin1', one.start, one.end))}\r\n`;
    }
  }
  return { instances, hashed };
}

/** What `host` itself found out when the message came, without its name; null: nothing. Only its own fields may be given. */
export function ownResults(fields: readonly HeaderField[], host: string): string | null {
  const results = fields.flatMap(({ name, value }) => {
    if (name !== 'authentication-results' || authServId(value) !== host.toLowerCase()) return [];
    const words = value.slice(value.indexOf(';') + 1).trim();
    return words === '' || words === 'none' ? [] : [words];
  });
  return results.length === 0 ? null : results.join('; ');
}

/** Of the chain that was there: what our own results say of it. */
export function chainResult(results: string): string | null {
  return /(?:^|;)\s*arc\s*=\s*([a-z]+)/i.exec(results)?.[1]?.toLowerCase() ?? null;
}

export function formatArcResults(instance: number, host: string, results: string): string {
  return `ARC-Authentication-Results: i=${instance}; ${host};\r\n  ${results.replaceAll(/;\s*/g, ';\r\n  ')}\r\n`;
}

/** Up to and with `b=`. */
export function formatUnsignedSeal(seal: { readonly instance: number; readonly algorithm: string; readonly result: 'none' | 'pass'; readonly domain: string; readonly selector: string; readonly at: number }): string {
  return `ARC-Seal: i=${seal.instance}; a=${seal.algorithm}; cv=${seal.result};\r\n\td=${seal.domain}; s=${seal.selector}; t=${seal.at};\r\n\tb=`;
}
