/** `greylist`: how long a stranger is made to wait, for how long he is known then, and who is not a stranger. */
import { parseAddressPattern, type AddressPattern } from './bofh.ts';
import { parseLines, parseWholeNumber } from '../control-file.ts';
import { foldDomain, isDomain } from '../domain-list.ts';
import { parseDuration } from '../duration.ts';
import { parseNetwork, type Network } from '../network.ts';
import { noting, settle, shown, wrong, type Parsed, type Problem } from '../parsed.ts';

export interface GreylistSettings {
  /** The second attempt counts after this. */
  readonly waitMs: number;
  /** And before this; later it is a first one again. */
  readonly withinMs: number;
  /** Who came again is known for so long, from his last message on. */
  readonly keepMs: number;
  /** A neighbourhood of which so many came again is known altogether; 0: never. */
  readonly known: number;
  readonly bits4: number;
  readonly bits6: number;
  readonly networks: readonly Network[];
  /** Confirmed names of clients, with their subdomains. */
  readonly names: readonly string[];
  readonly senders: readonly AddressPattern[];
  readonly recipients: readonly AddressPattern[];
}

const MINUTE = 60_000;
const DAY = 86_400_000;
export const usualGreylist: GreylistSettings = {
  waitMs: 5 * MINUTE, withinMs: 2 * DAY, keepMs: 35 * DAY, known: 5, bits4: 24, bits6: 64, networks: [], names: [], senders: [], recipients: [],
};

const EXAMPLES = {
  wait: 'wait 5m', within: 'within 2d', keep: 'keep 35d', known: 'known 5', blocks: 'blocks 24 64', client: 'client 192.0.2.0/24', sender: 'sender @example.com', recipient: 'recipient postmaster@example.com',
} as const;

export function parseGreylist(text: string): Parsed<GreylistSettings> {
  const problems: Problem[] = [];
  const [networks, names, senders, recipients]: [Network[], string[], AddressPattern[], AddressPattern[]] = [[], [], [], []];
  let settings = usualGreylist;
  for (const { line, text: entry } of parseLines(text)) {
    const [name = '', value = '', more, ...rest] = entry.split(/\s+/);
    const report = (what: string, right: string): void => void problems.push({ line, what, right });
    if (rest.length > 0 || (more !== undefined && name !== 'blocks')) {
      report(`${shown(entry)} says more than one thing`, Object.values(EXAMPLES)[0] as string);
      continue;
    }
    switch (name) {
      case 'wait':
      case 'within':
      case 'keep': {
        const ms = noting(parseDuration(value, EXAMPLES[name]), line, problems);
        if (ms !== undefined) settings = { ...settings, [`${name}Ms`]: ms };
        break;
      }
      case 'known': {
        const known = noting(parseWholeNumber(value, 0, 1000, EXAMPLES.known), line, problems);
        if (known !== undefined) settings = { ...settings, known };
        break;
      }
      case 'blocks': {
        const bits4 = noting(parseWholeNumber(value, 8, 32, EXAMPLES.blocks), line, problems);
        const bits6 = noting(parseWholeNumber(more ?? '64', 16, 128, EXAMPLES.blocks), line, problems);
        if (bits4 !== undefined && bits6 !== undefined) settings = { ...settings, bits4, bits6 };
        break;
      }
      case 'client': {
        const domain = foldDomain(value.replace(/^\./, ''));
        const network = parseNetwork(value);
        if (network.kind === 'read') networks.push(network.value);
        else if (/[a-z]/i.test(value) && isDomain(domain)) names.push(domain);
        else report(`${shown(value)} is neither a network nor a domain`, EXAMPLES.client);
        break;
      }
      case 'sender':
      case 'recipient': {
        const pattern = parseAddressPattern(value);
        if (pattern === undefined) report(`${shown(value)} is not an address`, EXAMPLES[name]);
        else (name === 'sender' ? senders : recipients).push(pattern);
        break;
      }
      default:
        report(`unknown setting ${shown(name)}`, Object.keys(EXAMPLES).join(', '));
    }
  }
  if (problems.length === 0 && settings.withinMs <= settings.waitMs) return wrong('within is not longer than wait: nobody could ever come in', EXAMPLES.within);
  return settle({ ...settings, networks, names, senders, recipients }, problems);
}
