/**
 * `faxarrivals`: who gets a fax that came in, and in which form. `called|caller|sender|modem WHAT ADDRESS …`, the first
 * line that fits; a `*` at the end of WHAT stands for anything. `attach pdf png tiff`.
 */
import type { Address } from '../../core/envelope.ts';
import { parseAddress } from '../address.ts';
import { parseLines } from '../config/control-file.ts';
import { settle, shown, type Parsed, type Problem } from '../config/parsed.ts';

export interface ArrivalRule {
  readonly by: 'modem' | 'called' | 'sender' | 'caller';
  readonly match: string;
  readonly recipients: readonly Address[];
}

export type ArrivalForm = 'pdf' | 'png' | 'tiff';

export interface ArrivalRules {
  readonly routes: readonly ArrivalRule[];
  /** Absent: as shipped. */
  readonly attach?: readonly ArrivalForm[];
}

const EXAMPLE = 'sender "+49 89*" munich@example.com';
const FORMS: readonly ArrivalForm[] = ['pdf', 'png', 'tiff'];

export function parseArrivalRules(text: string): Parsed<ArrivalRules> {
  const problems: Problem[] = [];
  const routes: ArrivalRule[] = [];
  let attach: readonly ArrivalForm[] | undefined;
  for (const { line, text: entry } of parseLines(text)) {
    const say = (what: string, right = EXAMPLE): void => void problems.push({ line, what, right });
    const [word = '', ...rest] = [...entry.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
    if (word === 'attach') {
      const unknown = rest.find(one => !FORMS.some(form => form === one));
      if (rest.length === 0 || unknown !== undefined) say(`${shown(unknown ?? 'nothing')} cannot be attached`, 'attach pdf png tiff');
      else if (attach !== undefined) say('a second attach', 'one line with all of them');
      else attach = FORMS.filter(form => rest.includes(form));
      continue;
    }
    const [match = '', ...addresses] = rest;
    if (word !== 'called' && word !== 'caller' && word !== 'sender' && word !== 'modem') say(`${shown(word)} is not called, caller, sender, modem or attach`);
    else if (match.replaceAll(/[^0-9A-Za-z*]/g, '') === '') say(`${shown(match)} fits nothing`);
    else if (addresses.length === 0) say('nobody gets it');
    else {
      const recipients = addresses.map(one => ({ one, address: parseAddress(one) }));
      for (const { one, address } of recipients) if (address === null) say(`${shown(one)} is no address`);
      routes.push({ by: word, match, recipients: recipients.flatMap(({ address }) => address ?? []) });
    }
  }
  return settle({ routes, ...(attach === undefined ? {} : { attach }) }, problems);
}
