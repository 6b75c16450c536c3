/**
 * ESMTP_BLOCKBACKSCATTER: reports about mail of listed ways in are not sent out, for its sender is as likely forged as
 * not. They count as delivered, as Courier has it; local mailboxes get theirs.
 */
import type { Delivered, Outcomes } from '../core/outcome.ts';
import type { Log } from '../core/log.ts';
import type { Transport } from '../core/transport.ts';
import { sourceTag } from '../grammar/filter/control-file.ts';

const DROPPED: Delivered = { kind: 'relayed', status: '2.0.0', said: { type: 'x-gateway', text: '250 Backscatter bounce dropped' } };

/** `tags`: as of the last reload. */
export function withoutBackscatter(transport: Transport, tags: () => ReadonlySet<string>, log: Log): Transport {
  return {
    name: transport.name,
    get limits() { return transport.limits; },
    deliver(job, signal) {
      const listed = tags();
      if (listed.size === 0) return transport.deliver(job, signal);
      const tag = sourceTag(job.envelope.origin);
      if (!listed.has(tag)) return transport.deliver(job, signal);
      log.info('backscatter', { id: job.id, source: tag, addr: job.recipients.map(({ address }) => address) });
      return Promise.resolve<Outcomes>(new Map(job.recipients.map(({ id }) => [id, DROPPED])));
    },
    forgive: why => transport.forgive?.(why),
    close: () => transport.close(),
  };
}
