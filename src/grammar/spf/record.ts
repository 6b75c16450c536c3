/** SPF records (RFC 7208 §4.5, §4.6, §5, §6, §12): which text is one, and what it says. */
import { parseIpAddress, parseNetwork, type Network } from '../config/network.ts';
import { parseDomainSpec, parseMacroText, type MacroText } from './macro.ts';

export type Qualifier = 'pass' | 'fail' | 'softfail' | 'neutral';

export interface SpfRecord {
  readonly directives: readonly Directive[];
  readonly redirect?: MacroText;
  readonly exp?: MacroText;
}

export interface Directive {
  readonly qualifier: Qualifier;
  readonly mechanism: Mechanism;
  /** As it was written, for the header field. */
  readonly text: string;
}

export type Mechanism =
  | { readonly name: 'all' }
  | { readonly name: 'include' | 'exists'; readonly domain: MacroText }
  | { readonly name: 'ptr'; readonly domain: MacroText | null }
  | { readonly name: 'a' | 'mx'; readonly domain: MacroText | null; readonly bits4: number; readonly bits6: number }
  | { readonly name: 'ip4' | 'ip6'; readonly network: Network };

/** `v=spf1` and nothing else, or with a blank behind it. */
export function isSpfRecord(text: string): boolean {
  return /^v=spf1(?: |$)/i.test(text);
}

const QUALIFIERS: Readonly<Record<string, Qualifier>> = { '+': 'pass', '-': 'fail', '~': 'softfail', '?': 'neutral' };
/** More terms than any record within reason, of 64 KiB of text that a hostile one may have. */
const MOST_TERMS = 1000;

/** Null: a syntax error, wherever it is (RFC 7208 §4.6): nothing of the record counts. */
export function parseSpfRecord(text: string): SpfRecord | null {
  if (!isSpfRecord(text) || !/^[\x20-\x7e]*$/.test(text)) return null;
  const terms = text.slice('v=spf1'.length).split(' ').filter(term => term !== '');
  if (terms.length > MOST_TERMS) return null;
  const directives: Directive[] = [];
  let redirect: MacroText | undefined;
  let exp: MacroText | undefined;
  for (const term of terms) {
    const [, name, value = ''] = /^([a-z][\w.-]*)=(.*)$/is.exec(term) ?? [];
    if (name === undefined) {
      const directive = parseDirective(term);
      if (directive === null) return null;
      directives.push(directive);
      continue;
    }
    const modifier = name.toLowerCase();
    const known = modifier === 'redirect' || modifier === 'exp';
    const read = known ? parseDomainSpec(value) : parseMacroText(value, 'domain');
    if (read === null) return null;
    if (modifier === 'redirect') {
      if (redirect !== undefined) return null;
      redirect = read;
    } else if (modifier === 'exp') {
      if (exp !== undefined) return null;
      exp = read;
    }
  }
  return { directives, ...(redirect === undefined ? {} : { redirect }), ...(exp === undefined ? {} : { exp }) };
}

function parseDirective(text: string): Directive | null {
  const qualifier = QUALIFIERS[text[0] ?? ''];
  const mechanism = parseMechanism(qualifier === undefined ? text : text.slice(1));
  return mechanism === null ? null : { qualifier: qualifier ?? 'pass', mechanism, text };
}

function parseMechanism(text: string): Mechanism | null {
  const [, word = '', rest = ''] = /^([a-z0-9]+)(.*)$/is.exec(text) ?? [];
  const name = word.toLowerCase();
  switch (name) {
    case 'all':
      return rest === '' ? { name } : null;
    case 'include':
    case 'exists': {
      const domain = rest.startsWith(':') ? parseDomainSpec(rest.slice(1)) : null;
      return domain === null ? null : { name, domain };
    }
    case 'ptr': {
      if (rest === '') return { name, domain: null };
      const domain = rest.startsWith(':') ? parseDomainSpec(rest.slice(1)) : null;
      return domain === null ? null : { name, domain };
    }
    case 'a':
    case 'mx':
      return parseHosts(name, rest);
    case 'ip4':
    case 'ip6':
      return rest.startsWith(':') ? parseIpNetwork(name, rest.slice(1)) : null;
    default:
      return null;
  }
}

function parseHosts(name: 'a' | 'mx', rest: string): Mechanism | null {
  // `/` may stand in a domain-spec too; at the end, it is a length.
  const [, spec = '', lengths = ''] = /^(.*?)((?:\/\d*)?(?:\/\/\d*)?)$/s.exec(rest) ?? [];
  const [, four = '32', six = '128', wrong] = /^(?:\/(0|[1-9]\d?))?(?:\/\/(0|[1-9]\d{0,2}))?(.*)$/.exec(lengths) ?? [];
  if (wrong !== '' || Number(four) > 32 || Number(six) > 128) return null;
  const domain = spec.startsWith(':') ? parseDomainSpec(spec.slice(1)) : null;
  if (spec !== '' && domain === null) return null;
  return { name, domain, bits4: Number(four), bits6: Number(six) };
}

function parseIpNetwork(name: 'ip4' | 'ip6', text: string): Mechanism | null {
  const [, address = '', bits] = /^([^/]*)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? [];
  if ((name === 'ip6') !== address.includes(':')) return null;
  const parsed = address.includes('%') ? null : parseIpAddress(address);
  if (parsed === null) return null;
  const most = name === 'ip4' ? 32 : 128;
  if (Number(bits ?? most) > most) return null;
  const network = parseNetwork(`${address}/${bits ?? most}`);
  return network.kind === 'read' ? { name, network: network.value } : null;
}
