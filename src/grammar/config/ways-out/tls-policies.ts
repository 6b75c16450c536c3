/**
 * `tlspolicy`: `DOMAIN POLICY [NAME… | FILE]`, one a line; the first that matches a next hop decides. `.dom` is every
 * subdomain, `*` everything. Where no line matches: `auto`.
 */
import { foldDomain, isDomain } from '../domain-list.ts';
import { parseLines } from '../control-file.ts';
import { nearestName } from '../nearest-name.ts';
import { settle, shown, type Parsed, type Problem } from '../parsed.ts';

/**
 * auto: DANE, else MTA-STS, else opportunistic. opportunistic: TLS when offered, whatever the domain publishes.
 * required: TLS, whoever the peer is. verified: and its certificate is good. dane: DANE, else opportunistic.
 * dane-only: DANE, or wait. private: verified by authorities of our own alone.
 */
export type TlsWord = 'auto' | 'none' | 'opportunistic' | 'required' | 'verified' | 'dane' | 'dane-only' | 'private';

export interface TlsRule {
  readonly line: number;
  /** Folded; '' is everything, a leading dot every subdomain. */
  readonly domain: string;
  readonly policy: TlsWord;
  /** That a certificate may have instead of the host's own; with `verified` and `private`. */
  readonly names: readonly string[];
  /** With `private`: the PEM file as written. */
  readonly file?: string;
}

const words: readonly TlsWord[] = ['auto', 'none', 'opportunistic', 'required', 'verified', 'dane', 'dane-only', 'private'];
const example = 'example.com verified';

export function parseTlsPolicies(text: string): Parsed<readonly TlsRule[]> {
  const problems: Problem[] = [];
  const rules: TlsRule[] = [];
  const seen = new Map<string, number>();
  for (const { line, text: entry } of parseLines(text)) {
    const report = (what: string, right = example): void => void problems.push({ line, what, right });
    const [place = '', word = '', ...more] = entry.split(/\s+/);
    const domain = place === '*' ? '' : foldDomain(place);
    const policy = words.find(one => one === word.toLowerCase());
    if (domain !== '' && (!isDomain(domain.replace(/^\./, '')) || domain.startsWith('['))) report(`${shown(place)} is not a domain`);
    const earlier = seen.get(domain);
    if (earlier !== undefined) report(`a second line for ${shown(place)}, the first is line ${earlier}`, 'one line for each domain');
    seen.set(domain, line);
    if (policy === undefined) {
      report(word === '' ? `no policy for ${shown(place)}` : `${shown(word)} is no TLS policy`, `${place} ${nearestName(word.toLowerCase(), words) ?? 'verified'}`);
      continue;
    }
    const file = policy === 'private' ? more[0] : undefined;
    const behind = policy === 'private' ? more.slice(1) : more;
    if (policy === 'private' && file === undefined) report('private wants the PEM file of its authorities', `${place} private partner-ca.pem`);
    if (behind.length > 0 && policy !== 'verified' && policy !== 'private') report(`nothing belongs behind ${policy}`, `${place} ${policy}`);
    const names = behind.map(foldDomain);
    const strange = names.find(name => !isDomain(name));
    if (strange !== undefined) report(`${shown(strange)} is not the name of a host`, `${place} verified mail.example.com`);
    rules.push({ line, domain, policy, names, ...(file === undefined ? {} : { file }) });
  }
  return settle(rules, problems);
}

/** One look-up a label, however long the file is; the first line that matches, as for esmtproutes. */
export function createTlsRuleFinder<T extends Pick<TlsRule, 'domain'>>(rules: readonly T[]): (domain: string) => T | null {
  const places = new Map(rules.map(({ domain }, n) => [domain, n]));
  const all = places.get('') ?? Number.POSITIVE_INFINITY;
  return domain => {
    const name = foldDomain(domain);
    let first = Math.min(all, places.get(name) ?? Number.POSITIVE_INFINITY);
    for (let dot = name.indexOf('.'); dot > 0; dot = name.indexOf('.', dot + 1)) first = Math.min(first, places.get(name.slice(dot)) ?? Number.POSITIVE_INFINITY);
    return rules[first] ?? null;
  };
}
