/**
 * Mail whose sender wants an address of its own for each recipient (VERP), through a transport that knows nothing of
 * that: one recipient after the other, each with the sender it is to see.
 */
import type { Interruption } from '../core/clock.ts';
import type { RecipientId } from '../core/envelope.ts';
import type { Outcome, Outcomes } from '../core/outcome.ts';
import type { Delivery, Transport } from '../core/transport.ts';
import { senderFor } from '../grammar/verp.ts';

export function withOwnSenders(transport: Transport): Transport {
  return {
    name: transport.name,
    get limits() { return transport.limits; },
    deliver: (job, signal) => (job.envelope.verp === true && job.envelope.reversePath !== null ? oneByOne(transport, job, signal) : transport.deliver(job, signal)),
    close: () => transport.close(),
  };
}

async function oneByOne(transport: Transport, job: Delivery, signal: Interruption): Promise<Outcomes> {
  const { verp: _, ...envelope } = job.envelope;
  const outcomes = new Map<RecipientId, Outcome>();
  for (const recipient of job.recipients) {
    const own: Delivery = { ...job, envelope: { ...envelope, reversePath: senderFor(job.envelope, recipient.address) }, recipients: [recipient] };
    for (const [id, outcome] of await transport.deliver(own, signal)) outcomes.set(id, outcome);
  }
  return outcomes;
}
