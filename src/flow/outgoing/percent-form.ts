/** Senders in domains behind ours are named through us when their mail leaves by ESMTP, or nobody could answer. */
import type { Interruption } from '../../core/clock.ts';
import type { MimeKernels } from '../../core/kernels.ts';
import type { StoredContent } from '../../core/queue-store.ts';
import type { Delivery, Transport } from '../../core/transport.ts';
import { parseAddress } from '../../grammar/address.ts';
import { isSigned } from '../../grammar/header/rules.ts';
import { percentOutward } from '../../grammar/percent-relay.ts';
import { rewriteAddressFields } from '../../grammar/uucp/address-fields.ts';
import { HEADER_OCTETS, measured } from './dressing.ts';
import { readHeader, withHead, type Source } from './octets.ts';

export interface PercentFormOptions {
  readonly transport: Transport;
  /** Absent: there are no such domains. */
  rule(): PercentRule | undefined;
  readonly kernels: Pick<MimeKernels, 'openSurvey'>;
}

export interface PercentRule {
  readonly behind: { has(domain: string): boolean };
  /** Our domain, in A-labels. */
  readonly us: string;
}

export function createPercentForm({ transport, rule, kernels }: PercentFormOptions): Transport {
  /** One message to several next hops is read once an attempt. */
  const changed = new WeakMap<StoredContent, Promise<StoredContent>>();

  async function deliverChanged(job: Delivery, { behind, us }: PercentRule, signal: Interruption): ReturnType<Transport['deliver']> {
    const { reversePath } = job.envelope;
    const sender = reversePath === null ? null : (parseAddress(percentOutward(reversePath, behind, us)) ?? reversePath);
    const found = changed.get(job.content) ?? withFields(job.content, written => percentOutward(written, behind, us), kernels);
    changed.set(job.content, found);
    return transport.deliver({ ...job, envelope: { ...job.envelope, reversePath: sender }, content: await found }, signal);
  }

  return {
    ...transport,
    get limits() { return transport.limits; },
    deliver(job, signal) {
      const known = rule();
      return known === undefined ? transport.deliver(job, signal) : deliverChanged(job, known, signal);
    },
  };
}

async function withFields(content: StoredContent, rewrite: (address: string) => string, kernels: PercentFormOptions['kernels']): Promise<StoredContent> {
  const source: Source = () => content.read();
  const header = await readHeader(source, HEADER_OCTETS);
  const before = header?.toString('latin1') ?? '';
  // What a signature covers stays: a broken one is worse than an inner name.
  if (header === null || isSigned(before)) return content;
  const after = rewriteAddressFields(before, rewrite);
  return after === before ? content : measured(content, withHead(source, header.length, Buffer.from(after, 'latin1')), kernels);
}
