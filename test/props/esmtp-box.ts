/** The ESMTP transport with everything around it replaced: time, luck, DNS. Only the sockets are real. */
import type { Clock } from '../../src/core/clock.ts';
import type { Envelope, MessageId, Recipient, RecipientId } from '../../src/core/envelope.ts';
import type { Log, LogFields } from '../../src/core/log.ts';
import type { Metrics } from '../../src/core/metrics.ts';
import type { Outcome, Outcomes } from '../../src/core/outcome.ts';
import type { StoredContent } from '../../src/core/queue-store.ts';
import type { Delivery, Destination, Settled } from '../../src/core/transport.ts';
import { courierTimeouts, openEsmtpTransport, type EsmtpSettings, type EsmtpTransport } from '../../src/flow/transport/esmtp/index.ts';
import { createMemoryNotes } from '../../src/flow/queue/memory-notes.ts';
import { parseAddress } from '../../src/grammar/address.ts';
import { openDeadlines } from '../../src/kit/deadlines.ts';
import { createDial } from '../../src/kit/net/dial.ts';
import { createStartTls } from '../../src/kit/net/start-tls.ts';
import { createHandClock, noChance, type HandClock } from './hand-clock.ts';
import { openKernels } from '../../src/kit/wasm/kernels.ts';

export interface EsmtpBox {
  readonly transport: EsmtpTransport;
  readonly clock: HandClock;
  /** Events logged as warnings and errors. */
  readonly logged: readonly { readonly event: string; readonly fields: LogFields }[];
  deliver(delivery: Delivery, signal?: AbortSignal): Promise<Outcomes>;
  /** To one recipient. */
  deliverOne(delivery?: Delivery): Promise<Outcome>;
  close(): Promise<void>;
}

export const noMetrics: Metrics = {
  counter: () => ({ add: () => undefined }),
  gauge: () => ({ set: () => undefined }),
  histogram: () => ({ observe: () => undefined }),
};

export type Places = Destination | Settled | ((nexthop: string) => Destination | Settled);

export function openEsmtpBox(places: Places, own: Partial<EsmtpSettings> = {}): EsmtpBox {
  const clock = createHandClock();
  const logged: { event: string; fields: LogFields }[] = [];
  const note = (event: string, fields: LogFields = {}) => void logged.push({ event, fields });
  const log: Log = { info: () => undefined, warn: note, error: note };
  const transport = openEsmtpTransport(settingsFor(clock, places, { log, ...own }));
  const deliver = (delivery: Delivery, signal = new AbortController().signal) => transport.deliver(delivery, signal);
  return {
    transport,
    clock,
    logged,
    deliver,
    async deliverOne(delivery = letter()) {
      return [...(await deliver(delivery)).values()][0] as Outcome;
    },
    close: () => transport.close(),
  };
}

export function settingsFor(clock: Clock, places: Places, own: Partial<EsmtpSettings> = {}): EsmtpSettings {
  const deadlines = openDeadlines(clock);
  return {
    destinations: { find: nexthop => Promise.resolve(typeof places === 'function' ? places(nexthop) : places) },
    dial: createDial(deadlines),
    startTls: createStartTls(deadlines),
    deadlines,
    kernels: openKernels(),
    clock,
    chance: noChance,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    metrics: noMetrics,
    notes: createMemoryNotes(clock),
    look: () => ({ key: '', helo: 'posthorn.example' }),
    timeouts: courierTimeouts,
    limits: { recipients: 100, connectionsPerNexthop: 4, deliveriesInAll: 40, idle: 10 },
    delayMs: 0,
    ...own,
  };
}

export function at(peer: { readonly port: number; readonly host: string }, own: Partial<Destination> = {}): Destination {
  return {
    kind: 'destination',
    relays: [{ host: 'peer.example', address: peer.host, port: peer.port }],
    tls: { kind: 'opportunistic', verify: false },
    ...own,
  };
}

export interface Letter {
  readonly nexthop?: string;
  readonly to?: readonly (string | { readonly address: string; readonly notify?: NonNullable<Recipient['notify']>; readonly original?: string })[];
  readonly envelope?: Partial<Envelope> & { readonly from?: string | null };
  readonly text?: string;
  readonly pieces?: StoredContent['read'];
  readonly sizeOctets?: number;
}

export const TEXT = 'Subject: a word\r\n\r\nGood morning.\r\n';

export function letter(own: Letter = {}): Delivery {
  const octets = Buffer.from(own.text ?? TEXT);
  const { from = 'ada@sender.example', ...envelope } = own.envelope ?? {};
  return {
    id: 'a1b2' as MessageId,
    nexthop: own.nexthop ?? 'there.example',
    envelope: {
      reversePath: from === null ? null : parseAddress(from),
      body: '7bit',
      smtputf8: false,
      origin: { source: 'local', protocol: 'local', at: 0 },
      ...envelope,
    },
    recipients: (own.to ?? ['bob@there.example']).map((one, n) => {
      const { address, ...rest } = typeof one === 'string' ? { address: one } : one;
      const parsed = parseAddress(address);
      if (parsed === null) throw new Error(`not an address: ${address}`);
      return { id: n as RecipientId, address: parsed, ...rest };
    }),
    content: contentOf(octets, own),
  };
}

function contentOf(octets: Buffer, own: Letter): StoredContent {
  const headerEnd = octets.indexOf('\r\n\r\n') + 4;
  return {
    kind: 'content',
    sizeOctets: own.sizeOctets ?? octets.length,
    facts: {
      sizeOctets: octets.length,
      has8bit: octets.some(octet => octet > 127),
      hasNul: false,
      bareCr: 0,
      bareLf: 0,
      longestLine: 80,
      headerEnd,
      header8bit: octets.subarray(0, headerEnd).some(octet => octet > 127),
      digest: new Uint8Array(16),
    },
    read: own.pieces ?? (() => [octets]),
  };
}
