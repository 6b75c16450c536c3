/** Certificates and keys that a file points to, read and tried before anything relies on them. */
import { isAbsolute, join, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { shown } from '../grammar/config/parsed.ts';
import type { Environment } from './environment.ts';
import { readNames, readText, statOf, type Sheet } from './sheet.ts';
import type { TlsIdentity } from './ways-in/types.ts';
import { readTlsWishes, tlsWishVariables } from './tls-wishes.ts';

export const tlsVariables = ['TLS_CERTFILE', 'TLS_PRIVATE_KEYFILE', ...tlsWishVariables] as const;
export const idleTlsVariables = [
  'TLS_DHCERTFILE', 'TLS_MIN_DH_BITS', 'TLS_CACHEFILE', 'TLS_CACHESIZE', 'TLS_EXTERNAL', 'TLS_TIMEOUT', 'TLS_KX_LIST', 'TLS_COMPRESSION',
  'TLS_CERTS', 'TLS_STARTTLS_PROTOCOL', 'TLS_TRUSTSECURITYCERTS', 'TLS_OUTGOING_TIMEOUT', 'TLS_ALPN', 'COURIERTLS',
];

/**
 * The identity TLS_CERTFILE and TLS_PRIVATE_KEYFILE name. A certificate file that is not there means no TLS
 * (Courier's files name one before it was made), said in a notice; one that is there must be right. `suffix`: what stands
 * behind both file names, for one more name or address.
 */
export function readIdentity(sheet: Sheet, environment: Environment, suffix = ''): TlsIdentity | undefined {
  const named = environment.text('TLS_CERTFILE', '');
  if (named === '') return undefined;
  const certificateFile = resolve(sheet.folder, named) + suffix;
  const namedKey = resolve(sheet.folder, environment.text('TLS_PRIVATE_KEYFILE', '') || named) + suffix;
  // A certificate for one more name may hold its key, though the first one has its own file.
  const keyFile = suffix !== '' && statOf(namedKey) === undefined ? certificateFile : namedKey;
  if (statOf(certificateFile) === undefined) {
    sheet.notice(certificateFile, 'no such certificate file, so no TLS is offered');
    return undefined;
  }
  const certificate = readText(sheet, certificateFile);
  const key = keyFile === certificateFile ? certificate : readText(sheet, keyFile);
  if (key === undefined && certificate !== undefined) {
    environment.problem('TLS_PRIVATE_KEYFILE', `the key file ${shown(keyFile)} cannot be read`, 'TLS_PRIVATE_KEYFILE=/etc/courier/esmtpd.key');
  }
  if (certificate === undefined || key === undefined) return undefined;
  if (((statOf(keyFile)?.mode ?? 0) & 0o007) !== 0) {
    sheet.problem(keyFile, undefined, 'everyone on this machine may read this private key', `chmod 600 ${keyFile}`);
  }
  const wishes = readTlsWishes(sheet, environment);
  try {
    createSecureContext({ cert: certificate, key, ...wishes });
    return { certificateFile, keyFile, certificate, key, ...wishes };
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unknown error';
    const right = 'a PEM certificate with its chain, the key that belongs to it, and an OpenSSL cipher list';
    sheet.problem(certificateFile, undefined, `certificate, key or ciphers cannot be used: ${why}`, right);
    return undefined;
  }
}

/** A PEM file, or a folder of them. */
export function readAuthorities(sheet: Sheet, environment: Environment, variable: 'TLS_TRUSTCERTS' | 'TLS_TRUSTSECURITYCERTS'): string | undefined {
  const named = environment.text(variable, '');
  if (named === '') return undefined;
  const path = isAbsolute(named) ? named : join(sheet.folder, named);
  const stat = statOf(path);
  if (stat === undefined) environment.problem(variable, `${shown(path)} is not there`, `${variable}=/etc/ssl/certs`);
  if (stat?.isDirectory() !== true) return stat === undefined ? undefined : readText(sheet, path);
  const names = readNames(sheet, path) ?? [];
  const chosen = names.includes('ca-certificates.crt') ? ['ca-certificates.crt'] : names.filter((name) => /\.(pem|crt)$/.test(name));
  return chosen.map((name) => readText(sheet, join(path, name)) ?? '').join('\n');
}
