/** The versions of TLS there are, and TLS_PROTOCOL: Courier's words for the oldest one allowed. */
import { read, shown, wrong, type Parsed } from './parsed.ts';

/** The oldest first. */
export const tlsVersions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;
export type TlsVersion = (typeof tlsVersions)[number];

/** Anything newer is welcome: `TLSv1.2`, `TLSv1.2+` and `TLSv1.2++` are the same. Undefined: nothing was said. */
export function parseTlsProtocol(text: string): Parsed<TlsVersion | undefined> {
  const word = text.trim().toUpperCase().replace(/\++$/, '').replace('_', '.').replace(/^TLS(?=\d)/, 'TLSV');
  if (word === '') return read(undefined);
  const version = word === 'SSL23' || word === 'SSLV23' ? 'TLSv1' : tlsVersions.find(one => one.toUpperCase() === word);
  return version === undefined ? wrong(`${shown(text)} is not a TLS version`, 'TLS_PROTOCOL=TLSv1.2+') : read(version);
}
