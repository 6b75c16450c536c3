/** `bofh`: badfrom, badmx, freemail, spamtrap, maxrcpts and opt; keywords in any case, `#` begins a comment anywhere. */
import { accessVariables, looksLike } from './access.ts';
import { parseWholeNumber, splitLines } from '../control-file.ts';
import { foldDomain, isDomain } from '../domain-list.ts';
import { nearestName } from '../nearest-name.ts';
import { parseIpAddress, type IpAddress } from '../network.ts';
import { noting, settle, shown, type Parsed, type Problem } from '../parsed.ts';

export interface Bofh {
  readonly badFrom: readonly AddressPattern[];
  readonly badMx: readonly IpAddress[];
  readonly freemail: readonly { readonly domain: string; readonly relays: readonly string[] }[];
  readonly spamTraps: readonly AddressPattern[];
  readonly maxRecipients: { readonly count: number; readonly hard: boolean };
  /** `opt`: defaults of a connection's variables; the access file and esmtpd win. */
  readonly variables: ReadonlyMap<string, string>;
  /** Where each variable was set. */
  readonly lines: ReadonlyMap<string, number>;
}

/** `user@dom`, `@dom`, `user@.dom`, `@.dom`. */
export interface AddressPattern {
  /** Absent: anyone. */
  readonly localPart?: string;
  readonly domain: string;
  readonly match: 'exact' | 'subdomains';
}

export const noBofh: Bofh = {
  badFrom: [], badMx: [], freemail: [], spamTraps: [], maxRecipients: { count: 100, hard: false }, variables: new Map(), lines: new Map(),
};

const directives = ['badfrom', 'badmx', 'freemail', 'spamtrap', 'maxrcpts', 'opt'];
const mostRecipients = 100_000;

export function parseBofh(text: string): Parsed<Bofh> {
  const problems: Problem[] = [];
  const badFrom: AddressPattern[] = [];
  const badMx: IpAddress[] = [];
  const freemail: { domain: string; relays: readonly string[] }[] = [];
  const spamTraps: AddressPattern[] = [];
  const variables = new Map<string, string>();
  const lines = new Map<string, number>();
  let maxRecipients = noBofh.maxRecipients;
  for (const [index, whole] of splitLines(text).entries()) {
    const words = whole.replace(/#.*/, '').trim().split(/\s+/);
    const [keyword = '', ...rest] = words;
    const line = index + 1;
    const report = (what: string, right: string): void => void problems.push({ line, what, right });
    if (keyword === '') continue;
    switch (keyword.toLowerCase()) {
      case 'badfrom':
      case 'spamtrap': {
        const pattern = rest.length === 1 ? parseAddressPattern(rest[0]!) : undefined;
        if (pattern === undefined) report(`${shown(rest.join(' '))} is not one address`, `${keyword} user@example.com, or @example.com, or @.example.com`);
        else (keyword.toLowerCase() === 'badfrom' ? badFrom : spamTraps).push(pattern);
        break;
      }
      case 'badmx': {
        const address = parseIpAddress(rest[0] ?? '');
        if (address === null || rest.length !== 1) report(`${shown(rest.join(' '))} is not one IP address`, 'badmx 192.0.2.1');
        else badMx.push(address);
        break;
      }
      case 'freemail': {
        const domains = rest.map(foldDomain);
        if (domains.length === 0 || !domains.every(isDomain)) report(`${shown(rest.join(' '))} is not a list of domains`, 'freemail example.com mail.example.net');
        else freemail.push({ domain: domains[0]!, relays: domains });
        break;
      }
      case 'maxrcpts': {
        const count = noting(parseWholeNumber(rest[0] ?? '', 1, mostRecipients, 'maxrcpts 100'), line, problems);
        const hard = rest[1]?.toLowerCase() === 'hard';
        if (rest.length > (hard ? 2 : 1)) report(`${shown(rest.slice(1).join(' '))} after the number is not 'hard'`, 'maxrcpts 100 hard');
        else if (count !== undefined) maxRecipients = { count, hard };
        break;
      }
      case 'opt': {
        const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/.exec(rest.join(' ')) ?? [];
        if (name === undefined || value === undefined) report(`${shown(rest.join(' '))} is not NAME=VALUE`, 'opt BOFHCHECKHELO=1');
        else {
          const meant = looksLike(name, accessVariables);
          if (meant !== undefined) report(`unknown variable ${name}`, `opt ${meant}=${value}`);
          variables.set(name, value);
          lines.set(name, line);
        }
        break;
      }
      default:
        report(`unknown directive ${shown(keyword)}`, nearestName(keyword, directives) ?? directives.join(', '));
    }
  }
  return settle({ badFrom, badMx, freemail, spamTraps, maxRecipients, variables, lines }, problems);
}

export function parseAddressPattern(text: string): AddressPattern | undefined {
  const at = text.lastIndexOf('@');
  if (at < 0) return undefined;
  const match = text[at + 1] === '.' ? 'subdomains' : 'exact';
  const domain = foldDomain(text.slice(at + (match === 'exact' ? 1 : 2)));
  if (!isDomain(domain)) return undefined;
  return { ...(at === 0 ? {} : { localPart: text.slice(0, at) }), domain, match };
}
