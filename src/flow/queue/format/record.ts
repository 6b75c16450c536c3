/**
 * The stored record, version 2. Its first octet is the version; its last eight are XXH3-64 over all before them,
 * so that a flipped bit is noticed before anyone believes an envelope. Between them, in order:
 *
 *   flags (1), due and acceptedAt (float64 ms), attempts, id, content facts with digest, trace octets, envelope with
 *   origin, recipients, and the optional fields that the flags name.
 *
 * Numbers are written by octets.ts (`whole`), texts as their UTF-8 length and octets. Lists of words below are part of
 * the format: add at the end only. Version 1 had no past outcomes and is read for ever. Any other version is not
 * guessed at: it is damaged until someone reads it.
 */
import type { Instant } from '../../../core/clock.ts';
import type { ContentFacts } from '../../../core/content.ts';
import type { Address, Condition, Envelope, MessageId, Notify, Origin, RecipientId } from '../../../core/envelope.ts';
import type { Kernels } from '../../../core/kernels.ts';
import type { Blame, Diagnostic, Outcome } from '../../../core/outcome.ts';
import type { PastOutcome, RecipientState, StoredMessage } from '../../../core/queue-store.ts';
import type { Status } from '../../../core/status.ts';
import type { PendingOrder, StoredRecord } from '../message-changes.ts';
import { OctetReader, OctetWriter } from './octets.ts';

export const RECORD_VERSION = 2;
const READ_VERSIONS: readonly (number | undefined)[] = [1, RECORD_VERSION];
const CHECKSUM_OCTETS = 8;
const DIGEST_OCTETS = 16;
/** Version, flags and two times. */
const BEFORE_ATTEMPTS = 18;

const SOURCES = ['esmtp', 'submission', 'local', 'uucp', 'dsn', 'fax', 'list'] as const satisfies readonly Origin['source'][];
const OUTCOMES = ['delivered', 'relayed', 'expanded', 'deferred', 'failed'] as const satisfies readonly Outcome['kind'][];
const BLAMES = ['recipient', 'message', 'nexthop'] as const satisfies readonly Blame[];
const VOCABULARIES = ['smtp', 'x-unix', 'x-fax', 'x-uucp', 'x-gateway'] as const satisfies readonly Diagnostic['type'][];
const CONDITIONS = ['success', 'failure', 'delay'] as const satisfies readonly Condition[];
/** Optional texts of an origin, in the order of their bits. */
const ORIGIN_TEXTS = ['remoteAddress', 'remoteName', 'localAddress', 'helo', 'login', 'mechanism', 'relayClient'] as const;

const held = 1;
const inFile = 2;
const wasTried = 4;
const wasWarned = 8;
const wasCancelled = 16;

export interface RecordFormat {
  format(record: StoredRecord): Buffer;
  /** A record that is not what was written, not that message's, or of a version that is not ours, is a reason in words. */
  parse(octets: Buffer, id: string): StoredRecord | string;
  /** The id that a record says it has, right or not. */
  idIn(octets: Buffer): string | null;
  formatOrder(order: PendingOrder): Buffer;
  /** Null: damaged. */
  parseOrder(octets: Buffer): PendingOrder | null;
}

export function createRecordFormat(kernels: Kernels): RecordFormat {
  const writer = new OctetWriter();
  const checksum = Buffer.alloc(CHECKSUM_OCTETS);

  return {
    format(record) {
      writer.clear();
      writeRecord(writer, record);
      checksum.writeBigUInt64BE(kernels.hash(writer.view(), 0n));
      writer.fixed(checksum);
      return writer.copy();
    },
    parse(octets, id) {
      const version = octets[0];
      if (!READ_VERSIONS.includes(version)) return `record version ${String(version)} is not known here`;
      const end = octets.length - CHECKSUM_OCTETS;
      if (end < 1) return 'record too short';
      const body = octets.subarray(0, end);
      if (octets.readBigUInt64BE(end) !== kernels.hash(body, 0n)) return 'record checksum does not match';
      try {
        const record = readRecord(new OctetReader(body));
        return record.message.id === id ? record : `record of ${record.message.id}`;
      } catch (error) {
        return `record cannot be read: ${String(error)}`;
      }
    },
    idIn(octets) {
      try {
        const reader = new OctetReader(octets);
        reader.fixed(BEFORE_ATTEMPTS);
        reader.whole();
        return reader.text();
      } catch {
        return null;
      }
    },
    formatOrder(order) {
      writer.clear();
      writer.octet((order.flush ? 1 : 0) | (order.hold ? 2 : 0) | (order.cancel === undefined ? 0 : 4));
      if (order.cancel !== undefined) writeCancel(writer, order.cancel);
      return writer.copy();
    },
    parseOrder(octets) {
      try {
        const reader = new OctetReader(octets);
        const flags = reader.octet();
        return { flush: (flags & 1) !== 0, hold: (flags & 2) !== 0, ...((flags & 4) !== 0 ? { cancel: readCancel(reader) } : {}) };
      } catch {
        return null;
      }
    },
  };
}

function writeRecord(w: OctetWriter, record: StoredRecord): void {
  const { message } = record;
  w.octet(RECORD_VERSION);
  w.octet(
    (record.held ? held : 0) |
      (record.inFile ? inFile : 0) |
      (message.lastAttemptAt === undefined ? 0 : wasTried) |
      (message.warnedAt === undefined ? 0 : wasWarned) |
      (message.cancelled === undefined ? 0 : wasCancelled),
  );
  w.float(record.due);
  w.float(message.acceptedAt);
  w.whole(message.attempts);
  w.text(message.id);
  writeFacts(w, message.facts);
  w.octets(message.trace);
  writeEnvelope(w, message.envelope);
  w.whole(message.recipients.length);
  for (const recipient of message.recipients) writeRecipient(w, recipient);
  if (message.lastAttemptAt !== undefined) w.float(message.lastAttemptAt);
  if (message.warnedAt !== undefined) w.float(message.warnedAt);
  if (message.cancelled !== undefined) writeCancel(w, message.cancelled);
}

function readRecord(r: OctetReader): StoredRecord {
  r.octet(); // version, known to be ours
  const flags = r.octet();
  const due = r.float() as Instant;
  const acceptedAt = r.float() as Instant;
  const attempts = r.whole();
  const id = r.text() as MessageId;
  const facts = readFacts(r);
  const trace = r.octets();
  const envelope = readEnvelope(r);
  const recipients: RecipientState[] = [];
  for (let left = r.whole(); left > 0; left--) recipients.push(readRecipient(r));
  const message: StoredMessage = {
    id,
    envelope,
    recipients,
    facts,
    trace,
    acceptedAt,
    attempts,
    ...((flags & wasTried) !== 0 ? { lastAttemptAt: r.float() as Instant } : {}),
    ...((flags & wasWarned) !== 0 ? { warnedAt: r.float() as Instant } : {}),
    ...((flags & wasCancelled) !== 0 ? { cancelled: readCancel(r) } : {}),
  };
  if (r.left > 0) throw new RangeError('octets left over');
  return { message, due, held: (flags & held) !== 0, inFile: (flags & inFile) !== 0 };
}

function writeCancel(w: OctetWriter, cancel: { readonly reason: string; readonly at: Instant }): void {
  w.float(cancel.at);
  w.text(cancel.reason);
}

function readCancel(r: OctetReader): { readonly reason: string; readonly at: Instant } {
  const at = r.float() as Instant;
  return { reason: r.text(), at };
}

function writeFacts(w: OctetWriter, facts: ContentFacts): void {
  if (facts.digest.length !== DIGEST_OCTETS) throw new Error(`a digest has ${DIGEST_OCTETS} octets, not ${facts.digest.length}`);
  w.octet((facts.has8bit ? 1 : 0) | (facts.hasNul ? 2 : 0) | (facts.header8bit ? 4 : 0));
  w.whole(facts.sizeOctets);
  w.whole(facts.bareCr);
  w.whole(facts.bareLf);
  w.whole(facts.longestLine);
  w.whole(facts.headerEnd);
  w.fixed(facts.digest);
}

function readFacts(r: OctetReader): ContentFacts {
  const flags = r.octet();
  return {
    has8bit: (flags & 1) !== 0,
    hasNul: (flags & 2) !== 0,
    header8bit: (flags & 4) !== 0,
    sizeOctets: r.whole(),
    bareCr: r.whole(),
    bareLf: r.whole(),
    longestLine: r.whole(),
    headerEnd: r.whole(),
    digest: r.fixed(DIGEST_OCTETS),
  };
}

function writeEnvelope(w: OctetWriter, envelope: Envelope): void {
  const { reversePath, ret, envid, verp, security, requireTls, origin } = envelope;
  const demands = (verp === undefined ? 0 : 1) | (security === undefined ? 0 : 2) | (requireTls === undefined ? 0 : 4);
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

function readEnvelope(r: OctetReader): Envelope {
  const flags = r.octet();
  const demands = (flags & 64) !== 0 ? r.octet() : 0;
  return {
    reversePath: (flags & 1) !== 0 ? (r.text() as Address) : null,
    body: (flags & 2) !== 0 ? '8bitmime' : '7bit',
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
  let present = (origin.remotePort === undefined ? 0 : 0x80) | (origin.tls === undefined ? 0 : 0x100) | (origin.virtualHost === undefined ? 0 : 0x200) | (origin.about === undefined ? 0 : 0x400);
  for (let bit = 0; bit < ORIGIN_TEXTS.length; bit++) if (origin[ORIGIN_TEXTS[bit]!] !== undefined) present |= 1 << bit;
  w.whole(present);
  for (const name of ORIGIN_TEXTS) {
    const text = origin[name];
    if (text !== undefined) w.text(text);
  }
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
  const source = word(SOURCES, r.octet());
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

function writeRecipient(w: OctetWriter, recipient: RecipientState): void {
  const { original, notify, outcome, outcomeAt, reached, reported, past, expanded } = recipient;
  w.whole(
    (original === undefined ? 0 : 1) |
      (notify === undefined ? 0 : notifyBits(notify) << 1) |
      (outcome === undefined ? 0 : 64) |
      (outcomeAt === undefined ? 0 : 128) |
      (reached === undefined ? 0 : 256) |
      (reported === undefined ? 0 : 512) |
      (past === undefined ? 0 : 1024) |
      (expanded === undefined ? 0 : 2048),
  );
  w.whole(recipient.id);
  w.text(recipient.address);
  if (original !== undefined) w.text(original);
  if (outcome !== undefined) writeOutcome(w, outcome);
  if (outcomeAt !== undefined) w.float(outcomeAt);
  if (reached !== undefined) writeOutcome(w, reached);
  if (past === undefined) return;
  w.whole(past.length);
  for (const one of past) {
    writeOutcome(w, one.outcome);
    w.float(one.firstAt);
    w.float(one.lastAt);
    w.whole(one.times);
  }
}

function readRecipient(r: OctetReader): RecipientState {
  const flags = r.whole();
  const notify = (flags >> 1) & 0x1f;
  return {
    id: r.whole() as RecipientId,
    address: r.text() as Address,
    ...((flags & 1) !== 0 ? { original: r.text() } : {}),
    ...(notify !== 0 ? { notify: notifyOf(notify) } : {}),
    ...((flags & 64) !== 0 ? { outcome: readOutcome(r) } : {}),
    ...((flags & 128) !== 0 ? { outcomeAt: r.float() as Instant } : {}),
    ...((flags & 256) !== 0 ? { reached: readOutcome(r) } : {}),
    ...((flags & 512) !== 0 ? { reported: true as const } : {}),
    ...((flags & 1024) !== 0 ? { past: readPast(r) } : {}),
    ...((flags & 2048) !== 0 ? { expanded: true as const } : {}),
  };
}

function readPast(r: OctetReader): readonly PastOutcome[] {
  const past: PastOutcome[] = [];
  for (let left = r.whole(); left > 0; left--) past.push({ outcome: readOutcome(r), firstAt: r.float() as Instant, lastAt: r.float() as Instant, times: r.whole() });
  return past;
}

/** Bit 0: something was said; bit 1: never; bits 2 to 4: the conditions. */
function notifyBits(notify: Notify): number {
  if (notify === 'never') return 3;
  return notify.reduce((bits, condition) => bits | (4 << CONDITIONS.indexOf(condition)), 1);
}

function notifyOf(bits: number): Notify {
  return (bits & 2) !== 0 ? 'never' : CONDITIONS.filter((_, bit) => (bits & (4 << bit)) !== 0);
}

function writeOutcome(w: OctetWriter, outcome: Outcome): void {
  w.octet(OUTCOMES.indexOf(outcome.kind));
  w.text(outcome.status);
  const said = outcome.said;
  const spoke = said === undefined ? 0 : 1;
  switch (outcome.kind) {
    case 'deferred':
      w.octet(spoke | (BLAMES.indexOf(outcome.blame) << 1) | (outcome.notBefore === undefined ? 0 : 8) | (outcome.uncertain === undefined ? 0 : 16));
      if (outcome.notBefore !== undefined) w.float(outcome.notBefore);
      break;
    case 'failed':
      w.octet(spoke);
      break;
    case 'delivered':
    case 'relayed':
    case 'expanded':
      w.octet(spoke | (outcome.dsnHandedOver === undefined ? 0 : 2));
      break;
    default:
      outcome satisfies never;
  }
  if (said !== undefined) writeDiagnostic(w, said);
}

function readOutcome(r: OctetReader): Outcome {
  const kind = word(OUTCOMES, r.octet());
  const status = r.text();
  const flags = r.octet();
  switch (kind) {
    case 'deferred':
      return {
        kind,
        status: status as Status<4>,
        blame: word(BLAMES, (flags >> 1) & 3),
        ...((flags & 8) !== 0 ? { notBefore: r.float() as Instant } : {}),
        ...((flags & 16) !== 0 ? { uncertain: true as const } : {}),
        ...said(r, flags),
      };
    case 'failed':
      return { kind, status: status as Status<5>, ...said(r, flags) };
    case 'delivered':
    case 'relayed':
    case 'expanded':
      return { kind, status: status as Status<2>, ...((flags & 2) !== 0 ? { dsnHandedOver: true as const } : {}), ...said(r, flags) };
    default:
      return kind satisfies never;
  }
}

function said(r: OctetReader, flags: number): { readonly said?: Diagnostic } {
  return (flags & 1) !== 0 ? { said: readDiagnostic(r) } : {};
}

function writeDiagnostic(w: OctetWriter, said: Diagnostic): void {
  w.octet(VOCABULARIES.indexOf(said.type) | (said.remoteMta === undefined ? 0 : 16) | (said.command === undefined ? 0 : 32));
  w.text(said.text);
  if (said.remoteMta !== undefined) w.text(said.remoteMta);
  if (said.command !== undefined) w.text(said.command);
}

function readDiagnostic(r: OctetReader): Diagnostic {
  const flags = r.octet();
  return {
    type: word(VOCABULARIES, flags & 15),
    text: r.text(),
    ...((flags & 16) !== 0 ? { remoteMta: r.text() } : {}),
    ...((flags & 32) !== 0 ? { command: r.text() } : {}),
  };
}

function word<T>(words: readonly T[], index: number): T {
  const found = words[index];
  if (found === undefined) throw new RangeError(`no word ${index}`);
  return found;
}
