/** `sendermaps`: `NAME FROM TO`, what stands for a sender where a provider refuses foreign ones; the first line that fits decides. */
import type { Address } from '../../../core/envelope.ts';
import { domainOf, localPart, parseAddress } from '../../address.ts';
import { parseDomain } from '../../domain.ts';
import { parseLines } from '../control-file.ts';
import { settle, shown, type Parsed, type Problem } from '../parsed.ts';

export interface SenderMapLine {
  readonly line: number;
  readonly name: string;
  /** An address, `@domain`, or `*` for every sender. */
  readonly from: string;
  /** An address, or `@domain`: the local-part stays. */
  readonly to: string;
}

const EXAMPLE = 'office @lan.example.com scanner@example.com';

export function parseSenderMaps(text: string): Parsed<readonly SenderMapLine[]> {
  const problems: Problem[] = [];
  const lines: SenderMapLine[] = [];
  for (const { line, text: entry } of parseLines(text)) {
    const say = (what: string, right = EXAMPLE): void => void problems.push({ line, what, right });
    const [name = '', written = '', wanted = '', more] = entry.split(/\s+/);
    const from = written === '*' ? '*' : sideOf(written);
    const to = sideOf(wanted);
    if (!/^[a-z0-9][a-z0-9_-]{0,31}$/.test(name)) say(`${shown(name)} cannot be the name of a map: small letters, digits, - and _`);
    if (wanted === '' || more !== undefined) say('this line is not NAME, FROM and TO');
    else if (from === null) say(`${shown(written)} is neither an address, nor @domain, nor *`);
    else if (to === null) say(`${shown(wanted)} is neither an address nor @domain`);
    else lines.push({ line, name, from, to });
  }
  return settle(lines, problems);
}

/** What stands for this sender; null: none of the lines fits. Local-parts are compared as they are, but for ASCII case. */
export function mapSender(lines: readonly SenderMapLine[], address: Address): Address | null {
  const domain = domainOf(address);
  const folded = address.toLowerCase();
  const found = lines.find(({ from }) => from === '*' || (from.startsWith('@') ? from.slice(1) === domain : from.toLowerCase() === folded));
  if (found === undefined) return null;
  return parseAddress(found.to.startsWith('@') ? `${localPart(address)}${found.to}` : found.to);
}

function sideOf(text: string): string | null {
  if (!text.startsWith('@')) {
    const address = parseAddress(text);
    return address === null || domainOf(address) === '' ? null : address;
  }
  const domain = parseDomain(text.slice(1));
  return domain === null ? null : `@${domain}`;
}
