/** Who hands us the message, as data. */
import type { Origin } from '../../core/envelope.ts';
import type { WireTls } from './smtp-wire.ts';

export type TlsFacts = NonNullable<Origin['tls']>;

/** Key length from the cipher's name, as OpenSSL and RFC 8446 spell it. */
export function tlsFacts(tls: WireTls): TlsFacts {
  const { version, cipher } = tls;
  const digits = /AES_?(128|256)/.exec(cipher)?.[1];
  const bits = digits === undefined ? (cipher.includes('CHACHA20') ? 256 : 112) : Number(digits);
  return { version, cipher, bits };
}

/** The `with` clause (RFC 3848 §2; RFC 6531 §4.3, whose names have no E). */
export function protocolName(said: { readonly extended: boolean; readonly smtputf8: boolean; readonly tls: boolean; readonly authenticated: boolean }): string {
  if (!said.extended) return 'SMTP';
  return `${said.smtputf8 ? 'UTF8SMTP' : 'ESMTP'}${said.tls ? 'S' : ''}${said.authenticated ? 'A' : ''}`;
}
