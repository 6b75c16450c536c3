/** Which domains' mail is signed, and the keys, read and tried before anything relies on them. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { dkimKeyFile, parseDkim } from '../../grammar/config/ways-out/dkim.ts';
import { read, shown, wrong } from '../../grammar/config/parsed.ts';
import { readText, statOf, type Sheet, type ValueRule } from '../sheet.ts';
import type { DkimDomain } from './types.ts';

/** RFC 8301 §3.2: less is not to be signed with; less than the second is not worth much. */
const FEWEST_BITS = 1024;
const GOOD_BITS = 2048;

export function readDkim(sheet: Sheet): readonly DkimDomain[] {
  const lines = sheet.list('dkim', parseDkim) ?? [];
  const domains = lines.map(({ line, match, domain, selectors }): DkimDomain => ({
    match, domain,
    keys: selectors.flatMap(selector => {
      const key = readKey(sheet, { file: 'dkim', line }, domain, selector);
      return key === null ? [] : [{ domain, selector, key }];
    }),
  }));
  sheet.setting('dkim', lines.map(({ match, selectors }) => `${match}: ${selectors.join(', ')}`).join('; '), lines.length > 0 ? 'dkim' : undefined);
  return domains;
}

/** The key that seals foreign mail by ARC; `arcseal` names it. Null: nothing is sealed. */
export function readArcSeal(sheet: Sheet): DkimDomain['keys'][number] | null {
  const named = sheet.value('arcseal', null, sealRule);
  const key = named === null ? null : readKey(sheet, { file: 'arcseal', line: 1 }, named.domain, named.selector);
  return named === null || key === null ? null : { ...named, key };
}

const sealRule: ValueRule<{ readonly domain: string; readonly selector: string } | null> = {
  example: 'example.com posthorn202611',
  show: value => (value === null ? '' : `${value.domain} ${value.selector}`),
  parse(text) {
    const parsed = parseDkim(text);
    const [line] = parsed.kind === 'read' ? parsed.value : [];
    const [selector, more] = line?.selectors ?? [];
    return line === undefined || line.match.startsWith('.') || selector === undefined || more !== undefined ? wrong(`${shown(text)} is not a domain and one selector`, 'example.com posthorn202611') : read({ domain: line.domain, selector });
  },
};

function readKey(sheet: Sheet, { file, line }: { readonly file: string; readonly line: number }, domain: string, selector: string): KeyObject | null {
  const name = dkimKeyFile(domain, selector);
  if (statOf(sheet.path(name)) === undefined) {
    sheet.problem(sheet.path(file), line, `there is no key ${name}`, `posthorn dkim generate ${domain} ${selector}`);
    return null;
  }
  sheet.demandPrivate(name, { group: true });
  const pem = readText(sheet, sheet.path(name));
  if (pem === undefined) return null;
  const wrong = (what: string): null => {
    sheet.problem(sheet.path(name), undefined, what, `an RSA key of ${GOOD_BITS} bits or an Ed25519 key, in PEM`);
    return null;
  };
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
    const bits = key.asymmetricKeyType === 'rsa' ? (key.asymmetricKeyDetails?.modulusLength ?? 0) : 0;
    if (bits < FEWEST_BITS) return wrong(bits === 0 ? 'not an RSA or Ed25519 key' : `an RSA key of ${bits} bits is not to be signed with`);
    if (bits < GOOD_BITS) sheet.notice(sheet.path(name), `an RSA key of ${bits} bits; ${GOOD_BITS} are usual`);
    return key;
  } catch {
    return wrong('this is no private key');
  }
}
