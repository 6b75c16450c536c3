/** `hosteddomains`: domains whose mailboxes are called user@domain; `dom`, `dom TAB alias-of`, `.dom`; `*` and `*.rest` as in lists of domains. */
import { parseLines } from './control-file.ts';
import { foldDomain, isDomain, substituteHostName } from './domain-list.ts';
import { settle, shown, type Parsed, type Problem } from './parsed.ts';

export interface HostedDomain {
  readonly line: number;
  /** Folded; a wildcard keeps its leading dot. */
  readonly domain: string;
  /** Mail for `domain` is mail for this one. */
  readonly aliasOf?: string;
}

export interface HostedDomains {
  readonly entries: readonly HostedDomain[];
  /** The entry that covers this domain: itself, else the nearest wildcard. */
  find(domain: string): HostedDomain | undefined;
}

/** How many labels a wildcard may stand for. */
const mostSteps = 5;
const example = 'example.com, or .example.com, or example.net<TAB>example.com';

export function parseHostedDomains(text: string, hostName: string): Parsed<readonly HostedDomain[]> {
  const problems: Problem[] = [];
  const entries: HostedDomain[] = [];
  for (const { line, text: entry } of parseLines(text)) {
    const [name = '', alias, more] = entry.split(/\s+/);
    const domain = foldDomain(substituteHostName(name, hostName));
    const aliasOf = alias === undefined ? undefined : foldDomain(substituteHostName(alias, hostName));
    const good = isDomain(domain.replace(/^\./, '')) && (aliasOf === undefined || isDomain(aliasOf)) && more === undefined;
    if (!good) problems.push({ line, what: `${shown(entry)} is not a hosted domain`, right: example });
    else entries.push({ line, domain, ...(aliasOf === undefined ? {} : { aliasOf }) });
  }
  return settle(entries, problems);
}

export function createHostedDomains(entries: readonly HostedDomain[]): HostedDomains {
  const byDomain = new Map(entries.map((entry) => [entry.domain, entry]));
  function find(domain: string): HostedDomain | undefined {
    const name = foldDomain(domain);
    let found = byDomain.get(name);
    let dot = name.indexOf('.');
    for (let step = 0; found === undefined && dot >= 0 && step < mostSteps; step++) {
      found = byDomain.get(name.slice(dot));
      dot = name.indexOf('.', dot + 1);
    }
    return found;
  }
  return { entries, find };
}
