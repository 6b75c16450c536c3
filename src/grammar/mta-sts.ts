/** MTA-STS (RFC 8461): the TXT record that says a policy exists, and the policy. Pure. */

export interface StsPolicy {
  readonly mode: 'enforce' | 'testing' | 'none';
  /** Host names, or `*.` and a domain for one more label. */
  readonly mx: readonly string[];
  readonly maxAgeS: number;
  /** As they stand in the policy, for reports. */
  readonly lines: readonly string[];
}

const LONGEST_AGE_S = 31_557_600; // RFC 8461 §3.2
const MX_PATTERNS = 500;
const NAME = /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** The policy's id, or null when the domain has none: no record, several, or one that is not right (RFC 8461 §3.1). */
export function parseStsRecord(texts: readonly string[]): string | null {
  const records = texts.filter(text => /^v=STSv1\s*(;|$)/.test(text));
  const [record] = records;
  if (record === undefined || records.length > 1) return null;
  const fields = record.split(';').slice(1).map(field => field.trim()).filter(field => field !== '');
  if (!fields.every(field => /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}=[\x21-\x3a\x3c\x3e-\x7e]+$/.test(field))) return null;
  const ids = fields.filter(field => field.startsWith('id='));
  const id = ids[0]?.slice(3) ?? '';
  return ids.length === 1 && /^[A-Za-z0-9]{1,32}$/.test(id) ? id : null;
}

export type ParsedPolicy = { readonly kind: 'read'; readonly policy: StsPolicy } | { readonly kind: 'wrong'; readonly why: string };

/** Unknown fields mean nothing; of a field said twice the first counts, but for mx (RFC 8461 §3.2). */
export function parseStsPolicy(text: string): ParsedPolicy {
  const lines = text.split(/\r?\n/).map(line => line.trimEnd()).filter(line => line !== '');
  const first = new Map<string, string>();
  const mx: string[] = [];
  for (const line of lines) {
    const [, key, value] = /^([A-Za-z0-9][A-Za-z0-9_.-]{0,31}):[ \t]*(.*)$/.exec(line) ?? [];
    if (key === undefined || value === undefined) return wrong(`a line is not KEY: VALUE: ${line.slice(0, 60)}`);
    if (key === 'mx') mx.push(value.toLowerCase().replace(/\.$/, ''));
    else if (!first.has(key)) first.set(key, value);
  }
  if (first.get('version') !== 'STSv1') return wrong('its version is not STSv1');
  const mode = first.get('mode');
  if (mode !== 'enforce' && mode !== 'testing' && mode !== 'none') return wrong(`its mode is ${mode === undefined ? 'missing' : `not known: ${mode.slice(0, 20)}`}`);
  const age = first.get('max_age') ?? '';
  if (!/^\d{1,10}$/.test(age)) return wrong('its max_age is not a number of seconds');
  const strange = mx.find(pattern => !NAME.test(pattern));
  if (strange !== undefined) return wrong(`an mx is not a host name: ${strange.slice(0, 60)}`);
  if (mx.length === 0 && mode !== 'none') return wrong('it names no mx');
  if (mx.length > MX_PATTERNS) return wrong(`it names more than ${MX_PATTERNS} mx`);
  return { kind: 'read', policy: { mode, mx, maxAgeS: Math.min(Number(age), LONGEST_AGE_S), lines } };
}

function wrong(why: string): ParsedPolicy {
  return { kind: 'wrong', why };
}

/** Is this host one of those that the policy names? `*.` stands for one label (RFC 8461 §4.1). */
export function isMxOf({ mx }: Pick<StsPolicy, 'mx'>, host: string): boolean {
  const name = host.toLowerCase();
  const dot = name.indexOf('.');
  const wild = dot > 0 ? `*${name.slice(dot)}` : null;
  return mx.some(pattern => pattern === name || pattern === wild);
}
