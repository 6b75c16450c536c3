/**
 * TLS of a listener beyond its one certificate: those for further names and addresses, which lie beside it with the name or
 * the address behind theirs, and what is asked of clients.
 */
import { basename, dirname, resolve } from 'node:path';
import { isIP } from 'node:net';
import { canonicalIpv6 } from '../../grammar/domain.ts';
import { read, shown, wrong, type Parsed } from '../../grammar/config/parsed.ts';
import type { Environment } from '../environment.ts';
import { leftovers } from '../known-files.ts';
import { readNames, type Sheet } from '../sheet.ts';
import { readAuthorities, readIdentity } from '../tls-identity.ts';
import type { ListenerTls, TlsIdentity } from './types.ts';

export const listenerTlsVariables = ['TLS_VERIFYPEER', 'TLS_TRUSTCERTS', 'TLS_EXTERNAL'] as const;

/** A host name of two labels or more, or `*.` and one: what lies beside a certificate may be anything else. */
const HOST = /^(?:\*\.)?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$/i;

type VerifyPeer = 'none' | 'peer' | 'requirepeer';

export function readListenerTls(sheet: Sheet, environment: Environment): ListenerTls | undefined {
  const identity = readIdentity(sheet, environment);
  if (identity === undefined) return undefined;
  const names = new Map<string, TlsIdentity>();
  const addresses = new Map<string, TlsIdentity>();
  for (const suffix of suffixesOf(sheet, environment)) {
    const own = readIdentity(sheet, environment, `.${suffix}`);
    if (own === undefined) continue;
    if (isIP(suffix) === 0) names.set(suffix.toLowerCase(), own);
    else addresses.set(canonicalIpv6(suffix) ?? suffix, own);
  }
  const clients = readClients(sheet, environment);
  return { identity, names, addresses, ...(clients === undefined ? {} : { clients }) };
}

function suffixesOf(sheet: Sheet, environment: Environment): readonly string[] {
  const file = resolve(sheet.folder, environment.text('TLS_CERTFILE', ''));
  const prefix = `${basename(file)}.`;
  const suffixes = (readNames(sheet, dirname(file)) ?? []).filter(name => name.startsWith(prefix) && !leftovers.test(name)).map(name => name.slice(prefix.length));
  return suffixes.filter(suffix => isIP(suffix) !== 0 || HOST.test(suffix));
}

function readClients(sheet: Sheet, environment: Environment): ListenerTls['clients'] {
  const verify = environment.parsed('TLS_VERIFYPEER', 'none', parseVerifyPeer);
  const subjectField = environment.text('TLS_EXTERNAL', '').trim();
  if (verify === 'none') {
    if (subjectField !== '') environment.problem('TLS_EXTERNAL', 'TLS_EXTERNAL reads the certificate of clients, and TLS_VERIFYPEER asks them for none', 'TLS_VERIFYPEER=PEER');
    return undefined;
  }
  const authorities = readAuthorities(sheet, environment, 'TLS_TRUSTCERTS');
  if (authorities === undefined || authorities.trim() === '') {
    // Every certificate that some authority of the world sold would do.
    environment.problem('TLS_VERIFYPEER', 'TLS_VERIFYPEER asks clients for a certificate, and TLS_TRUSTCERTS names nobody who may sign it', 'TLS_TRUSTCERTS=/etc/courier/clients-ca.pem');
    return undefined;
  }
  return { demand: verify === 'requirepeer', authorities, ...(subjectField === '' ? {} : { subjectField }) };
}

function parseVerifyPeer(text: string): Parsed<VerifyPeer> {
  switch (text.trim().toUpperCase()) {
    case '':
    case 'NONE':
      return read('none');
    case 'PEER':
      return read('peer');
    case 'REQUIREPEER':
      return read('requirepeer');
    default:
      return wrong(`${shown(text)} is not NONE, PEER or REQUIREPEER`, 'TLS_VERIFYPEER=PEER');
  }
}
