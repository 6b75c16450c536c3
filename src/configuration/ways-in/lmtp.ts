/** Where the LMTP listener is: on this machine alone, unless PORT says otherwise. */
import { isAbsolute } from 'node:path';
import { parsePortList, type ListenEndpoint } from '../../grammar/config/endpoint.ts';
import { read, shown, wrong, type Parsed } from '../../grammar/config/parsed.ts';
import type { Environment } from '../environment.ts';

export const lmtpVariables = ['LMTPDSTART', 'LMTPSOCKET', 'LMTPSOCKETMODE'] as const;

export interface LmtpPlace {
  readonly endpoints: readonly ListenEndpoint[];
  readonly socket?: { readonly path: string; readonly mode: number };
}

const LOOPBACK = '127.0.0.1';
const PORT = 24;
/** sockaddr_un has 108 octets with the NUL. */
const PATH_OCTETS = 107;
const OWNER_AND_GROUP = 0o660;

export function readLmtpPlace(environment: Environment): LmtpPlace {
  const path = environment.parsed('LMTPSOCKET', '', parsePath);
  const mode = environment.parsed('LMTPSOCKETMODE', OWNER_AND_GROUP, parseMode);
  const asked = environment.get('PORT');
  const endpoints = asked === undefined && path !== '' ? [] : environment.parsed('PORT', [{ address: LOOPBACK, port: PORT }], text => parsePortList(text, LOOPBACK, `PORT=${LOOPBACK}.${PORT}`));
  return { endpoints, ...(path === '' ? {} : { socket: { path, mode } }) };
}

function parsePath(text: string): Parsed<string> {
  if (text === '' || (isAbsolute(text) && Buffer.byteLength(text) <= PATH_OCTETS)) return read(text);
  return wrong(`${shown(text)} is not an absolute path of at most ${PATH_OCTETS} octets`, 'LMTPSOCKET=/run/posthorn/lmtp');
}

function parseMode(text: string): Parsed<number> {
  return /^0?[0-7]{3}$/.test(text) ? read(Number.parseInt(text, 8)) : wrong(`${shown(text)} is not a file mode`, 'LMTPSOCKETMODE=0660');
}
