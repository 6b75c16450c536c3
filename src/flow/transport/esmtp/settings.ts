/** What the transport is told once. */
import type { Chance, Clock } from '../../../core/clock.ts';
import type { Envelope } from '../../../core/envelope.ts';
import type { Kernels } from '../../../core/kernels.ts';
import type { Log } from '../../../core/log.ts';
import type { Metrics } from '../../../core/metrics.ts';
import type { Notes } from '../../../core/notes.ts';
import type { StoredContent } from '../../../core/queue-store.ts';
import type { TlsJournal } from '../../../core/tls.ts';
import type { Destinations } from '../../../core/transport.ts';
import type { Deadlines } from '../../../kit/deadlines.ts';
import type { Dial } from '../../../kit/net/dial.ts';
import type { StartTls, TlsRequest } from '../../../kit/net/start-tls.ts';

/** Up to here a message is written in one go; beyond, it waits for the socket to drain. */
export const ONE_WRITE_OCTETS = 256 * 1024;

/** Courier's timeouts (`esmtptimeout…`), in milliseconds. */
export interface EsmtpTimeouts {
  readonly connectMs: number;
  /** Greeting, EHLO, HELO, STARTTLS with its handshake, AUTH. */
  readonly heloMs: number;
  /** MAIL, RCPT and DATA; with PIPELINING one budget for all of them. */
  readonly commandMs: number;
  /** Each block of the content, and the answer to the final dot. */
  readonly contentMs: number;
  readonly quitMs: number;
  /** How long an idle connection is kept for the next message. */
  readonly keepaliveMs: number;
  /** RSET this often while idle; 0: never. */
  readonly keepalivePingMs: number;
}

/** As Courier ships them; RFC 5321 §4.5.3.2 asks for no less, but for QUIT's and the connection's. */
export const courierTimeouts: EsmtpTimeouts = {
  connectMs: 60_000,
  heloMs: 300_000,
  commandMs: 600_000,
  contentMs: 300_000,
  quitMs: 10_000,
  keepaliveMs: 60_000,
  keepalivePingMs: 0,
};

export interface EsmtpLimits {
  /** Recipients in one transaction. */
  readonly recipients: number;
  /** Connections to one next hop. Twice as many deliveries are taken: the second rides behind the first. */
  readonly connectionsPerNexthop: number;
  /** Deliveries under way in all. */
  readonly deliveriesInAll: number;
  /** Idle connections in all. */
  readonly idle: number;
}

export interface Look {
  /** '' is the usual one. What is shown in different ways never shares a connection. */
  readonly key: string;
  /** The name we give at EHLO, in A-labels, or an address literal; null: that of the address we connect from. */
  readonly helo: string | null;
  /** The addresses we connect from; absent: the system chooses. */
  readonly source4?: string;
  readonly source6?: string;
}

/** Makes content 7-bit (RFC 6152 §3): 8-bit parts become quoted-printable or base64. */
export interface Converter {
  toSevenBit(content: StoredContent): readonly Uint8Array[] | AsyncIterable<Uint8Array>;
}

export interface EsmtpSettings {
  readonly destinations: Destinations;
  readonly dial: Dial;
  readonly startTls: StartTls;
  readonly deadlines: Deadlines;
  readonly kernels: Pick<Kernels, 'openStuffing'>;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  /** What outlasts this transport: hosts whose TLS is broken. */
  readonly notes: Notes;
  readonly metrics: Metrics;
  /** How we show ourselves for a message: a virtual host has a name and addresses of its own. */
  look(envelope: Envelope): Look;
  /** The name of an address of ours, for a look without one. */
  nameOf?(address: string): Promise<string>;
  readonly timeouts: EsmtpTimeouts;
  readonly limits: EsmtpLimits;
  /** `esmtpdelay`: after all relays of a next hop failed, everything for it is deferred this long untried; 0: off. */
  readonly delayMs: number;
  /** Absent: 8-bit mail for a peer without 8BITMIME waits. */
  readonly convert?: Converter;
  /** PEM; replaces the system's list of authorities where a route wants certificates verified. */
  readonly trustedCertificates?: readonly string[];
  /** Our certificate, for a peer that asks for one; PEM. */
  readonly identity?: TlsRequest['identity'];
  /** Hears how each session's TLS went. */
  readonly tlsJournal?: TlsJournal;
  /** PEM; the private authority of SECURITY=STARTTLS (`TLS_TRUSTSECURITYCERTS`). Absent: nothing can be sent so. */
  readonly securityCertificates?: readonly string[];
}
