/**
 * A queue store one can read in a minute, for tests of what stands around a store. Its state is apart from it, so that
 * a test can let one "process" die and open another on the same "disk".
 */
import type { Clock, Instant } from '../../src/core/clock.ts';
import type { ContentFacts } from '../../src/core/content.ts';
import type { Envelope, MessageId, Recipient } from '../../src/core/envelope.ts';
import { isFinal, type Outcome } from '../../src/core/outcome.ts';
import type { Claim, Committed, Draft, Held, News, QueueEntry, QueueStore, RecipientState, Seal, Selection, StoredContent, StoredMessage } from '../../src/core/queue-store.ts';

interface Row {
  message: StoredMessage;
  content: Buffer;
  due: number;
  lease: { token: number; until: number } | null;
  held: boolean;
  quarantined: string | null;
}

export interface PlainDisk {
  readonly rows: Map<MessageId, Row>;
  readonly keys: Map<string, MessageId>;
  readonly corrupt: Set<MessageId>;
  nextId: number;
  nextToken: number;
  /** Called when something may have become due. */
  readonly listeners: Set<() => void>;
}

export function createPlainDisk(): PlainDisk {
  return { rows: new Map(), keys: new Map(), corrupt: new Set(), nextId: 1, nextToken: 1, listeners: new Set() };
}

export function openPlainStore(disk: PlainDisk, clock: Clock): QueueStore {
  const { rows } = disk;
  const ring = () => { for (const listener of disk.listeners) listener(); };
  const free = (row: Row, now: number) => !row.held && row.quarantined === null && (row.lease === null || row.lease.until <= now);
  const leased = (claim: Claim): Row | null => {
    const row = rows.get(claim.id);
    return row?.lease?.token === claim.token ? row : null;
  };
  const contentOf = (row: Row): StoredContent => {
    const whole = Buffer.concat([row.message.trace, row.content]);
    return { kind: 'content', facts: row.message.facts, sizeOctets: whole.length, read: () => [whole] };
  };
  const chosen = (which: Selection, row: Row): boolean => which === 'all' || ('id' in which ? row.message.id === which.id : 'ids' in which ? which.ids.includes(row.message.id) : stateOf(row) === which.state);
  const stateOf = (row: Row): QueueEntry['state'] => (row.quarantined !== null ? 'quarantined' : row.held ? 'held' : row.lease === null ? 'waiting' : 'claimed');
  const entryOf = (row: Row): QueueEntry => ({ message: row.message, due: row.due as Instant, state: stateOf(row), ...(row.quarantined === null ? {} : { why: row.quarantined }) });

  return {
    queuedUnder: key => disk.keys.get(key) ?? null,
    async forgetKeys(parents) {
      for (const key of disk.keys.keys()) if (parents.some(parent => key === parent || key.startsWith(`${parent}:`))) disk.keys.delete(key);
    },
    begin(envelope: Envelope, recipients: readonly Recipient[], options = {}): Draft {
      const id = `m${disk.nextId++}` as MessageId;
      const chunks: Uint8Array[] = [];
      return {
        id,
        write: chunk => void chunks.push(chunk),
        async commit(seal: Seal): Promise<Committed> {
          const key = options.idempotencyKey;
          const known = key === undefined ? undefined : disk.keys.get(key);
          if (known !== undefined) return { kind: 'committed', id: known, repeated: true };
          if (key !== undefined) disk.keys.set(key, id);
          const message: StoredMessage = {
            id, envelope: seal.envelope ?? envelope, recipients: seal.recipients ?? recipients, facts: seal.facts, trace: seal.trace, acceptedAt: clock.now(), attempts: 0,
          };
          rows.set(id, { message, content: Buffer.concat(chunks), due: seal.due, lease: null, held: false, quarantined: null });
          ring();
          return { kind: 'committed', id };
        },
        discard: () => undefined,
      };
    },
    room: () => 'room',
    async claim({ now, limit, leaseMs }) {
      const due: Row[] = [];
      for (const row of rows.values()) if (row.due <= now && free(row, now)) due.push(row);
      due.sort((a, b) => a.due - b.due);
      return due.slice(0, limit).map(row => {
        row.lease = { token: disk.nextToken++, until: now + leaseMs };
        return { id: row.message.id, token: row.lease.token, message: row.message };
      });
    },
    nextDue() {
      let next = Number.POSITIVE_INFINITY;
      for (const row of rows.values()) if (free(row, clock.now())) next = Math.min(next, row.due);
      return next === Number.POSITIVE_INFINITY ? null : (next as Instant);
    },
    async record(claim, news): Promise<Held> {
      const row = leased(claim);
      if (row === null) return 'lease-lost';
      row.message = withNews(row.message, news);
      if (row.lease !== null) row.lease.until = news.at + 60_000;
      return 'held';
    },
    async release(claim, next, news): Promise<Held> {
      const row = leased(claim);
      if (row === null) return 'lease-lost';
      if (next === 'finished') {
        rows.delete(claim.id);
        for (const key of disk.keys.keys()) if (key.startsWith(`${claim.id}:`)) disk.keys.delete(key);
        return 'held';
      }
      if (news !== undefined) row.message = withNews(row.message, news);
      if (next.untried !== true) row.message = { ...row.message, attempts: row.message.attempts + 1, lastAttemptAt: clock.now() };
      row.due = next.due;
      row.lease = null;
      ring();
      return 'held';
    },
    content({ id }) {
      const row = rows.get(id);
      return row === undefined || disk.corrupt.has(id) ? { kind: 'corrupt', why: 'the digest does not match' } : contentOf(row);
    },
    get(id) {
      const row = rows.get(id);
      return row === undefined ? null : entryOf(row);
    },
    async *list(which) {
      for (const row of rows.values()) if (chosen(which, row)) yield entryOf(row);
    },
    async order(which, order) {
      let obeyed = 0;
      for (const row of rows.values()) {
        if (!chosen(which, row) || row.quarantined !== null) continue;
        obeyed++;
        if (order.kind === 'hold') row.held = true;
        else if (order.kind === 'release') row.held = false;
        else row.due = Math.min(row.due, order.now);
        if (order.kind === 'cancel') row.message = { ...row.message, cancelled: { reason: order.reason, at: order.now } };
      }
      ring();
      return obeyed;
    },
    async quarantine(id, why) {
      const row = rows.get(id);
      if (row !== undefined) Object.assign(row, { quarantined: why, lease: null });
    },
    summary: () => ({ messages: rows.size, claimed: 0, quarantined: 0, oldestAcceptedAt: null, freeOctets: 1e9 }),
    async *wake(signal) {
      let rung: (() => void) | null = null;
      let again = false;
      const wake = () => {
        again = true;
        rung?.();
      };
      disk.listeners.add(wake);
      signal.addEventListener('abort', wake);
      while (!signal.aborted) {
        if (!again) await new Promise<void>(resolve => { rung = resolve; });
        again = false;
        if (!signal.aborted) yield;
      }
      disk.listeners.delete(wake);
    },
    async close() {
      for (const row of rows.values()) row.lease = null;
    },
  };
}

function withNews(message: StoredMessage, news: News): StoredMessage {
  const recipients = message.recipients.map(recipient => {
    const outcome = news.outcomes?.get(recipient.id);
    const after = outcome === undefined ? recipient : withOutcome(recipient, outcome, news.at);
    return news.reported?.includes(recipient.id) === true ? { ...after, reported: true as const } : after;
  });
  return { ...message, recipients, ...(news.warned === true ? { warnedAt: news.at } : {}) };
}

function withOutcome(recipient: RecipientState, outcome: Outcome, at: Instant): RecipientState {
  if (recipient.outcome !== undefined && isFinal(recipient.outcome)) return recipient;
  const spoke = recipient.outcome?.said?.remoteMta !== undefined ? recipient.outcome : recipient.reached;
  const { reached: _, ...rest } = recipient;
  return { ...rest, outcome, outcomeAt: at, ...(spoke === undefined || outcome.said?.remoteMta !== undefined ? {} : { reached: spoke }) };
}

export function factsOf(content: Uint8Array): ContentFacts {
  const text = Buffer.from(content).toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  const headerEnd = end < 0 ? text.length : end + 4;
  return {
    sizeOctets: text.length, has8bit: /[\x80-\xff]/.test(text), hasNul: text.includes('\0'),
    bareCr: (text.match(/\r(?!\n)/g) ?? []).length, bareLf: (text.match(/(?<!\r)\n/g) ?? []).length,
    longestLine: Math.max(...text.split('\r\n').map(line => line.length)), headerEnd,
    header8bit: /[\x80-\xff]/.test(text.slice(0, headerEnd)), digest: new Uint8Array(16),
  };
}
