/** A transport whose answers are told; what it was given is kept. */
import type { Outcome, Outcomes } from '../../src/core/outcome.ts';
import type { Recipient } from '../../src/core/envelope.ts';
import type { Delivery, Transport } from '../../src/core/transport.ts';
import { signalOf } from '../../src/kit/interrupter.ts';

export interface ScriptedTransport extends Transport {
  readonly deliveries: readonly Delivery[];
}

export interface TransportScript {
  readonly name?: string;
  readonly limits?: Partial<Transport['limits']>;
  /** A promise keeps the delivery under way; 'forget' leaves the recipient out, as a bug would. */
  readonly answer?: (recipient: Recipient, delivery: Delivery) => Outcome | 'forget' | Promise<Outcome | 'forget'>;
}

export const relayed: Outcome = { kind: 'relayed', status: '2.0.0' };

export function openScriptedTransport({ name = 'scripted', limits, answer = () => relayed }: TransportScript = {}): ScriptedTransport {
  const deliveries: Delivery[] = [];
  const closing = new AbortController();
  const stopping: Outcome = { kind: 'deferred', status: '4.3.2', blame: 'message' };
  return {
    name,
    limits: { recipients: 100, perNexthop: 4, inAll: 40, ...limits },
    deliveries,
    async deliver(delivery, signal): Promise<Outcomes> {
      const stop = AbortSignal.any([signalOf(signal), closing.signal]);
      const outcomes = new Map();
      if (!stop.aborted) deliveries.push(delivery);
      const stopped = new Promise<Outcome>(resolve => {
        if (stop.aborted) resolve(stopping);
        stop.addEventListener('abort', () => resolve(stopping));
      });
      for (const recipient of delivery.recipients) {
        const outcome = stop.aborted ? stopping : await Promise.race([answer(recipient, delivery), stopped]);
        if (outcome !== 'forget') outcomes.set(recipient.id, outcome);
      }
      return outcomes;
    },
    close() {
      closing.abort();
      return Promise.resolve();
    },
  };
}
