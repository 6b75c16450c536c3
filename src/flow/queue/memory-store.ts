/**
 * The queue in a few maps: for tests, and to read before the durable one. Same promises, except that nothing survives.
 */
import { randomBytes } from 'node:crypto';
import type { Clock, Instant, Interruption } from '../../core/clock.ts';
import { after } from '../../core/clock.ts';
import type { MessageId } from '../../core/envelope.ts';
import type { Kernels } from '../../core/kernels.ts';
import type { Claim, QueueEntry, QueueStore, Selection, StoredContent } from '../../core/queue-store.ts';
import { createBell } from './bell.ts';
import { same } from './body-files.ts';
import type { PendingOrder, StoredRecord } from './message-changes.ts';
import { obey, obeyPending, postpone, withAttempt, withNews } from './message-changes.ts';
import { createMessageIds } from './message-id.ts';
import { contentInMemory } from './stored-content.ts';

const POLL_MS = 500;
const LEAST_PAUSE_MS = 10;

export interface MemoryQueueOptions {
  readonly clock: Clock;
  readonly kernels: Kernels;
  /** Octets that all messages together may have. */
  readonly capacityOctets?: number;
}

interface Item {
  record: StoredRecord;
  content: Uint8Array;
  lease?: { readonly token: number; readonly leaseMs: number; expiresAt: Instant };
  order?: PendingOrder;
  quarantined?: Pick<QueueEntry, 'why' | 'judged'>;
}

export function createMemoryQueue({ clock, kernels, capacityOctets = Infinity }: MemoryQueueOptions): QueueStore {
  const items = new Map<MessageId, Item>();
  const keys = new Map<string, MessageId>();
  const bell = createBell();
  const nextId = createMessageIds(clock, randomBytes(4).toString('hex').toUpperCase());
  let token = 0;
  let usedOctets = 0;

  const isLeased = (item: Item, now: Instant): boolean => item.lease !== undefined && item.lease.expiresAt > now;

  function stateOf(item: Item): QueueEntry['state'] {
    if (item.quarantined !== undefined) return 'quarantined';
    if (item.record.held) return 'held';
    return item.lease === undefined ? 'waiting' : 'claimed';
  }

  function entryOf(item: Item): QueueEntry {
    const { message, due } = item.record;
    return { message, due, state: stateOf(item), ...item.quarantined };
  }

  function mine(claim: Claim): Item | null {
    const item = items.get(claim.id);
    return item?.lease?.token === claim.token ? item : null;
  }

  function putBack(item: Item, now: Instant): void {
    if (item.order !== undefined) item.record = obeyPending(item.record, item.order, now);
    delete item.order;
    delete item.lease;
  }

  function remove(id: MessageId, item: Item): void {
    items.delete(id);
    usedOctets -= item.content.length;
    for (const key of keys.keys()) if (key.startsWith(id)) keys.delete(key);
  }

  function selects(which: Selection, id: MessageId, item: Item): boolean {
    if (which === 'all') return true;
    if ('ids' in which) return which.ids.includes(id);
    return 'id' in which ? which.id === id : which.state === stateOf(item);
  }

  function nextDue(): Instant | null {
    let next: Instant | null = null;
    for (const item of items.values()) {
      if (stateOf(item) === 'waiting' && (next === null || item.record.due < next)) next = item.record.due;
    }
    return next;
  }

  async function pause(signal: Interruption, told: boolean): Promise<void> {
    const now = clock.now();
    const due = nextDue();
    const poll = after(now, told ? POLL_MS : LEAST_PAUSE_MS);
    await clock.sleepUntil(due !== null && due > now && due < poll ? due : poll, signal);
  }

  return {
    begin(envelope, recipients, options) {
      const id = nextId();
      const key = options?.idempotencyKey;
      let chunks: Uint8Array[] = [];
      let sealed = false;
      return {
        id,
        write(chunk) {
          if (sealed) throw new Error('draft is sealed');
          chunks.push(chunk);
          return undefined;
        },
        commit(seal) {
          if (sealed) throw new Error('draft is sealed');
          sealed = true;
          const content = Buffer.concat(chunks);
          if (content.length !== seal.facts.sizeOctets) {
            return Promise.resolve({ kind: 'broken', why: `sealed as ${seal.facts.sizeOctets} octets, ${content.length} were written` });
          }
          const first = key === undefined ? undefined : keys.get(key);
          if (first !== undefined) return Promise.resolve({ kind: 'committed', id: first, repeated: true });
          if (usedOctets + content.length > capacityOctets) return Promise.resolve({ kind: 'full' });
          const message = {
            id,
            envelope: seal.envelope ?? envelope,
            recipients: seal.recipients ?? recipients,
            facts: seal.facts,
            trace: seal.trace,
            acceptedAt: clock.now(),
            attempts: 0,
          };
          items.set(id, { record: { message, due: seal.due, held: false, inFile: false }, content, ...(seal.aside === undefined ? {} : { quarantined: { why: seal.aside, judged: true } }) });
          if (key !== undefined) keys.set(key, id);
          usedOctets += content.length;
          bell.ring();
          return Promise.resolve({ kind: 'committed', id });
        },
        discard() {
          sealed = true;
          chunks = [];
        },
      };
    },

    room: (sizeOctets) => (usedOctets + sizeOctets > capacityOctets ? 'full' : 'room'),

    claim({ now, limit, leaseMs }) {
      for (const item of items.values()) if (item.lease !== undefined && !isLeased(item, now)) putBack(item, now);
      const due = [...items].filter(([, item]) => stateOf(item) === 'waiting' && item.record.due <= now);
      due.sort(([, one], [, other]) => one.record.due - other.record.due);
      const claims = due.slice(0, limit).map(([id, item]) => {
        item.lease = { token: ++token, leaseMs, expiresAt: after(now, leaseMs) };
        return { id, token, message: item.record.message };
      });
      return Promise.resolve(claims);
    },

    nextDue,

    record(claim, news) {
      const item = mine(claim);
      if (item?.lease === undefined) return Promise.resolve('lease-lost');
      item.record = { ...item.record, message: withNews(item.record.message, news) };
      item.lease.expiresAt = after(clock.now(), item.lease.leaseMs);
      return Promise.resolve('held');
    },

    release(claim, next, news) {
      const item = mine(claim);
      if (item === null) return Promise.resolve('lease-lost');
      if (next === 'finished') {
        remove(claim.id, item);
        return Promise.resolve('held');
      }
      const now = clock.now();
      const told = news === undefined ? item.record.message : withNews(item.record.message, news);
      item.record = { ...item.record, due: next.due, message: next.untried === true ? told : withAttempt(told, news?.at ?? now) };
      putBack(item, now);
      bell.ring();
      return Promise.resolve('held');
    },

    content({ id, message }) {
      const item = items.get(id);
      if (item === undefined) return { kind: 'corrupt', why: 'content is missing' };
      if (!same(kernels.digest(item.content), message.facts.digest)) return { kind: 'corrupt', why: 'content digest does not match' };
      return contentInMemory(message.facts, message.trace, [item.content]) satisfies StoredContent;
    },

    get(id) {
      const item = items.get(id);
      return item === undefined ? null : entryOf(item);
    },

    async *list(which, behind) {
      for (const [id, item] of items) if ((behind === undefined || id > behind) && selects(which, id, item)) yield entryOf(item);
    },

    order(which, order) {
      let obeyed = 0;
      for (const [id, item] of items) {
        if (!selects(which, id, item) || (order.kind !== 'drop' && (item.quarantined !== undefined) !== (order.kind === 'restore'))) continue;
        if (order.kind === 'drop' && item.lease === undefined) {
          remove(id, item);
          obeyed++;
          continue;
        }
        if (order.kind === 'restore') {
          delete item.quarantined;
          item.record = { ...item.record, due: order.now, held: false };
          obeyed++;
          continue;
        }
        if (item.lease !== undefined) {
          const pending = postpone(item.order, order);
          if (pending === null) continue;
          item.order = pending;
        } else {
          const after = obey(item.record, order);
          if (after === null) continue;
          item.record = after;
        }
        obeyed++;
      }
      bell.ring();
      return Promise.resolve(obeyed);
    },

    quarantine(id, why) {
      const item = items.get(id);
      if (item !== undefined) {
        item.quarantined = { why, ...(item.quarantined?.judged === true ? { judged: true } : {}) };
        delete item.lease;
        delete item.order;
      }
      return Promise.resolve();
    },

    summary() {
      const all = [...items.values()];
      const oldest = all[0]?.record.message.acceptedAt ?? null;
      return {
        messages: all.length,
        claimed: all.filter((item) => stateOf(item) === 'claimed').length,
        quarantined: all.filter((item) => item.quarantined !== undefined).length,
        oldestAcceptedAt: oldest,
        freeOctets: Math.min(Number.MAX_SAFE_INTEGER, capacityOctets - usedOctets),
      };
    },

    wake: (signal) => bell.rings(signal, pause),

    queuedUnder: (key) => keys.get(key) ?? null,

    forgetKeys(parents) {
      for (const key of keys.keys()) if (parents.some((parent) => key === parent || key.startsWith(`${parent}:`))) keys.delete(key);
      return Promise.resolve();
    },

    close() {
      for (const item of items.values()) if (item.lease !== undefined) putBack(item, clock.now());
      return Promise.resolve();
    },
  };
}
