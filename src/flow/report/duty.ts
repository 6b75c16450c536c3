/** Who is told what (RFC 3461 §4.1, §5.2; RFC 5321 §4.5.5): pure. */
import type { Address, Condition } from '../../core/envelope.ts';
import type { RecipientState, StoredMessage } from '../../core/queue-store.ts';
import type { ReportNews } from '../../core/report.ts';
import { parseAddress } from '../../grammar/address.ts';

export type Duty =
  | { readonly kind: 'nobody' }
  /** To the sender. */
  | { readonly kind: 'sender'; readonly to: Address; readonly recipients: readonly RecipientState[] }
  /** There is no sender: failures go to the postmaster, once. */
  | { readonly kind: 'postmaster'; readonly to: Address; readonly recipients: readonly RecipientState[] }
  /** A report to the postmaster failed: nobody is left to tell but the log. */
  | { readonly kind: 'dropped'; readonly recipients: readonly RecipientState[] };

/**
 * How a report to the postmaster is told from a report to a sender when it fails itself: both have the null
 * reverse-path (RFC 5321 §4.5.5), so its origin says so. (Courier uses the reverse-path `#@[]`, which is no address.)
 */
export const DOUBLE_BOUNCE = 'double-bounce';

export interface Wishes {
  /** Reports about mail that somebody logged in for go to his login, where that is an address (DSNTOAUTHADDR). */
  readonly toLogin: boolean;
  /** Who did not say what he wants to hear hears of delays (DSNDEFAULTNOTIFYDELAY). */
  readonly delaysByDefault: boolean;
}

const USUAL: Wishes = { toLogin: false, delaysByDefault: true };

export function dutyOf(news: ReportNews, postmaster: Address, wishes: Wishes = USUAL): Duty {
  const { message } = news;
  const { reversePath, origin } = message.envelope;
  if (reversePath !== null) {
    const recipients = news.recipients.filter(recipient => wants(recipient, news.kind, wishes));
    const login = wishes.toLogin && origin.login?.includes('@') === true ? parseAddress(origin.login) : null;
    return recipients.length === 0 ? { kind: 'nobody' } : { kind: 'sender', to: login ?? reversePath, recipients };
  }
  const failed = news.kind === 'final' ? news.recipients.filter(recipient => recipient.outcome?.kind === 'failed' && wants(recipient, 'final', wishes)) : [];
  if (failed.length === 0) return { kind: 'nobody' };
  if (origin.source === 'dsn' && origin.protocol === DOUBLE_BOUNCE) return { kind: 'dropped', recipients: failed };
  return { kind: 'postmaster', to: postmaster, recipients: failed };
}

function wants({ notify, outcome }: RecipientState, kind: ReportNews['kind'], { delaysByDefault }: Wishes): boolean {
  const asked = (condition: Condition) => (notify === undefined ? condition === 'failure' || (condition === 'delay' && delaysByDefault) : notify !== 'never' && notify.includes(condition));
  if (kind === 'delay') return asked('delay');
  switch (outcome?.kind) {
    case 'failed':
      return asked('failure');
    case 'delivered':
    case 'relayed':
    case 'expanded':
      // The next hop took over the duty to report (RFC 3461 §5.2.1).
      return outcome.dsnHandedOver !== true && asked('success');
    case 'deferred':
    case undefined:
      return false;
    default:
      return outcome satisfies never;
  }
}

/** The whole message is returned only with a failure, and not against the sender's wish (RFC 3461 §4.3). */
export function returnsWhole(message: StoredMessage, recipients: readonly RecipientState[], duty: Duty['kind'], limitOctets: number): boolean {
  const { facts, envelope, trace } = message;
  // Such octets cannot travel inside a message that is not binary (RFC 2045 §2.8).
  if (facts.hasNul || facts.bareCr > 0 || facts.bareLf > 0 || facts.longestLine > LINE_LONGEST) return false;
  // What was to travel by TLS alone is not sent about again (RFC 8689 §5).
  if (envelope.requireTls === true) return false;
  if (duty === 'postmaster') return true;
  return envelope.ret !== 'hdrs' && facts.sizeOctets + trace.length < limitOctets && recipients.some(one => one.outcome?.kind === 'failed');
}

/** RFC 5322 §2.1.1. */
const LINE_LONGEST = 998;
