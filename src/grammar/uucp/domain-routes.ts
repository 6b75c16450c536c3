/** `uucpdomains`: domains whose mail a neighbour takes. `DOMAIN NODE`, or `.DOMAIN NODE` for its subdomains. */
import { foldDomain, isDomain } from '../config/domain-list.ts';
import { parseLines } from '../config/control-file.ts';
import { settle, shown, type Parsed, type Problem } from '../config/parsed.ts';
import { isNodePath } from './neighbors.ts';

export interface DomainRoute {
  readonly line: number;
  readonly domain: string;
  readonly node: string;
}

export function parseDomainRoutes(text: string): Parsed<readonly DomainRoute[]> {
  const problems: Problem[] = [];
  const routes: DomainRoute[] = [];
  for (const { line, text: entry } of parseLines(text)) {
    const [written = '', node = '', more] = entry.split(/\s+/);
    const domain = foldDomain(written.replace(/^\./, ''));
    if (!isDomain(domain) || domain.startsWith('[') || !isNodePath(node) || more !== undefined) problems.push({ line, what: `${shown(entry)} is not a domain and a node`, right: 'office.example.com\tsiteb' });
    else routes.push({ line, domain: written.startsWith('.') ? `.${domain}` : domain, node });
  }
  return settle(routes, problems);
}
