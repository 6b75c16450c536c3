/** Every limit of a session, with the least that RFC 5321 §4.5.3 lets a server offer beside it. */
import type { Variables } from '../../core/policy.ts';

export interface Limits {
  /** 0: none. RFC 5321 §4.5.3.1.7: at least 64 K. */
  readonly sizeOctets: number;
  /** Past it 452; RFC 5321 §4.5.3.1.8: at least 100. */
  readonly recipients: number;
  /** Messages in one session; no RFC minimum. */
  readonly transactions: number;
  /** Our own 5yz replies in one session; no RFC minimum. */
  readonly errors: number;
  /** Commands that move no mail (NOOP, RSET, VRFY …) between two messages; no RFC minimum. */
  readonly idleCommands: number;
  /** RFC 5321 §4.5.3.2.7: at least 5 minutes; Courier's esmtptimeout is 10. */
  readonly idleCommandMs: number;
  /** RFC 5321 §4.5.3.2.5: 3 minutes between blocks; Courier's esmtptimeoutdata is 5. */
  readonly idleContentMs: number;
  /** MAIL to the final reply; no RFC minimum. */
  readonly transactionMs: number;
  /** Slowest content, measured after a minute; 0: as slow as it likes. */
  readonly octetsPerSecond: number;
  /** MAXDAEMONS: connections at once. */
  readonly connections: number;
  /** MAXPERIP. */
  readonly perAddress: number;
  /** MAXPERC: of one IPv4 /24 or IPv6 /64. */
  readonly perBlock: number;
}

export const defaultLimits: Limits = {
  sizeOctets: 10_485_760,
  recipients: 100,
  transactions: 10_000,
  errors: 20,
  idleCommands: 100,
  idleCommandMs: 10 * 60_000,
  idleContentMs: 5 * 60_000,
  transactionMs: 4 * 3_600_000,
  octetsPerSecond: 100,
  connections: 40,
  perAddress: 5,
  perBlock: 5,
};

/** Without CRLF. RFC 5321 §4.5.3.1.4: 512, and room for SIZE (26), BODY (17), DSN (500), AUTH= (500), long UTF-8 paths. */
export const COMMAND_OCTETS = 2048;
/** A line of an AUTH exchange (RFC 4954 §4: at least 12288), and the most we hold of an unfinished line. */
export const AUTH_LINE_OCTETS = 12_288;
/** After so many bare LF in commands the session ends; a client that sends one sends them all. */
export const BARE_LF_IN_COMMANDS = 3;
/** RFC 4954 §4 lets a server end the session after some failures. */
export const AUTH_FAILURES = 3;
export const AUTH_FAILURE_WAIT_MS = 2_000;
/** RCPT commands, refused ones included, for each accepted recipient that the limit allows. */
export const RCPT_TRIES_FACTOR = 10;
/** Content is handed on in pieces of about this size; smaller messages in one piece. */
export const PIECE_OCTETS = 64 * 1024;
/** Input that may wait while a command is being answered; then the socket is paused. */
export const WAITING_OCTETS = 64 * 1024;
/** The slowest content is judged only after this. */
export const RATE_GRACE_MS = 60_000;
/** Courier's -haproxy: a balancer that has not said by then whose connection it is. */
export const PROXY_HEADER_MS = 15_000;
export const TLS_HANDSHAKE_MS = 60_000;
/** An intake, an AUTH backend or a queue that has not answered by then is a bug; the client gives up at 10 minutes (RFC 5321 §4.5.3.2.6). */
export const ANSWER_MS = 10 * 60_000;
/** MAIL waits so long for the reverse name, which was asked for at connect. */
export const REVERSE_NAME_MS = 5_000;
/** How often deadlines are looked at, for all sessions together. */
export const SWEEP_MS = 1_000;
/** A client that was turned away may stay so long to say QUIT (RFC 5321 §3.1). */
export const TURNED_AWAY_MS = 30_000;

/** The access file's variables replace what the listener has. */
export function limitsFor(limits: Limits, variables: Variables): Limits {
  const sizeOctets = wholeNumber(variables.get('SIZELIMIT'));
  const recipients = wholeNumber(variables.get('MAXRCPTS'));
  if (sizeOctets === null && recipients === null) return limits;
  return { ...limits, sizeOctets: sizeOctets ?? limits.sizeOctets, recipients: recipients ?? limits.recipients };
}

export function wholeNumber(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

/** `VAR` unset: the listener's word; `VAR=` and `VAR=0` are no. */
export function isOn(value: string | undefined, otherwise: boolean): boolean {
  return value === undefined ? otherwise : value !== '' && value !== '0';
}
