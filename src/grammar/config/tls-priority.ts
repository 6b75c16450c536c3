/**
 * TLS_PRIORITY, a priority string of GnuTLS, as Courier built with it takes one: `NORMAL:-VERS-TLS1.0:%COMPAT`. Read into
 * what OpenSSL is told instead: the oldest and the newest version, and a list of suites where the usual one does not do.
 */
import { read, settle, shown, wrong, type Parsed, type Problem } from './parsed.ts';
import { tlsVersions, type TlsVersion } from './tls-version.ts';

export interface TlsPriority {
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  /** OpenSSL's names, those of TLS 1.3 first; undefined: what is usual. */
  readonly ciphers?: string;
  /** Words that are right, and have no counterpart here. */
  readonly idle: readonly string[];
}

const example = 'TLS_PRIORITY="NORMAL:-VERS-TLS1.2"';

const strong = ['AES-256-GCM', 'CHACHA20-POLY1305', 'AES-256-CBC'];
const allCiphers = [...strong, 'AES-128-GCM', 'AES-128-CBC'];
const allExchanges = ['ECDHE-ECDSA', 'ECDHE-RSA', 'DHE-RSA', 'RSA'];
const allMacs = ['AEAD', 'SHA384', 'SHA256', 'SHA1'];
/** Spoken by GnuTLS, of today or of once, and not here: leaving them out is no work. */
const extinct = /^(3DES-CBC|DES-CBC|ARCFOUR-(40|128)|RC2-40|NULL|CAMELLIA-(128|192|256)-(CBC|GCM)|SALSA20-256|ESTREAM-SALSA20-256|AES-192-(CBC|GCM)|AES-(128|256)-CCM(-8)?|GOST.*|MD5|RMD160|UMAC-(96|128)|DHE-(DSS|PSK)|(ECDHE-|RSA-)?PSK|SRP(-RSA|-DSS)?|ANON-(DH|ECDH)|RSA-EXPORT|VKO-.*|COMP-(DEFLATE|LZO|ALL)|VERS-(SSL3\.0|DTLS.*)|CTYPE-(OPENPGP|OPGP|RAWPK|ALL))$/;
/** Which curves, signatures and forms are offered is OpenSSL's choice. */
const elsewhere = /^(GROUP|CURVE|SIGN|CTYPE|CTYPE-CLI|CTYPE-SRV)-[A-Z0-9-]+$/;
const flags = /^%[A-Z][A-Z0-9_-]*$/;

interface Offer {
  versions: Set<TlsVersion>;
  ciphers: Set<string>;
  exchanges: Set<string>;
  macs: Set<string>;
}

/** The first word. What it means to GnuTLS of a year is not what it means to the next; nothing older than TLS 1.2 comes by a word for everything. */
function startingFrom(keyword: string): Offer | null {
  const usual: Offer = { versions: new Set(['TLSv1.2', 'TLSv1.3']), ciphers: new Set(allCiphers), exchanges: new Set(allExchanges), macs: new Set(allMacs) };
  switch (keyword) {
    case 'NORMAL':
    case 'PERFORMANCE':
    case 'LEGACY':
    case 'SECURE':
    case 'SECURE128':
    case '@SYSTEM':
      return usual;
    case 'PFS':
      return { ...usual, exchanges: new Set(allExchanges.filter(one => one !== 'RSA')) };
    case 'SECURE192':
    case 'SECURE256':
      return { ...usual, ciphers: new Set(strong), macs: new Set(['AEAD', 'SHA384']) };
    case 'SUITEB128':
      return { ...usual, ciphers: new Set(['AES-256-GCM', 'AES-128-GCM']), exchanges: new Set(['ECDHE-ECDSA']), macs: new Set(['AEAD']) };
    case 'SUITEB192':
      return { ...usual, ciphers: new Set(['AES-256-GCM']), exchanges: new Set(['ECDHE-ECDSA']), macs: new Set(['AEAD']) };
    case 'NONE':
      return { versions: new Set(), ciphers: new Set(), exchanges: new Set(), macs: new Set() };
    default:
      return null;
  }
}

export function parseTlsPriority(text: string): Parsed<TlsPriority> {
  const [keyword = '', ...words] = text.trim().toUpperCase().split(':').map(word => word.trim()).filter(word => word !== '');
  const offer = startingFrom(keyword);
  if (offer === null) return wrong(`${shown(keyword)} is no word that a priority string begins with`, 'NORMAL, SECURE128, SECURE192, PFS, NONE');
  const problems: Problem[] = [];
  const idle: string[] = [];
  for (const word of words) {
    if (flags.test(word)) {
      // How to meet old and broken clients, and who chooses: OpenSSL has its own ways.
      if (!/^%(COMPAT|SERVER_PRECEDENCE|SAFE_RENEGOTIATION|PARTIAL_RENEGOTIATION|LATEST_RECORD_VERSION|VERIFY_.*)$/.test(word)) idle.push(word);
      continue;
    }
    const [, sign = '', name = ''] = /^([-+!])(.+)$/.exec(word) ?? [];
    const turned = sign === '' ? 'unknown' : turn(offer, name, sign === '+');
    if (turned === 'idle') idle.push(word);
    else if (turned === 'unknown') problems.push({ line: 1, what: `${shown(word)} is not understood`, right: example });
    else if (turned === 'gone') problems.push({ line: 1, what: `${shown(word)}: OpenSSL no longer has it`, right: `leave it out: ${text.trim().split(':').filter(one => one.trim().toUpperCase() !== word).join(':')}` });
  }
  return problems.length > 0 ? settle({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3', idle }, problems) : conclude(offer, idle);
}

type Turned = 'done' | 'idle' | 'gone' | 'unknown';

function turn(offer: Offer, name: string, on: boolean): Turned {
  const version = /^VERS-TLS(\d\.\d)$/.exec(name)?.[1];
  if (version !== undefined) return toggle(offer.versions, tlsVersions.filter(one => one === `TLSv${version.replace(/\.0$/, '')}`), on);
  switch (name) {
    case 'VERS-ALL':
    case 'VERS-TLS-ALL':
      return toggle(offer.versions, tlsVersions, on);
    case 'CIPHER-ALL':
      return toggle(offer.ciphers, allCiphers, on);
    case 'KX-ALL':
      return toggle(offer.exchanges, allExchanges, on);
    case 'MAC-ALL':
      return toggle(offer.macs, allMacs, on);
    case 'COMP-NULL':
    case 'CTYPE-X509':
    case 'CTYPE-X.509':
      return on ? 'done' : 'unknown';
  }
  // A word for everything may also be added or taken away, without its versions: `SECURE128:+SECURE192`.
  const part = startingFrom(name);
  if (part !== null) {
    for (const key of ['ciphers', 'exchanges', 'macs'] as const) toggle(offer[key], [...part[key]], on);
    return 'done';
  }
  for (const [all, set] of [[allCiphers, offer.ciphers], [allExchanges, offer.exchanges], [allMacs, offer.macs]] as const) {
    if (all.includes(name)) return toggle(set, [name], on);
  }
  if (extinct.test(name)) return on ? 'gone' : 'done';
  return elsewhere.test(name) || name === 'SIGN-ALL' || name === 'GROUP-ALL' || name === 'CURVE-ALL' ? 'idle' : 'unknown';
}

function toggle<T>(set: Set<T>, names: readonly T[], on: boolean): Turned {
  for (const name of names) {
    if (on) set.add(name);
    else set.delete(name);
  }
  return names.length === 0 ? 'unknown' : 'done';
}

function conclude({ versions, ciphers, exchanges, macs }: Offer, idle: readonly string[]): Parsed<TlsPriority> {
  const asked = tlsVersions.filter(one => versions.has(one));
  const [minVersion] = asked;
  const maxVersion = asked.at(-1);
  if (minVersion === undefined || maxVersion === undefined) return wrong('no version of TLS is left', 'TLS_PRIORITY="NONE:+VERS-TLS1.3:+CIPHER-ALL:+MAC-ALL"');
  const missing = tlsVersions.slice(tlsVersions.indexOf(minVersion), tlsVersions.indexOf(maxVersion)).find(one => !versions.has(one));
  if (missing !== undefined) return wrong(`${minVersion} and ${maxVersion} are asked for, and ${missing} between them is not: OpenSSL takes a range`, example);
  const whole = ciphers.size === allCiphers.length && exchanges.size === allExchanges.length && macs.size === allMacs.length;
  if (whole) return read({ minVersion, maxVersion, idle });
  const suites = allSuites.filter(one => ciphers.has(one.cipher) && macs.has(one.mac) && (one.exchange === null ? versions.has('TLSv1.3') : exchanges.has(one.exchange) && minVersion !== 'TLSv1.3'));
  const [newest, older] = [suites.some(one => one.exchange === null), suites.some(one => one.exchange !== null)];
  if ((maxVersion === 'TLSv1.3' && !newest) || (minVersion !== 'TLSv1.3' && !older)) return wrong(`no suite is left for ${maxVersion === 'TLSv1.3' && !newest ? maxVersion : minVersion}`, example);
  return read({ minVersion, maxVersion, ciphers: suites.map(one => one.name).join(':'), idle });
}

interface Suite {
  readonly name: string;
  readonly cipher: string;
  readonly mac: string;
  /** Null: TLS 1.3, which has no say in it. */
  readonly exchange: string | null;
}

/** OpenSSL's names, the better ones first. */
const allSuites: readonly Suite[] = [
  { name: 'TLS_AES_256_GCM_SHA384', cipher: 'AES-256-GCM', mac: 'AEAD', exchange: null },
  { name: 'TLS_CHACHA20_POLY1305_SHA256', cipher: 'CHACHA20-POLY1305', mac: 'AEAD', exchange: null },
  { name: 'TLS_AES_128_GCM_SHA256', cipher: 'AES-128-GCM', mac: 'AEAD', exchange: null },
  ...[
    ['AES256-GCM-SHA384', 'AES-256-GCM', 'AEAD'], ['CHACHA20-POLY1305', 'CHACHA20-POLY1305', 'AEAD'], ['AES128-GCM-SHA256', 'AES-128-GCM', 'AEAD'],
    ['AES256-SHA384', 'AES-256-CBC', 'SHA384'], ['AES256-SHA256', 'AES-256-CBC', 'SHA256'], ['AES128-SHA256', 'AES-128-CBC', 'SHA256'],
    ['AES256-SHA', 'AES-256-CBC', 'SHA1'], ['AES128-SHA', 'AES-128-CBC', 'SHA1'],
  ].flatMap(([name = '', cipher = '', mac = '']) => allExchanges.filter(exchange => exists(name, exchange)).map(exchange => ({ name: exchange === 'RSA' ? name : `${exchange}-${name}`, cipher, mac, exchange }))),
];

function exists(name: string, exchange: string): boolean {
  const elliptic = exchange.startsWith('ECDHE');
  if (name === 'AES256-SHA384') return elliptic;
  if (name === 'AES256-SHA256') return !elliptic;
  return name !== 'CHACHA20-POLY1305' || exchange !== 'RSA';
}
