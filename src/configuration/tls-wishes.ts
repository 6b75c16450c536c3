/** How a listener's TLS is to be, beside its certificate: versions, suites, and Diffie-Hellman parameters. */
import { resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { shown } from '../grammar/config/parsed.ts';
import { parseTlsPriority } from '../grammar/config/tls-priority.ts';
import { parseTlsProtocol } from '../grammar/config/tls-version.ts';
import type { Environment } from './environment.ts';
import { readText, statOf, type Sheet } from './sheet.ts';
import type { TlsIdentity } from './ways-in/types.ts';

export const tlsWishVariables = ['TLS_PROTOCOL', 'TLS_CIPHER_LIST', 'TLS_CIPHER_SUITES', 'TLS_PRIORITY', 'TLS_DHPARAMS'] as const;

export type TlsWishes = Omit<TlsIdentity, 'certificateFile' | 'keyFile' | 'certificate' | 'key'>;

/** TLS_PRIORITY is GnuTLS's way to say it; what is said in OpenSSL's words as well is taken from those. */
export function readTlsWishes(sheet: Sheet, environment: Environment): TlsWishes {
  const protocol = environment.parsed('TLS_PROTOCOL', undefined, parseTlsProtocol);
  // OpenSSL keeps the suites of TLS 1.3 apart; Node takes both in one list.
  const named = [environment.text('TLS_CIPHER_SUITES', ''), environment.text('TLS_CIPHER_LIST', '')].filter(list => list !== '').join(':');
  const priority = environment.text('TLS_PRIORITY', '').trim() === '' ? undefined : environment.parsed('TLS_PRIORITY', undefined, parseTlsPriority);
  if (priority !== undefined && priority.idle.length > 0) sheet.notice(sheet.path(environment.source('TLS_PRIORITY') ?? ''), `TLS_PRIORITY: OpenSSL has no such word, and goes on without: ${priority.idle.join(' ')}`);
  const minVersion = protocol ?? priority?.minVersion;
  const ciphers = named === '' ? priority?.ciphers : named;
  const dhparam = readDhParameters(sheet, environment);
  return {
    ...(minVersion === undefined ? {} : { minVersion }),
    ...(protocol !== undefined || priority === undefined || priority.maxVersion === 'TLSv1.3' ? {} : { maxVersion: priority.maxVersion }),
    ...(ciphers === undefined ? {} : { ciphers }),
    ...(dhparam === undefined ? {} : { dhparam }),
  };
}

/** As packages ship it, the file is named before it is made. */
function readDhParameters(sheet: Sheet, environment: Environment): string | undefined {
  const named = environment.text('TLS_DHPARAMS', '').trim();
  if (named === '' || named === 'auto') return named === '' ? undefined : 'auto';
  const path = resolve(sheet.folder, named);
  if (statOf(path) === undefined) {
    sheet.notice(path, 'no such file of TLS_DHPARAMS, so keys are exchanged over elliptic curves alone');
    return undefined;
  }
  const text = readText(sheet, path);
  if (text === undefined) return undefined;
  const why = troubleOf(text);
  if (why === null) return text;
  environment.problem('TLS_DHPARAMS', `${shown(path)} holds no usable Diffie-Hellman parameters: ${why}`, 'TLS_DHPARAMS=auto, or a file made by openssl dhparam 2048');
  return undefined;
}

/** What is none at all is no error to OpenSSL: it goes on without. */
function troubleOf(text: string): string | null {
  const [, body = ''] = /-----BEGIN DH PARAMETERS-----([A-Za-z0-9+/=\s]+)-----END DH PARAMETERS-----/.exec(text) ?? [];
  // A sequence (0x30) that begins with a number (0x02), the prime.
  const der = Buffer.from(body, 'base64');
  const long = (der[1] ?? 0) & 0x80 ? ((der[1] ?? 0) & 0x7f) + 2 : 2;
  if (der[0] !== 0x30 || der[long] !== 0x02) return text.includes('BEGIN X9.42 DH PARAMETERS') ? 'they are of the kind X9.42 (-dsaparam), which Node does not read' : 'there is no block DH PARAMETERS';
  try {
    createSecureContext({ dhparam: text });
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : 'unknown error';
  }
}
