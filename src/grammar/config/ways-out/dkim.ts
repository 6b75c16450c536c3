/** `dkim`: `DOMAIN SELECTOR [SELECTOR…]`, which keys sign the mail of a domain's authors. */
import { asciiDomain, parseDomain } from '../../domain.ts';
import { parseLines } from '../control-file.ts';
import { settle, shown, type Parsed, type Problem } from '../parsed.ts';

export interface DkimLine {
  readonly line: number;
  /** As the house writes domains; a leading dot: every subdomain of it, signed for by the domain itself. */
  readonly match: string;
  /** In A-labels: d=. */
  readonly domain: string;
  readonly selectors: readonly string[];
}

const EXAMPLE = 'example.com posthorn202611 posthorn202611-ed';
/** Each is a field of a few hundred octets in every message. */
const MOST_SELECTORS = 4;

export function parseDkim(text: string): Parsed<readonly DkimLine[]> {
  const problems: Problem[] = [];
  const lines: DkimLine[] = [];
  for (const { line, text: entry } of parseLines(text)) {
    const say = (what: string, right = EXAMPLE): void => void problems.push({ line, what, right });
    const [written = '', ...selectors] = entry.split(/\s+/);
    const name = parseDomain(written.replace(/^\./, ''));
    const match = `${written.startsWith('.') ? '.' : ''}${name ?? ''}`;
    const domain = name === null || name.startsWith('[') ? null : asciiDomain(name);
    if (domain === null) say(`${shown(written)} is not a domain`);
    if (selectors.length === 0) say(`${shown(written)} has no selector`);
    if (selectors.length > MOST_SELECTORS) say(`${selectors.length} selectors for one domain`, `at most ${MOST_SELECTORS}`);
    for (const selector of selectors) if (!isSelector(selector)) say(`${shown(selector)} is not a selector: a name as DNS has them`);
    const earlier = lines.find(one => one.match === match);
    if (earlier !== undefined) say(`a second line for ${written}, the first is line ${earlier.line}`, 'one line for each domain');
    lines.push({ line, match, domain: domain ?? match, selectors });
  }
  return settle(lines, problems);
}

export function isSelector(text: string): boolean {
  return /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i.test(text) && text.length <= 120;
}

/** Where a key lies in the configuration folder: called as its record is in DNS. */
export function dkimKeyFile(domain: string, selector: string): string {
  return `dkimkeys/${selector}._domainkey.${domain}.pem`;
}
