/**
 * From what was heard to what it means, for one recipient (RFC 5321 §4.2.1, house rules F1 to F4).
 *
 *   heard                                   at greeting, EHLO   at MAIL            at RCPT            at DATA            after the dot
 *   2yz                                     go on               go on              go on              -> broken dialogue relayed
 *   3yz                                     broken dialogue     broken dialogue    broken dialogue    354: go on         broken dialogue
 *   4yz                                     deferred, nexthop   deferred, message  deferred, recip.   deferred, message  deferred, message
 *   421                                     deferred, nexthop, and the connection ends, wherever it is said
 *   5yz                                     failed              failed             failed             failed             failed
 *   552 without 5.2.2 or 5.3.4              failed              failed             deferred, recip.   failed             failed
 *   too many (452, 552) behind an accepted one                                     next transaction
 *   silence, closed, reset, broken dialogue next relay          deferred, nexthop  deferred, nexthop  deferred, nexthop  deferred, uncertain
 *
 * A recipient that got its own answer at RCPT keeps it, whatever happens to the others later.
 */
import type { Blame, Deferred, Delivered, Diagnostic, Failed } from '../../../core/outcome.ts';
import type { Status } from '../../../core/status.ts';
import type { Reply } from '../../../grammar/smtp/reply.ts';

const DIAGNOSTIC_LINES = 10;
const DIAGNOSTIC_CHARACTERS = 2000;
const STATUS = /^[245]\.[0-7]\.\d{1,3}$/;

export type Phase = 'greeting' | 'mail' | 'rcpt' | 'data' | 'final';

/** Who is at the other end, as reports name it. */
export interface Peer {
  readonly remoteMta: string;
  /** How we speak to it, for the log; absent: in clear, or nothing was decided. */
  readonly tls?: string;
}

/** The connection, rather than the peer's answer, decided. */
export interface Loss {
  readonly kind: 'closed' | 'timeout' | 'garbage' | 'aborted' | 'said421';
  readonly why: string;
  /** With 'said421'. */
  readonly reply?: Reply;
}

/** A 4yz or 5yz answer. */
export function refusedOutcome(reply: Reply, phase: Phase, command: string, peer: Peer): Deferred | Failed {
  const said = diagnostic(reply, command, peer);
  if (isPermanent(reply, phase)) return { kind: 'failed', status: statusOf(reply, 5), said };
  const status: Status<4> = reply.code >= 500 ? '4.5.3' : statusOf(reply, 4);
  return { kind: 'deferred', status, blame: blameOf(reply, phase), said };
}

function isPermanent(reply: Reply, phase: Phase): boolean {
  if (reply.code < 500) return false;
  // "Too many recipients" was 552 once, and clients must keep taking it as temporary (RFC 5321 §4.5.3.1.10);
  // a server that means mailbox full or too large says so in the enhanced code.
  if (phase === 'rcpt' && reply.code === 552) return reply.status === '5.2.2' || reply.status === '5.3.4';
  return true;
}

function blameOf(reply: Reply, phase: Phase): Blame {
  if (reply.code === 421 || phase === 'greeting') return 'nexthop';
  return phase === 'rcpt' ? 'recipient' : 'message';
}

export function relayedOutcome(reply: Reply, dsnHandedOver: boolean, peer: Peer): Delivered {
  const outcome: Delivered = { kind: 'relayed', status: statusOf(reply, 2), said: diagnostic(reply, 'DATA', peer) };
  return dsnHandedOver ? { ...outcome, dsnHandedOver: true } : outcome;
}

/**
 * "Too many recipients", after some were accepted: 452 says so, 552 did once (RFC 5321 §4.5.3.1.10), and the enhanced code
 * tells it from a disk or a mailbox that is full (RFC 3463 §3.6: X.5.3).
 */
export function isTooMany({ code, status }: Reply): boolean {
  return (code === 452 || code === 552) && (status === undefined || status.endsWith('.5.3'));
}

/** No answer, or none that can be read. */
export function lossOutcome(loss: Loss, phase: Phase, command: string, peer: Peer): Deferred | Failed {
  if (loss.reply !== undefined) return refusedOutcome(loss.reply, phase, command, peer);
  const outcome: Deferred = {
    kind: 'deferred',
    // RFC 3463 §3.5, §3.6: 4.4.2 bad connection, 4.5.0 protocol, 4.3.2 we are stopping.
    status: loss.kind === 'garbage' ? '4.5.0' : loss.kind === 'aborted' ? '4.3.2' : '4.4.2',
    blame: loss.kind === 'aborted' ? 'message' : 'nexthop',
    said: { ...ownWords(loss.why, peer), command },
  };
  // The peer may have taken the message before its answer was lost (RFC 1047).
  return phase === 'final' ? { ...outcome, uncertain: true } : outcome;
}

/** Decided here, in our words. */
export function ownDeferral(status: Status<4>, blame: Blame, text: string, peer?: Peer): Deferred {
  return { kind: 'deferred', status, blame, said: ownWords(text, peer) };
}

export function ownFailure(status: Status<5>, text: string, peer?: Peer): Failed {
  return { kind: 'failed', status, said: ownWords(text, peer) };
}

function ownWords(text: string, peer?: Peer): Diagnostic {
  return { type: 'x-gateway', text, ...(peer === undefined ? {} : named(peer)) };
}

function named({ remoteMta, tls }: Peer): Pick<Diagnostic, 'remoteMta' | 'tls'> {
  return { remoteMta, ...(tls === undefined ? {} : { tls }) };
}

export function isSuccess(reply: Reply): boolean {
  return reply.code >= 200 && reply.code < 300;
}

export function isRefusal(reply: Reply): boolean {
  return reply.code >= 400;
}

function statusOf<C extends 2 | 4 | 5>(reply: Reply, statusClass: C): Status<C> {
  const { status } = reply;
  const fits = status !== undefined && STATUS.test(status) && Number(status[0]) === statusClass;
  return (fits ? status : `${statusClass}.0.0`) as Status<C>;
}

function diagnostic(reply: Reply, command: string, peer: Peer): Diagnostic {
  return { type: 'smtp', text: formatSaid(reply), ...named(peer), command };
}

/** The reply as it was on the wire, within bounds; lines joined with LF. */
export function formatSaid(reply: Reply): string {
  const status = reply.status === undefined ? '' : `${reply.status} `;
  if (reply.lines.length === 1) return clean(`${reply.code} ${status}${reply.lines[0]}`);
  const shown = reply.lines.slice(0, DIAGNOSTIC_LINES);
  return clean(shown.map((line, n) => `${reply.code}${n === shown.length - 1 ? ' ' : '-'}${status}${line}`).join('\n'));
}

function clean(text: string): string {
  return text.slice(0, DIAGNOSTIC_CHARACTERS).replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f]/g, ' ');
}
