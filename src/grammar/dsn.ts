/**
 * message/delivery-status (RFC 3464 §2) and message/global-delivery-status (RFC 6533 §5), both ways.
 * What peers said goes in here: whatever it holds, it cannot begin a field, end the part, or make a line too long.
 */
import { formatDate, parseDate } from './date.ts';

export type Action = 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded';

/** `type; text`: an address with its address-type, a name with its MTA-name-type, a diagnostic with its vocabulary. */
export interface Typed {
  readonly type: string;
  readonly text: string;
}

export interface DeliveryStatus {
  readonly reportingMta: Typed;
  readonly originalEnvelopeId?: string;
  readonly receivedFromMta?: Typed;
  /** Milliseconds since the epoch, like all times here; whole seconds on the wire. */
  readonly arrivalDate?: number;
  readonly recipients: readonly RecipientStatus[];
}

export interface RecipientStatus {
  readonly originalRecipient?: Typed;
  readonly finalRecipient: Typed;
  readonly action: Action;
  readonly status: string;
  readonly remoteMta?: Typed;
  readonly diagnosticCode?: Typed;
  /** What went wrong before any peer spoke (Courier's extension field). */
  readonly networkError?: string;
  readonly lastAttemptDate?: number;
  readonly willRetryUntil?: number;
}

const ACTIONS: ReadonlySet<string> = new Set<Action>(['failed', 'delayed', 'delivered', 'relayed', 'expanded']);
/** RFC 5322 §2.1.1: 78 preferred, 998 allowed. */
const LINE_PREFERRED = 78;
const LINE_LONGEST = 900;

/** CRLF lines, an empty line between the groups. Without `utf8`, what is not ASCII is written `\x{HEX}` (RFC 6533 §3). */
export function formatDeliveryStatus(status: DeliveryStatus, utf8: boolean): string {
  const field = (name: string, text: string) => fold(`${name}: ${wireText(text, utf8)}`);
  const typed = (name: string, value: Typed | undefined) => (value === undefined ? '' : field(name, `${wireType(value.type)}; ${value.text}`));
  const date = (name: string, at: number | undefined) => (at === undefined ? '' : field(name, formatDate(at)));

  let out = '';
  if (status.originalEnvelopeId !== undefined) out += field('Original-Envelope-Id', status.originalEnvelopeId);
  out += typed('Reporting-MTA', status.reportingMta);
  out += typed('Received-From-MTA', status.receivedFromMta);
  out += date('Arrival-Date', status.arrivalDate);
  for (const one of status.recipients) {
    out += '\r\n';
    out += typed('Original-Recipient', one.originalRecipient);
    out += typed('Final-Recipient', one.finalRecipient);
    out += field('Action', one.action);
    out += field('Status', one.status);
    out += typed('Remote-MTA', one.remoteMta);
    out += typed('Diagnostic-Code', one.diagnosticCode);
    if (one.networkError !== undefined) out += field('X-Network-Error', one.networkError);
    out += date('Last-Attempt-Date', one.lastAttemptDate);
    out += date('Will-Retry-Until', one.willRetryUntil);
  }
  return out;
}

function wireText(text: string, utf8: boolean): string {
  const plain = text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
  return utf8 ? plain.toWellFormed() : plain.toWellFormed().replaceAll(/[\u0080-\u{10ffff}]/gu, char => `\\x{${(char.codePointAt(0) as number).toString(16).toUpperCase()}}`);
}

function wireType(type: string): string {
  return /^[A-Za-z0-9-]{1,40}$/.test(type) ? type : 'unknown';
}

/** Folds before a blank where it can (RFC 5322 §2.2.3), and inside a word only where a line would be too long to send. */
function fold(line: string): string {
  if (line.length <= LINE_PREFERRED && Buffer.byteLength(line) <= LINE_LONGEST) return `${line}\r\n`;
  let out = '';
  let current = '';
  for (const [word] of line.matchAll(/ ?[^ ]+| +/g)) {
    // Nothing but blanks may follow a fold's CRLF no more than nothing at all may (RFC 5322 §3.2.2).
    if (current.trim() !== '' && current.length + word.length > LINE_PREFERRED && word.startsWith(' ') && word.trim() !== '' && !current.endsWith(':')) {
      out += `${current}\r\n`;
      current = '';
    }
    current += word;
    while (Buffer.byteLength(current) > LINE_LONGEST) {
      const cut = cutAt(current, LINE_LONGEST);
      out += `${current.slice(0, cut)}\r\n`;
      current = ` ${current.slice(cut)}`;
    }
  }
  return `${out}${current}\r\n`;
}

/** Not inside a surrogate pair. */
function cutAt(text: string, octets: number): number {
  let used = 0;
  let at = 0;
  for (const char of text) {
    used += Buffer.byteLength(char);
    if (used > octets) break;
    at += char.length;
  }
  return at;
}

/** Reads what others write, too: bare LF, fields in any order and case, unknown fields. Null: nothing in it says anything about anybody. */
export function parseDeliveryStatus(text: string): DeliveryStatus | null {
  const [first, ...others] = groupsOf(text);
  if (first === undefined) return null;
  // QUIRK: some leave out the empty line after the per-message fields, or those fields altogether.
  const groups = first.has('final-recipient') ? [first, ...others] : others;
  const recipients = groups.map(recipientOf).filter(one => one !== null);
  if (recipients.length === 0) return null;
  const envelopeId = first.get('original-envelope-id');
  const receivedFromMta = typedOf(first.get('received-from-mta'));
  const arrivalDate = dateOf(first.get('arrival-date'));
  return {
    reportingMta: typedOf(first.get('reporting-mta')) ?? { type: 'dns', text: '' },
    ...(envelopeId === undefined ? {} : { originalEnvelopeId: envelopeId }),
    ...(receivedFromMta === null ? {} : { receivedFromMta }),
    ...(arrivalDate === null ? {} : { arrivalDate }),
    recipients,
  };
}

function groupsOf(text: string): Map<string, string>[] {
  const groups: Map<string, string>[] = [];
  let group: Map<string, string> | null = null;
  let name = '';
  for (const line of text.split(/\r\n|\n|\r/)) {
    if (line.trim() === '' && !/^[ \t]/.test(line)) {
      group = null;
      continue;
    }
    if (/^[ \t]/.test(line)) {
      const before = group?.get(name);
      if (before !== undefined) group?.set(name, `${before}${line.replace(/^[ \t]/, ' ')}`);
      continue;
    }
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    if (group === null) groups.push(group = new Map());
    name = line.slice(0, colon).trim().toLowerCase();
    // The first of two stands; a peer's text must not replace what its reporter said.
    if (group.has(name)) name = '';
    else group.set(name, line.slice(colon + 1).trimStart());
  }
  return groups;
}

function recipientOf(group: ReadonlyMap<string, string>): RecipientStatus | null {
  const finalRecipient = typedOf(group.get('final-recipient'));
  const action = group.get('action')?.trim().toLowerCase().split(/[\s(]/)[0] ?? '';
  if (finalRecipient === null || !ACTIONS.has(action)) return null;
  const status = /\b[245]\.\d{1,3}\.\d{1,3}\b/.exec(group.get('status') ?? '')?.[0] ?? `${action === 'failed' ? 5 : action === 'delayed' ? 4 : 2}.0.0`;
  const originalRecipient = typedOf(group.get('original-recipient'));
  const remoteMta = typedOf(group.get('remote-mta'));
  const diagnosticCode = typedOf(group.get('diagnostic-code'));
  const networkError = group.get('x-network-error');
  const lastAttemptDate = dateOf(group.get('last-attempt-date'));
  const willRetryUntil = dateOf(group.get('will-retry-until'));
  return {
    ...(originalRecipient === null ? {} : { originalRecipient }),
    finalRecipient,
    action: action as Action,
    status,
    ...(remoteMta === null ? {} : { remoteMta }),
    ...(diagnosticCode === null ? {} : { diagnosticCode }),
    ...(networkError === undefined ? {} : { networkError }),
    ...(lastAttemptDate === null ? {} : { lastAttemptDate }),
    ...(willRetryUntil === null ? {} : { willRetryUntil }),
  };
}

function typedOf(text: string | undefined): Typed | null {
  const found = text === undefined ? null : /^([^;]*);([^]*)$/.exec(text);
  const type = found?.[1]?.trim() ?? '';
  return found === null || type === '' ? null : { type, text: (found[2] as string).trim() };
}

function dateOf(text: string | undefined): number | null {
  return text === undefined ? null : parseDate(text);
}
