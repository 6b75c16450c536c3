/** `smtpaccess/`: who may connect and with which variables. `netblock TAB deny`, `netblock TAB allow[,VAR[=value]]…`. */
import { parseLines } from '../control-file.ts';
import { nearestName } from '../nearest-name.ts';
import { formatIpAddress, formatNetwork, parseNetwork, type IpAddress, type Network } from '../network.ts';
import { noting, read, settle, shown, wrong, type Parsed, type Problem } from '../parsed.ts';

export interface AccessEntry {
  readonly line: number;
  /** null is `*`: everyone without a more specific entry. */
  readonly network: Network | null;
  /** In the place of a network, for -accesslocal: whoever called this port of ours, on this address or (null) on any. */
  readonly place?: { readonly address: IpAddress | null; readonly port: number };
  readonly decision: AccessDecision;
}

export type AccessDecision = { readonly kind: 'deny' } | { readonly kind: 'allow'; readonly variables: ReadonlyMap<string, string> };

/** Variables that mean something to the gateway; any other name is free for filters. */
export const accessVariables = [
  'BLOCK', 'RELAYCLIENT', 'FAXRELAYCLIENT', 'BOFHCHECKDNS', 'BOFHCHECKHELO', 'BOFHNOEXPN', 'BOFHNOVRFY', 'BOFHHEADERLIMIT', 'BOFHLINELIMIT',
  'BOFHBADMIME', 'BOFHNOBASE64TEXT', 'BOFHMIMEDEPTH', 'BOFHMIMEPARTS', 'BOFHSPFHELO', 'BOFHSPFMAILFROM', 'BOFHSPFFROM', 'BOFHSPFHARDERROR', 'BOFHSPFTRUSTME',
  'BOFHSPFNOVERBOSE', 'BOFHSUPPRESSBACKSCATTER', 'MAXCPERIP', 'SIZELIMIT', 'AUTH_REQUIRED', 'ESMTP_TLS_REQUIRED', 'TARPIT',
  'NOADDMSGID', 'NOADDDATE', 'NOADDRREWRITE', 'MIME', 'DSNDEFAULTNOTIFYDELAY', 'BLACKLISTS', 'DROP', 'ALLOW_EXCLUSIVE', 'GREYLIST', 'BOFHDSNREFUSED', 'DMARC', 'ARCTRUST',
] as const;

const example = '192.168<TAB>allow,RELAYCLIENT';

export function parseAccess(text: string): Parsed<readonly AccessEntry[]> {
  const problems: Problem[] = [];
  const entries: AccessEntry[] = [];
  for (const { line, text: entry } of parseLines(text)) {
    const match = /^(\S+)\s+(\S.*)$/.exec(entry);
    if (match === null) {
      problems.push({ line, what: `${shown(entry)} lacks what is to happen: deny or allow`, right: example });
      continue;
    }
    const place = parsePlace(match[1]!);
    const network = match[1] === '*' || place !== null ? null : noting(parseNetwork(match[1]!), line, problems);
    const decision = noting(parseDecision(match[2]!), line, problems);
    if (place !== null && decision !== undefined) entries.push({ line, network: null, place, decision });
    else if (network !== undefined && decision !== undefined) entries.push({ line, network, decision });
  }
  return settle(entries, problems);
}

/** How an entry's network is written in messages. */
export function formatAccessNetwork(network: Network | null): string {
  return network === null ? '*' : formatNetwork(network);
}

/** As parsePlace() reads it. */
export function formatPlace({ address, port }: NonNullable<AccessEntry['place']>): string {
  return `${address === null ? '*' : formatIpAddress(address)}.${port}`;
}

/** `*.25`, `192.0.2.1.25`, `2001:db8::1.25`. */
function parsePlace(text: string): NonNullable<AccessEntry['place']> | null {
  const [, host = '', digits = ''] = /^(.+)\.(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (host === '' || port < 1 || port > 65_535) return null;
  if (host === '*') return { address: null, port };
  // A whole address: `192.168.0` and a number is one itself.
  const network = parseNetwork(host);
  return network.kind === 'read' && network.value.bits === network.value.octets.length * 8 ? { address: network.value, port } : null;
}

function parseDecision(text: string): Parsed<AccessDecision> {
  if (text === 'deny') return read({ kind: 'deny' });
  const items = splitCommas(text);
  if (items === null) return wrong('a quote is not closed', '*<TAB>allow,BLOCK="Go away, please"');
  const [verb, ...rest] = items;
  if (verb !== 'allow') return wrong(`${shown(verb ?? text)} is neither deny nor allow`, example);
  const problems: Problem[] = [];
  const variables = new Map<string, string>();
  for (const item of rest) {
    const [, name, value = ''] = /^([A-Z_][A-Z0-9_]*)(?:=(.*))?$/s.exec(item) ?? [];
    if (name === undefined) {
      problems.push({ line: 1, what: `${shown(item)} is not VAR or VAR=value`, right: example });
      continue;
    }
    const meant = looksLike(name);
    if (meant !== undefined) problems.push({ line: 1, what: `unknown variable ${name}`, right: meant });
    variables.set(name, value);
  }
  return settle({ kind: 'allow', variables }, problems);
}

/** Free names are allowed, slips of the finger are not: BLOCK2 is a name, RELAYCLENT is RELAYCLIENT. */
export function looksLike(name: string, known: readonly string[] = accessVariables): string | undefined {
  const base = name.replace(/\d+$/, '');
  if (known.includes(name) || known.includes(base) || base.length < 5) return undefined;
  return nearestName(base, known);
}

function splitCommas(text: string): readonly string[] | null {
  const items = [''];
  let quote = '';
  for (const char of text) {
    if (char === quote) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    else if (quote === '' && char === ',') items.push('');
    else items[items.length - 1] += char;
  }
  return quote === '' ? items.map((item) => item.trim()) : null;
}
