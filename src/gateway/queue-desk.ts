/** What an operator asks about the queue: one message's whole history, the state of all, a second opinion on the disk. */
import type { AddressTrack } from '../core/address-track.ts';
import type { Clock } from '../core/clock.ts';
import type { Notes } from '../core/notes.ts';
import type { Envelope, Notify } from '../core/envelope.ts';
import type { DownLink } from '../core/links.ts';
import type { MessageHistory, NexthopView, Overview, QueueDesk } from '../core/operations.ts';
import { isFinal } from '../core/outcome.ts';
import type { QueueEntry, QueueStore, QueueUpkeep } from '../core/queue-store.ts';
import type { Router } from '../core/transport.ts';
import { createBanDesk } from './ways-in/ban-desk.ts';
import type { OpenLinks } from '../flow/link/index.ts';

export interface QueueDeskOptions {
  readonly store: QueueStore & QueueUpkeep & { readonly track: AddressTrack; readonly notes: Notes };
  readonly clock: Clock;
  /** Where a pending recipient would go. */
  readonly router: Router;
  expiresAt(entry: QueueEntry): number;
  readonly links: Pick<OpenLinks, 'down' | 'views' | 'order'>;
  /** Of a running gateway. */
  readonly moving?: { readonly startedAt: number; total(metric: string, labels?: Readonly<Record<string, string>>): number; nexthops(): readonly NexthopView[] };
}

export function createQueueDesk(options: QueueDeskOptions): QueueDesk {
  const { store, clock, links } = options;
  return {
    async show(id) {
      const entry = store.get(id);
      return entry === null ? null : await historyOf(entry, options);
    },
    async *content(id) {
      const entry = store.get(id);
      if (entry === null) throw new Error(`there is no message ${id}`);
      const found = await store.content({ id, message: entry.message });
      if (found.kind === 'corrupt') throw new Error(`${found.why}; posthorn queue repair mends it or writes out what is left`);
      yield* found.read();
    },
    verify: how => store.verify(how),
    exportMessages: (which, how) => store.exportMessages(which, how),
    importMessages: octets => store.importMessages(octets),
    overview: () => overviewOf(options),
    tracked: async () => store.track.all(),
    forgetTracked: which => store.track.forget(which),
    ...createBanDesk(store.notes),
  };

  async function overviewOf({ moving }: QueueDeskOptions): Promise<Overview> {
    const outcome = (...kinds: readonly string[]) => kinds.reduce((sum, kind) => sum + (moving?.total('posthorn_delivery_outcomes_total', { outcome: kind }) ?? 0), 0);
    return {
      at: clock.now(),
      startedAt: moving?.startedAt ?? clock.now(),
      summary: await store.summary(),
      residentOctets: process.memoryUsage.rss(),
      accepted: moving?.total('posthorn_messages_accepted_total') ?? 0,
      outcomes: { delivered: outcome('delivered', 'relayed', 'expanded'), deferred: outcome('deferred'), failed: outcome('failed') },
      completed: moving?.total('posthorn_messages_completed_total') ?? 0,
      nexthops: moving?.nexthops() ?? [],
      down: links.views().filter(({ state }) => state === 'down'),
    };
  }
}

async function historyOf(entry: QueueEntry, options: QueueDeskOptions): Promise<MessageHistory> {
  const { message, due, state, why } = entry;
  const { envelope, facts, trace } = message;
  const recipients: MessageHistory['recipients'][number][] = [];
  for (const recipient of message.recipients) {
    const { address, original, notify, outcome, outcomeAt, reported, past = [] } = recipient;
    const pending = outcome === undefined || !isFinal(outcome);
    const route = pending ? await options.router.route(recipient, envelope) : null;
    recipients.push({
      address, past,
      ...(original === undefined ? {} : { original }),
      ...(notify === undefined ? {} : { notify: formatNotify(notify) }),
      ...(route?.kind === 'route' ? { route: `${route.transport} ${route.nexthop}${waitingFor(options.links.down(route))}` } : {}),
      ...(outcome === undefined ? {} : { outcome }),
      ...(outcomeAt === undefined ? {} : { outcomeAt }),
      ...(reported === undefined ? {} : { reported }),
    });
  }
  return {
    id: message.id, state, due, recipients,
    ...(why === undefined ? {} : { why }),
    sizeOctets: facts.sizeOctets + trace.length,
    acceptedAt: message.acceptedAt,
    expiresAt: options.expiresAt(entry),
    attempts: message.attempts,
    ...(message.lastAttemptAt === undefined ? {} : { lastAttemptAt: message.lastAttemptAt }),
    ...(message.warnedAt === undefined ? {} : { warnedAt: message.warnedAt }),
    ...(message.cancelled === undefined ? {} : { cancelled: message.cancelled }),
    reversePath: envelope.reversePath ?? '',
    origin: originOf(envelope),
    ...(envelope.ret === undefined ? {} : { ret: envelope.ret }),
    ...(envelope.envid === undefined ? {} : { envid: envelope.envid }),
  };
}

function waitingFor(down: DownLink | null): string {
  return down === null ? '' : `, waiting for the link ${down.name}`;
}

function formatNotify(notify: Notify): string {
  return notify === 'never' ? 'never' : notify.join(',');
}

function originOf({ origin, body, smtputf8 }: Envelope): Record<string, string> {
  const { source, protocol, remoteAddress, remoteName, helo, login, mechanism, tls } = origin;
  return {
    source, protocol,
    ...(remoteAddress === undefined ? {} : { from: `${remoteName ?? ''}[${remoteAddress}]` }),
    ...(helo === undefined ? {} : { helo }),
    ...(login === undefined ? {} : { login: mechanism === undefined ? login : `${login} (${mechanism})` }),
    ...(tls === undefined ? {} : { tls: `${tls.version} ${tls.cipher}` }),
    body: `${body}${smtputf8 ? ' smtputf8' : ''}`,
  };
}
