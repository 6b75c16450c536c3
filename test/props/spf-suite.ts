/** The public SPF test suite for RFC 7208 (test/corpus/spf, with its own licence beside it), made ready to be run. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Names } from './names.ts';

export interface SpfCase {
  readonly scenario: string;
  readonly name: string;
  readonly helo: string;
  readonly host: string;
  readonly mailfrom: string;
  readonly results: readonly string[];
  readonly explanation?: string;
  readonly zone: Names;
}

interface Written {
  readonly description: string;
  readonly tests: Readonly<Record<string, { readonly helo: string; readonly host: string; readonly mailfrom: string; readonly result: string | readonly string[]; readonly explanation?: string }>>;
  readonly zonedata: Readonly<Record<string, readonly (string | Readonly<Record<string, unknown>>)[]>>;
}

export function readSpfSuite(): readonly SpfCase[] {
  const file = join(import.meta.dirname, '..', 'corpus', 'spf', 'rfc7208-tests.yml');
  // Some numbers and addresses would be read as other things than text.
  const documents = parseAllDocuments(readFileSync(file, 'utf8'), { schema: 'failsafe' });
  return documents.flatMap(document => {
    const { description, tests, zonedata } = document.toJS() as Written;
    const zone = zoneOf(zonedata);
    return Object.entries(tests).map(([name, { helo, host, mailfrom, result, explanation }]) => ({
      scenario: description, name, helo, host, mailfrom, zone,
      results: typeof result === 'string' ? [result] : result,
      ...(explanation === undefined ? {} : { explanation }),
    }));
  });
}

const KINDS = { A: 'a', AAAA: 'aaaa', MX: 'mx', TXT: 'txt', PTR: 'ptr' } as const;

/** As the suite's own driver reads it: SPF records stand for TXT where there are none, TIMEOUT for all that is not said. */
function zoneOf(written: Written['zonedata']): Names {
  const zone: Record<string, unknown[] | 'unavailable'> = {};
  const aliases = new Map<string, string>();
  for (const [given, rows] of Object.entries(written)) {
    const name = given.toLowerCase();
    const named = rows.flatMap(row => (typeof row === 'string' ? [] : Object.entries(row)));
    const hasText = named.some(([type]) => type === 'TXT');
    // The name exists, whatever it has.
    zone[`exists ${name}`] = [];
    for (const [type, value] of named) {
      if (type === 'CNAME') aliases.set(name, String(value).toLowerCase());
      const kind = type === 'SPF' && !hasText ? 'txt' : KINDS[type as keyof typeof KINDS];
      if (kind === undefined || value === 'NONE') continue;
      const key = `${kind} ${kind === 'ptr' ? addressOf(name) : name}`;
      if (value === 'TIMEOUT') zone[key] = 'unavailable';
      else {
        const list = zone[key];
        zone[key] = [...(Array.isArray(list) ? list : []), valueOf(kind, value)];
      }
    }
    if (rows.includes('TIMEOUT')) for (const kind of Object.values(KINDS)) zone[`${kind} ${name}`] ??= 'unavailable';
  }
  for (const [name, target] of aliases) {
    for (const kind of Object.values(KINDS)) {
      const row = zone[`${kind} ${target}`];
      if (row !== undefined) zone[`${kind} ${name}`] = row;
    }
  }
  return zone;
}

function valueOf(kind: string, value: unknown): unknown {
  if (kind === 'mx') {
    const [preference, exchange] = value as [string, string];
    return { preference: Number(preference), exchange: exchange.toLowerCase() };
  }
  return kind === 'txt' && Array.isArray(value) ? value.join('') : value;
}

/** `4.3.2.1.in-addr.arpa` is 1.2.3.4. */
function addressOf(name: string): string {
  const labels = name.replace(/\.(?:in-addr|ip6)\.arpa$/, '').split('.').toReversed();
  return name.endsWith('.ip6.arpa') ? (labels.join('').match(/.{4}/g) ?? []).map(group => group.replace(/^0+(?=.)/, '')).join(':') : labels.join('.');
}
