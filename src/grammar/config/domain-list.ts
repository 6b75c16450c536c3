/**
 * Lists of domains as `locals` and `esmtpacceptmailfor` have them: `dom`, `.dom` (every subdomain, not `dom`),
 * `!host` (not this one), `*` and `*.rest` (this machine's name). The first line that matches decides.
 */
import { parseLines } from './control-file.ts';
import { settle, shown, type Parsed, type Problem } from './parsed.ts';

export interface DomainPattern {
  readonly line: number;
  /** Folded; for a wildcard without its leading dot. */
  readonly domain: string;
  readonly match: 'exact' | 'subdomains';
  readonly excluded: boolean;
}

export interface DomainList {
  readonly patterns: readonly DomainPattern[];
  /** Takes any spelling of the domain: case, ACE or UTF-8. */
  has(domain: string): boolean;
}

const example = 'example.com or .example.com or !host.example.com';

/** One spelling for one domain: lower case, ACE (RFC 5890 §2.3.2.1), no final dot. */
export function foldDomain(domain: string): string {
  if (isFolded(domain)) return domain;
  const plain = domain.endsWith('.') ? domain.slice(0, -1) : domain;
  if (!/[^\x21-\x7e]/.test(plain)) return plain.toLowerCase();
  const url = URL.parse(`http://${plain.replace(/[/?#@:\\]/g, ' ')}/`);
  return url === null ? plain.toLowerCase() : url.hostname;
}

/** As most that are asked for are: nothing to fold. */
function isFolded(domain: string): boolean {
  for (let at = 0; at < domain.length; at++) {
    const char = domain.charCodeAt(at);
    if (char <= 0x20 || char > 0x7e || (char >= 0x41 && char <= 0x5a)) return false;
  }
  return !domain.endsWith('.');
}

/** A name made of labels, or a domain literal in brackets. */
export function isDomain(folded: string): boolean {
  if (folded.length > 255) return false;
  if (/^\[[0-9a-z:.]{2,60}\]$/.test(folded)) return true;
  return folded.split('.').every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label));
}

/** `*` is the machine's name, `*.rest` its first label and `rest` (as Courier's `me` has it). */
export function substituteHostName(text: string, hostName: string): string {
  if (text === '*') return hostName;
  return text.startsWith('*.') ? `${hostName.split('.')[0] ?? hostName}${text.slice(1)}` : text;
}

export function parseDomainList(text: string, hostName: string): Parsed<readonly DomainPattern[]> {
  const problems: Problem[] = [];
  const patterns: DomainPattern[] = [];
  for (const { line, text: entry } of parseLines(text)) {
    const excluded = entry.startsWith('!');
    const name = substituteHostName(excluded ? entry.slice(1) : entry, hostName);
    const match = name.startsWith('.') ? 'subdomains' : 'exact';
    const domain = foldDomain(match === 'exact' ? name : name.slice(1));
    // A lone dot is every domain there is; whoever reads the list decides whether that may be.
    if (isDomain(domain) || name === '.') patterns.push({ line, domain, match, excluded });
    else problems.push({ line, what: `${shown(entry)} is not a domain`, right: example });
  }
  return settle(patterns, problems);
}

/** Costs one look-up a label, however long the list is. */
export function createDomainList(patterns: readonly DomainPattern[]): DomainList {
  const exact = new Map<string, number>();
  const subdomains = new Map<string, number>();
  for (const [index, { match, domain }] of patterns.entries()) {
    const table = match === 'exact' ? exact : subdomains;
    if (!table.has(domain)) table.set(domain, index);
  }
  function has(domain: string): boolean {
    const name = foldDomain(domain);
    let first = exact.get(name) ?? Number.POSITIVE_INFINITY;
    if (subdomains.size > 0) {
      for (let dot = name.indexOf('.', 1); dot >= 0; dot = name.indexOf('.', dot + 1)) {
        first = Math.min(first, subdomains.get(name.slice(dot + 1)) ?? Number.POSITIVE_INFINITY);
      }
      first = Math.min(first, subdomains.get('') ?? Number.POSITIVE_INFINITY);
    }
    return first !== Number.POSITIVE_INFINITY && !patterns[first]!.excluded;
  }
  return { patterns, has };
}
