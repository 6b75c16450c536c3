/** Who hands us the message, as data. */
import type { Account } from '../../core/auth.ts';
import type { Instant } from '../../core/clock.ts';
import type { Origin } from '../../core/envelope.ts';
import type { Peer } from './peer.ts';
import type { TlsChannel } from './tls-channel.ts';

export type TlsFacts = NonNullable<Origin['tls']>;

/** Key length from the cipher's name, as OpenSSL and RFC 8446 spell it. */
export function tlsFacts(tls: TlsChannel): TlsFacts {
  const { version, cipher } = tls;
  const digits = /AES_?(128|256)/.exec(cipher)?.[1];
  const bits = digits === undefined ? (cipher.includes('CHACHA20') ? 256 : 112) : Number(digits);
  return { version, cipher, bits };
}

/** What a session knows when MAIL comes. */
export interface Acquaintance {
  readonly source: Origin['source'];
  readonly peer: Peer;
  readonly lmtp: boolean;
  readonly remoteName: string | undefined;
  readonly helo: string | null;
  readonly extended: boolean;
  readonly smtputf8: boolean;
  readonly tls: TlsFacts | null;
  readonly account: Account | null;
  readonly mechanism: string | null;
  readonly relayClient: string | undefined;
  readonly at: Instant;
}

export function describeOrigin(known: Acquaintance): Origin {
  const { peer, remoteName, helo, tls, account, mechanism, relayClient } = known;
  const origin: { -readonly [K in keyof Origin]: Origin[K] } = {
    source: known.source,
    protocol: known.lmtp ? lmtpName(tls !== null, account !== null) : protocolName(known.extended, known.smtputf8, tls !== null, account !== null),
    remoteAddress: peer.remoteAddress,
    remotePort: peer.remotePort,
    localAddress: peer.localAddress,
    at: known.at,
  };
  if (remoteName !== undefined) origin.remoteName = remoteName;
  if (helo !== null) origin.helo = helo;
  if (account !== null) origin.login = account.login;
  if (mechanism !== null) origin.mechanism = mechanism;
  if (tls !== null) origin.tls = tls;
  if (relayClient !== undefined) origin.relayClient = relayClient;
  return origin;
}

/** The `with` clause (RFC 3848 §2; RFC 6531 §4.3, whose names have no E). */
export function protocolName(extended: boolean, smtputf8: boolean, tls: boolean, authenticated: boolean): string {
  if (!extended) return 'SMTP';
  return `${smtputf8 ? 'UTF8SMTP' : 'ESMTP'}${tls ? 'S' : ''}${authenticated ? 'A' : ''}`;
}

function lmtpName(tls: boolean, authenticated: boolean): string {
  return `LMTP${tls ? 'S' : ''}${authenticated ? 'A' : ''}`;
}
