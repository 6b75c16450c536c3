/**
 * What goes through, counted from the log's own events: totals since the last look, how long mail took, and the next
 * hops of late, of which so many are remembered; the quietest go first.
 */
import type { Log, LogFields } from '../../core/log.ts';
import { createLatency, type Latency } from './latency.ts';

export interface Traffic {
  /** Give it every event. */
  readonly log: Log;
  /** What was counted since the last call; valid until the next one. */
  take(): Counted;
  /** Busiest of late first. */
  nextHops(): readonly NextHopTraffic[];
}

export interface Counted {
  readonly accepted: number;
  readonly octets: number;
  readonly delivered: number;
  readonly deferred: number;
  readonly failed: number;
  /** From accepted to done with, of the messages that ended. */
  readonly latency: Latency;
}

export interface NextHopTraffic {
  readonly transport: string;
  readonly nexthop: string;
  readonly delivered: number;
  readonly deferred: number;
  readonly failed: number;
  readonly lastAt: number;
  readonly last: 'success' | 'deferred' | 'failure';
  /** The last answer that was not a success. */
  readonly trouble?: { readonly at: number; readonly code: string; readonly text: string };
}

const NEXT_HOPS = 500;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export function createTraffic(now: () => number): Traffic {
  /** By transport, then by next hop: no text is put together for a delivery. */
  const hops = new Map<string, Map<string, Mutable<NextHopTraffic>>>();
  let known = 0;
  let counted = nothingYet();
  let spare = nothingYet();

  function note(event: string, fields: LogFields): void {
    switch (event) {
      case 'newmsg':
        counted.accepted++;
        counted.octets += Number(fields['size']);
        return;
      case 'delivery':
        delivery(fields);
        return;
      case 'completed':
        counted.latency.add(Number(fields['ms']));
        return;
      default:
    }
  }

  function delivery(fields: LogFields): void {
    const last = fields['status'] as NextHopTraffic['last'];
    const count = last === 'success' ? 'delivered' : last === 'failure' ? 'failed' : 'deferred';
    counted[count]++;
    const { module, host } = fields as { readonly module?: string; readonly host?: string };
    if (module === undefined || host === undefined) return;
    const hop = hops.get(module)?.get(host) ?? remember(module, host, last);
    hop[count]++;
    hop.lastAt = now();
    hop.last = last;
    if (last !== 'success') hop.trouble = { at: hop.lastAt, code: textOf(fields['code']), text: textOf(fields['text']) };
  }

  function remember(transport: string, nexthop: string, last: NextHopTraffic['last']): Mutable<NextHopTraffic> {
    if (known >= NEXT_HOPS) forgetQuietest();
    const hop: Mutable<NextHopTraffic> = { transport, nexthop, delivered: 0, deferred: 0, failed: 0, lastAt: 0, last };
    const ofTransport = hops.get(transport) ?? new Map<string, Mutable<NextHopTraffic>>();
    hops.set(transport, ofTransport.set(nexthop, hop));
    known++;
    return hop;
  }

  function forgetQuietest(): void {
    const quietest = all().reduce((one, other) => (other.lastAt < one.lastAt ? other : one));
    hops.get(quietest.transport)?.delete(quietest.nexthop);
    known--;
  }

  function all(): Mutable<NextHopTraffic>[] {
    return [...hops.values()].flatMap(ofTransport => [...ofTransport.values()]);
  }

  const heard = (event: string, fields?: LogFields) => { if (fields !== undefined) note(event, fields); };
  return {
    log: { info: heard, warn: () => undefined, error: () => undefined },
    take() {
      const taken = counted;
      counted = spare;
      reset(counted);
      spare = taken;
      return taken;
    },
    nextHops: () => all().sort((a, b) => total(b) - total(a)),
  };
}

function nothingYet(): Mutable<Counted> {
  return { accepted: 0, octets: 0, delivered: 0, deferred: 0, failed: 0, latency: createLatency() };
}

function reset(counted: Mutable<Counted>): void {
  counted.accepted = counted.octets = counted.delivered = counted.deferred = counted.failed = 0;
  counted.latency.clear();
}

function total({ delivered, deferred, failed }: NextHopTraffic): number {
  return delivered + deferred + failed;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
