/** Fax modems, and what becomes of the faxes they take: `faxmodems`, `faxarrivals`, and Courier's `faxnotifyrc`. */
import type { Address } from '../../core/envelope.ts';
import { parseAddress } from '../../grammar/address.ts';
import { read, shown, wrong, type Parsed } from '../../grammar/config/parsed.ts';
import { parseArrivalRules } from '../../grammar/fax/arrival-rules.ts';
import { parseModemLines } from '../../grammar/fax/modem-lines.ts';
import { readEnvironment, reviewEnvironment, type Vocabulary } from '../environment.ts';
import type { Sheet } from '../sheet.ts';
import type { Names } from '../types.ts';
import type { FaxModemSettings } from './types.ts';

const vocabulary: Vocabulary = { used: ['DODELETE', 'MAILFROM', 'RCPTTO', 'FROMHDR', 'TOHDR', 'SUBJECTHDR'], idle: [] };

export function readFaxModems(sheet: Sheet, names: Names): FaxModemSettings {
  const modems = sheet.list('faxmodems', parseModemLines) ?? [];
  const rules = sheet.list('faxarrivals', parseArrivalRules);
  const environment = readEnvironment(sheet, ['faxnotifyrc'], vocabulary);
  reviewEnvironment(sheet, 'faxnotifyrc', vocabulary);
  const known = new Set(modems.map(({ name }) => name));
  for (const { by, match } of rules?.routes ?? []) {
    // With mgetty as the one who answers, the modems are its own.
    if (by === 'modem' && known.size > 0 && !known.has(match) && !match.includes('*')) sheet.notice(sheet.path('faxarrivals'), `no modem of faxmodems is called ${match}`);
  }
  const whole = (text: string): string => (text.includes('@') ? text : `${text}@${names.defaultDomain}`);
  const address = (text: string, example: string): Parsed<Address> => {
    const parsed = parseAddress(whole(text));
    return parsed === null ? wrong(`${shown(text)} is no address`, example) : read(parsed);
  };
  const postmaster = parseAddress(`postmaster@${names.defaultDomain}`) as Address;
  const show = <T>(name: string, value: T, text: (value: T) => string = String): T => {
    sheet.setting(`faxnotifyrc: ${name}`, text(value), environment.source(name));
    return value;
  };
  const field = (name: 'FROMHDR' | 'TOHDR' | 'SUBJECTHDR'): string | undefined => {
    const text = environment.parsed(name, undefined, value => (/[\p{Cc}]/u.test(value) || value.length > 900 ? wrong(`${shown(value)} is no header field`, `${name}="Fax <fax@example.com>"`) : read(value.trim())));
    // Courier's shipped file has addresses without a domain.
    return text === '' ? undefined : text?.replaceAll(/<([^<>@\s]+)>/g, (_, one: string) => `<${whole(one)}>`);
  };
  const to = field('TOHDR');
  const subject = field('SUBJECTHDR');
  sheet.setting('faxmodems', modems.map(({ name, answerAfterRings }) => (answerAfterRings > 0 ? `${name} (answers)` : name)).join(', '), modems.length > 0 ? 'faxmodems' : undefined);
  sheet.setting('faxarrivals', (rules?.routes ?? []).map(({ by, match, recipients }) => `${by} ${match} → ${recipients.join(', ')}`).join('; '), rules === undefined ? undefined : 'faxarrivals');
  return {
    modems,
    arrivals: {
      // Courier's shell text is run as a program; ours is read.
      mailFrom: show('MAILFROM', environment.parsed('MAILFROM', null, text => (text === '' ? read(null) : address(text, 'MAILFROM="fax@example.com"'))), from => from ?? '<>'),
      recipients: show('RCPTTO', environment.parsed('RCPTTO', [postmaster], text => addresses(text, one => address(one, 'RCPTTO="office@example.com"'))), list => list.join(', ')),
      postmaster,
      from: show('FROMHDR', field('FROMHDR') ?? `"Fax" <${postmaster}>`),
      ...(to === undefined ? {} : { to: show('TOHDR', to) }),
      ...(subject === undefined ? {} : { subject: show('SUBJECTHDR', subject) }),
      messageIdHost: names.messageIdHost,
      attach: rules?.attach ?? ['pdf', 'png'],
      routes: rules?.routes ?? [],
      removesOriginals: show('DODELETE', environment.flag('DODELETE', true), on => (on ? '1' : '0')),
    },
  };
}

function addresses(text: string, parse: (one: string) => Parsed<Address>): Parsed<readonly Address[]> {
  const found: Address[] = [];
  for (const one of text.split(/[\s,]+/).filter(word => word !== '')) {
    const parsed = parse(one);
    if (parsed.kind === 'wrong') return parsed;
    found.push(parsed.value);
  }
  return found.length === 0 ? wrong('nobody is named', 'RCPTTO="office@example.com"') : read(found);
}
