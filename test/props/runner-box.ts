/** A runner with everything around it made of paper: clock, store, router, one scripted transport, reporter, log. */
import type { Address, Envelope, MessageId, Recipient, RecipientId } from '../../src/core/envelope.ts';
import type { LogFields } from '../../src/core/log.ts';
import type { Metrics } from '../../src/core/metrics.ts';
import type { Deferred, Delivered, Failed, Outcome, Outcomes } from '../../src/core/outcome.ts';
import type { QueueStore } from '../../src/core/queue-store.ts';
import type { Reporter, ReportNews } from '../../src/core/report.ts';
import type { Delivery, Router, Transport } from '../../src/core/transport.ts';
import { courierCalendar, openRunner, type CalendarSettings, type Runner, type RunnerOptions } from '../../src/flow/schedule/index.ts';
import { signalOf } from '../../src/kit/interrupter.ts';
import { createHandClock, noChance, type HandClock } from './hand-clock.ts';
import { createPlainDisk, factsOf, openPlainStore, type PlainDisk } from './plain-store.ts';

export const delivered: Delivered = { kind: 'relayed', status: '2.0.0' };
export const failed: Failed = { kind: 'failed', status: '5.1.1', said: { type: 'smtp', text: '550 5.1.1 nobody', remoteMta: 'mx.example [192.0.2.1]' } };
export const busy: Deferred = { kind: 'deferred', status: '4.2.0', blame: 'recipient', said: { type: 'smtp', text: '450 4.2.0 busy', remoteMta: 'mx.example [192.0.2.1]' } };
export const down: Deferred = { kind: 'deferred', status: '4.4.1', blame: 'nexthop', said: { type: 'smtp', text: 'Connection refused' } };

export interface Attempted {
  readonly at: number;
  readonly id: MessageId;
  readonly nexthop: string;
  readonly to: readonly string[];
}
export type Script = (job: Delivery, signal: AbortSignal) => Outcomes | Promise<Outcomes>;

export const silentMetrics: Metrics = {
  counter: () => ({ add: () => undefined }),
  gauge: () => ({ set: () => undefined }),
  histogram: () => ({ observe: () => undefined }),
};

export interface Box {
  readonly clock: HandClock;
  readonly disk: PlainDisk;
  readonly store: QueueStore;
  readonly attempts: Attempted[];
  readonly reports: (ReportNews & { readonly at: number })[];
  readonly lines: { readonly event: string; readonly fields: LogFields }[];
  readonly counts: Map<string, number>;
  script: Script;
  reporter: Reporter['report'];
  settings: CalendarSettings;
  open(own?: Partial<RunnerOptions>): Runner;
  /** Queues a message; `to` are addresses or whole recipients. */
  queue(to: readonly (string | Partial<Recipient>)[], own?: Partial<Envelope>): Promise<MessageId>;
  readonly start: number;
}

/** Every recipient fares alike. */
export function all(job: Delivery, outcome: Outcome): Outcomes {
  return new Map(job.recipients.map(({ id }) => [id, outcome]));
}

export function createBox(limits: Partial<Transport['limits']> = {}): Box {
  const clock = createHandClock();
  const disk = createPlainDisk();
  const store = openPlainStore(disk, clock);
  const box: Box = {
    clock, disk, store, attempts: [], reports: [], lines: [], counts: new Map(),
    script: job => all(job, delivered),
    reporter: async () => 'settled',
    settings: courierCalendar,
    start: clock.now(),
    open(own = {}) {
      return openRunner({
        store, router: domainRouter, clock, chance: noChance, metrics: counting(box.counts), leaseMs: 600_000,
        window: { messages: 100, octets: 1e8 },
        transports: new Map([['esmtp', scripted(box, limits)]]),
        reporter: { report: news => { box.reports.push({ ...news, at: clock.now() }); return box.reporter(news); } },
        settings: () => box.settings,
        log: { info: note(box), warn: note(box), error: note(box) },
        ...own,
      });
    },
    async queue(to, own = {}) {
      const envelope: Envelope = {
        reversePath: 'sender@here.example' as Address, body: '7bit', smtputf8: false, origin: { source: 'esmtp', protocol: 'ESMTP', at: clock.now() }, ...own,
      };
      const recipients = to.map((one, n): Recipient => ({ id: n as RecipientId, ...(typeof one === 'string' ? { address: one as Address } : { address: 'x@there.example' as Address, ...one }) }));
      const draft = store.begin(envelope, recipients);
      const content = Buffer.from('Subject: hello\r\n\r\nbody\r\n');
      void draft.write(content);
      await draft.commit({ due: clock.now(), trace: Buffer.from('Received: by test\r\n'), facts: factsOf(content) });
      return draft.id;
    },
  };
  return box;
}

const note = (box: Box) => (event: string, fields: LogFields = {}) => void box.lines.push({ event, fields });

export const domainRouter: Router = {
  route: to => ({ kind: 'route', transport: 'esmtp', nexthop: to.address.slice(to.address.lastIndexOf('@') + 1) }),
};

export function scripted(box: Box, limits: Partial<Transport['limits']> = {}): Transport {
  return {
    name: 'esmtp',
    limits: { recipients: 100, perNexthop: 4, inAll: 40, ...limits },
    async deliver(job, signal) {
      box.attempts.push({ at: box.clock.now(), id: job.id, nexthop: job.nexthop, to: job.recipients.map(recipient => recipient.address) });
      return await box.script(job, signalOf(signal));
    },
    async close() {},
  };
}

function counting(counts: Map<string, number>): Metrics {
  return {
    ...silentMetrics,
    counter: name => ({ add: (n, labels) => { for (const key of [name, ...Object.values(labels ?? {}).map(value => `${name} ${value}`)]) counts.set(key, (counts.get(key) ?? 0) + n); } }),
  };
}
