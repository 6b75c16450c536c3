/** An envelope and its origin in a stored record (record.ts). Lists of words are part of the format: add at the end only. */
import type { Address, Envelope, Origin } from '../../../core/envelope.ts';
import { wordAt, type OctetReader, type OctetWriter } from './octets.ts';

const SOURCES = ['esmtp', 'submission', 'local', 'uucp', 'dsn', 'fax', 'list'] as const satisfies readonly Origin['source'][];
/** Optional texts of an origin, in the order of their bits. */
const ORIGIN_TEXTS = ['remoteAddress', 'remoteName', 'localAddress', 'helo', 'login', 'mechanism', 'relayClient'] as const;

export function writeEnvelope(w: OctetWriter, envelope: Envelope): void {
  const { reversePath, ret, envid, verp, security, requireTls, origin } = envelope;
  const demands = (verp === undefined ? 0 : 1) | (security === undefined ? 0 : 2) | (requireTls === undefined ? 0 : 4) | (envelope.body === 'binarymime' ? 8 : 0);
  w.octet(
    (reversePath === null ? 0 : 1) |
      (envelope.body === '8bitmime' ? 2 : 0) |
      (envelope.smtputf8 ? 4 : 0) |
      (ret === 'full' ? 8 : ret === 'hdrs' ? 16 : 0) |
      (envid === undefined ? 0 : 32) |
      (demands === 0 ? 0 : 64),
  );
  if (demands !== 0) w.octet(demands);
  if (reversePath !== null) w.text(reversePath);
  if (envid !== undefined) w.text(envid);
  writeOrigin(w, origin);
}

export function readEnvelope(r: OctetReader): Envelope {
  const flags = r.octet();
  const demands = (flags & 64) !== 0 ? r.octet() : 0;
  return {
    reversePath: (flags & 1) !== 0 ? (r.text() as Address) : null,
    body: (demands & 8) !== 0 ? 'binarymime' : (flags & 2) !== 0 ? '8bitmime' : '7bit',
    smtputf8: (flags & 4) !== 0,
    ...((flags & 8) !== 0 ? { ret: 'full' as const } : (flags & 16) !== 0 ? { ret: 'hdrs' as const } : {}),
    ...((flags & 32) !== 0 ? { envid: r.text() } : {}),
    ...((demands & 1) !== 0 ? { verp: true as const } : {}),
    ...((demands & 2) !== 0 ? { security: 'starttls' as const } : {}),
    ...((demands & 4) !== 0 ? { requireTls: true as const } : {}),
    origin: readOrigin(r),
  };
}

function writeOrigin(w: OctetWriter, origin: Origin): void {
  w.octet(SOURCES.indexOf(origin.source));
  w.float(origin.at);
  w.text(origin.protocol);
  // Each by its name, in the order of ORIGIN_TEXTS: V8 looks up a property that a variable names anew each time.
  const { remoteAddress, remoteName, localAddress, helo, login, mechanism, relayClient } = origin;
  w.whole(
    (remoteAddress === undefined ? 0 : 1) |
      (remoteName === undefined ? 0 : 2) |
      (localAddress === undefined ? 0 : 4) |
      (helo === undefined ? 0 : 8) |
      (login === undefined ? 0 : 0x10) |
      (mechanism === undefined ? 0 : 0x20) |
      (relayClient === undefined ? 0 : 0x40) |
      (origin.remotePort === undefined ? 0 : 0x80) |
      (origin.tls === undefined ? 0 : 0x100) |
      (origin.virtualHost === undefined ? 0 : 0x200) |
      (origin.about === undefined ? 0 : 0x400),
  );
  if (remoteAddress !== undefined) w.text(remoteAddress);
  if (remoteName !== undefined) w.text(remoteName);
  if (localAddress !== undefined) w.text(localAddress);
  if (helo !== undefined) w.text(helo);
  if (login !== undefined) w.text(login);
  if (mechanism !== undefined) w.text(mechanism);
  if (relayClient !== undefined) w.text(relayClient);
  if (origin.remotePort !== undefined) w.whole(origin.remotePort);
  if (origin.tls !== undefined) {
    w.text(origin.tls.version);
    w.text(origin.tls.cipher);
    w.whole(origin.tls.bits);
  }
  if (origin.virtualHost !== undefined) w.text(origin.virtualHost);
  if (origin.about !== undefined) w.text(origin.about);
}

function readOrigin(r: OctetReader): Origin {
  const source = wordAt(SOURCES, r.octet());
  const at = r.float();
  const protocol = r.text();
  const present = r.whole();
  const texts: Partial<Record<(typeof ORIGIN_TEXTS)[number], string>> = {};
  for (let bit = 0; bit < ORIGIN_TEXTS.length; bit++) if ((present & (1 << bit)) !== 0) texts[ORIGIN_TEXTS[bit]!] = r.text();
  return {
    source,
    at,
    protocol,
    ...texts,
    ...((present & 0x80) !== 0 ? { remotePort: r.whole() } : {}),
    ...((present & 0x100) !== 0 ? { tls: { version: r.text(), cipher: r.text(), bits: r.whole() } } : {}),
    ...((present & 0x200) !== 0 ? { virtualHost: r.text() } : {}),
    ...((present & 0x400) !== 0 ? { about: r.text() } : {}),
  };
}
