/** What a connection's variables say about who is refused: their words, which a slip of the finger must not turn off. */
import { parseDnsLists } from './dns-lists.ts';
import { parseDuration } from '../duration.ts';
import { nearestName } from '../nearest-name.ts';
import { settle, shown, type Parsed, type Problem } from '../parsed.ts';

const RESULTS = ['none', 'neutral', 'pass', 'fail', 'softfail', 'error', 'temperror', 'unknown', 'permerror'];
const WORDS: Readonly<Record<string, readonly string[]>> = {
  BOFHSPFHELO: [...RESULTS, 'off', 'all', 'allowok'],
  BOFHSPFMAILFROM: [...RESULTS, 'off', 'all', 'allowok'],
  BOFHSPFFROM: [...RESULTS, 'off', 'all', 'allowok', 'mailfromok'],
  BOFHSPFHARDERROR: [...RESULTS, 'all'],
};
const ONE_OF: Readonly<Record<string, readonly string[]>> = { DMARC: ['record', 'reject', 'honour', 'off'], BOFHCHECKHELO: ['0', '1', '2'] };
const SWITCHES = ['BOFHCHECKDNS', 'BOFHSPFTRUSTME', 'BOFHSPFNOVERBOSE', 'ALLOW_EXCLUSIVE', 'GREYLIST'];

/** The problems; `right` is NAME=value. */
export function parseCheckVariables(variables: ReadonlyMap<string, string>): Parsed<null> {
  const problems: Problem[] = [];
  const report = (what: string, right: string): void => void problems.push({ line: 1, what, right });
  for (const [name, words] of Object.entries(WORDS)) {
    for (const word of (variables.get(name) ?? '').toLowerCase().split(/[\s,]+/)) {
      if (word !== '' && !words.includes(word)) report(`${name}: ${shown(word)} is none of ${words.join(', ')}`, `${name}=${nearestName(word, words) ?? 'pass,none,softfail,neutral,unknown'}`);
    }
  }
  for (const [name, words] of Object.entries(ONE_OF)) {
    const value = (variables.get(name) ?? '').toLowerCase();
    if (value !== '' && !words.includes(value)) report(`${name}: ${shown(value)} is none of ${words.join(', ')}`, `${name}=${words[0]}`);
  }
  for (const name of SWITCHES) {
    const value = variables.get(name) ?? '';
    if (!/^[01]?$/.test(value)) report(`${name}: ${shown(value)} is neither 0 nor 1`, `${name}=1`);
  }
  const duration = parseDuration(variables.get('BOFHDSNREFUSED') ?? '0', '1d');
  for (const { what } of duration.kind === 'wrong' && variables.get('BOFHDSNREFUSED') !== '' ? duration.problems : []) report(`BOFHDSNREFUSED: ${what}`, 'BOFHDSNREFUSED=1d');
  for (const name of ['BLACKLISTS', 'DROP']) {
    const lists = parseDnsLists(variables.get(name) ?? '');
    for (const { what, right } of lists.kind === 'wrong' ? lists.problems : []) report(`${name}: ${what}`, `${name}='${right}'`);
  }
  return settle(null, problems);
}
