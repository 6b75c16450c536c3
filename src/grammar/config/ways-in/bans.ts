/** `bans`: how much a stranger's neighbourhood, or a login, may get wrong. One setting a line; `off` switches one off. */
import { parseLines, parseWholeNumber } from '../control-file.ts';
import { parseDuration } from '../duration.ts';
import { parseNetwork, type Network } from '../network.ts';
import { noting, settle, shown, wrong, read, type Parsed, type Problem } from '../parsed.ts';

export interface Rate {
  readonly count: number;
  readonly withinMs: number;
}

export interface BanSettings {
  /** Failed logins of one neighbourhood; null: never mind. */
  readonly authFailures: Rate | null;
  /** Failed logins under one name, from anywhere. */
  readonly loginFailures: Rate | null;
  /** Connections of one neighbourhood. */
  readonly connections: Rate | null;
  readonly banForMs: number;
  /** Bits that are one neighbourhood. */
  readonly bits4: number;
  readonly bits6: number;
  /** Never banned, never counted. */
  readonly never: readonly Network[];
}

const HOUR = 3_600_000;
export const usualBans: BanSettings = {
  authFailures: { count: 20, withinMs: HOUR }, loginFailures: { count: 100, withinMs: HOUR }, connections: null, banForMs: HOUR, bits4: 24, bits6: 64, never: [],
};

const EXAMPLES = {
  authfailures: 'authfailures 20 1h', loginfailures: 'loginfailures 100 1h', connections: 'connections 60 1m', banfor: 'banfor 1h', blocks: 'blocks 24 64', never: 'never 192.0.2.0/24',
} as const;
const RATES = { authfailures: 'authFailures', loginfailures: 'loginFailures', connections: 'connections' } as const;

export function parseBans(text: string): Parsed<BanSettings> {
  const problems: Problem[] = [];
  const never: Network[] = [];
  let settings = usualBans;
  for (const { line, text: entry } of parseLines(text)) {
    const [name = '', ...words] = entry.split(/\s+/);
    switch (name) {
      case 'authfailures':
      case 'loginfailures':
      case 'connections': {
        const rate = words.length === 1 && words[0] === 'off' ? null : noting(parseRate(words, EXAMPLES[name]), line, problems);
        if (rate !== undefined) settings = { ...settings, [RATES[name]]: rate };
        break;
      }
      case 'banfor': {
        const banForMs = noting(words.length === 1 ? parseDuration(words[0] ?? '', EXAMPLES.banfor) : wrong(`${shown(entry)} is not one time`, EXAMPLES.banfor), line, problems);
        if (banForMs !== undefined) settings = { ...settings, banForMs };
        break;
      }
      case 'blocks': {
        const bits4 = noting(parseWholeNumber(words[0] ?? '', 8, 32, EXAMPLES.blocks), line, problems);
        const bits6 = noting(parseWholeNumber(words[1] ?? '64', 16, 128, EXAMPLES.blocks), line, problems);
        if (words.length > 2) problems.push({ line, what: `${shown(entry)} has more than two lengths`, right: EXAMPLES.blocks });
        if (bits4 !== undefined && bits6 !== undefined) settings = { ...settings, bits4, bits6 };
        break;
      }
      case 'never': {
        if (words.length === 0) problems.push({ line, what: 'never names no network', right: EXAMPLES.never });
        for (const word of words) {
          const network = noting(parseNetwork(word), line, problems);
          if (network !== undefined) never.push(network);
        }
        break;
      }
      default:
        problems.push({ line, what: `unknown setting ${shown(name)}`, right: Object.keys(EXAMPLES).join(', ') });
    }
  }
  return settle({ ...settings, never }, problems);
}

function parseRate(words: readonly string[], example: string): Parsed<Rate> {
  if (words.length !== 2) return wrong(`${shown(words.join(' '))} is not a number and a time`, example);
  const count = parseWholeNumber(words[0] ?? '', 1, 1_000_000, example);
  if (count.kind === 'wrong') return count;
  const within = parseDuration(words[1] ?? '', example);
  if (within.kind === 'wrong') return within;
  return within.value < 1000 ? wrong('a time of less than a second', example) : read({ count: count.value, withinMs: within.value });
}
