/** The transport around the transport. */
import type { Clock, Instant, Interruption } from '../../core/clock.ts';
import type { MimeKernels } from '../../core/kernels.ts';
import type { Log } from '../../core/log.ts';
import type { Deferred } from '../../core/outcome.ts';
import type { StoredContent } from '../../core/queue-store.ts';
import type { Delivery, Transport } from '../../core/transport.ts';
import type { ArcSealer } from './arc.ts';
import { needsLines } from './binary-mail.ts';
import { dress, type Dress } from './dressing.ts';
import type { Pieces } from './octets.ts';
import type { Quota } from './quotas.ts';
import type { SenderRule } from './sender-fields.ts';
import { isOurs, type Signers } from './signers.ts';

/** What a next hop wants of mail. */
export interface Manner {
  /** Names the rule: mail to two next hops with one name is dressed once. */
  readonly name: string;
  readonly senders?: SenderRule;
  /** Absent: as much as there is. */
  readonly quota?: Quota;
}

export interface OutgoingSettings {
  readonly transport: Pick<Transport, 'deliver'>;
  /** Absent: as it is. */
  mannerOf(nexthop: string): Manner | undefined;
  readonly signers: Signers;
  /** Absent: nothing is sealed. */
  readonly sealer?: ArcSealer;
  readonly kernels: Pick<MimeKernels, 'openSurvey'>;
  toSevenBit(content: StoredContent): Pieces;
  readonly clock: Clock;
  readonly log: Log;
}

/** Ours: the recipients did nothing, and the next message may fare better. */
const broken: Deferred = { kind: 'deferred', status: '4.3.0', blame: 'message', said: { type: 'x-gateway', text: 'The message could not be prepared for sending' } };

export function createOutgoing(settings: OutgoingSettings): Pick<Transport, 'deliver'> {
  const { transport, signers, sealer, kernels, clock, log } = settings;
  const tailor = { signers, ...(sealer === undefined ? {} : { sealer }), kernels, toSevenBit: (content: StoredContent) => settings.toSevenBit(content), now: () => Math.floor(clock.now() / 1000) };
  /** One message to several next hops is dressed once an attempt. */
  const dressed = new WeakMap<StoredContent, Map<string, Promise<StoredContent>>>();

  function dressOnce(content: StoredContent, how: Dress, name: string): Promise<StoredContent> {
    const known = dressed.get(content) ?? new Map<string, Promise<StoredContent>>();
    dressed.set(content, known);
    const key = `${how.signed} ${name}`;
    const found = known.get(key) ?? dress(content, how, tailor);
    known.set(key, found);
    return found;
  }

  async function deliverDressed(job: Delivery, how: Dress, manner: Manner | undefined, signal: Interruption): ReturnType<Transport['deliver']> {
    let content: StoredContent;
    try {
      content = await dressOnce(job.content, how, manner?.name ?? '');
    } catch (cause) {
      log.error('outgoing', { id: job.id, nexthop: job.nexthop, cause });
      return new Map(job.recipients.map(({ id }) => [id, broken]));
    }
    return transport.deliver({ ...job, content }, signal);
  }

  return {
    deliver(job, signal) {
      const manner = settings.mannerOf(job.nexthop);
      return manner?.quota === undefined ? send(job, manner, signal) : withinQuota(job, manner, manner.quota, signal);
    },
  };

  function send(job: Delivery, manner: Manner | undefined, signal: Interruption): ReturnType<Transport['deliver']> {
    const senders = manner?.senders;
    const signed = !signers.none && isOurs(job.envelope.origin);
    const sealed = sealer !== undefined && job.envelope.origin.source === 'esmtp' && !isOurs(job.envelope.origin);
    if (senders === undefined && !signed && !sealed) return transport.deliver(job, signal);
    const { reversePath } = job.envelope;
    const replaced = reversePath === null ? null : (senders?.replace(reversePath) ?? null);
    const sent = replaced === null ? job : { ...job, envelope: { ...job.envelope, reversePath: replaced } };
    const how: Dress = { signed, sealed, ...(senders?.fields === true ? { senders } : {}) };
    if (!signed && !sealed && how.senders === undefined) return transport.deliver(sent, signal);
    // What is signed is signed as any next hop can take it.
    if (job.envelope.body === 'binarymime') return Promise.resolve(new Map(job.recipients.map(({ id }) => [id, needsLines])));
    return deliverDressed(sent, how, manner, signal);
  }

  async function withinQuota(job: Delivery, manner: Manner, quota: Quota, signal: Interruption): ReturnType<Transport['deliver']> {
    const recipients = job.recipients.length;
    // With VERP each recipient may be a message of its own.
    const room = quota.take({ recipients, messages: job.envelope.verp === true ? recipients : 1 });
    if (room.kind === 'full') {
      const { until, apartMs, why } = room;
      // RFC 3463 §3.5: mail system congestion.
      const wait: Deferred = { kind: 'deferred', status: '4.4.5', blame: 'nexthop', untried: { apartMs }, notBefore: until as Instant, said: { type: 'x-gateway', text: why } };
      return new Map(job.recipients.map(({ id }) => [id, wait]));
    }
    const outcomes = await send(job, manner, signal);
    // Nothing of it reached anybody, so the provider did not count it.
    if (![...outcomes.values()].some(({ kind }) => kind === 'relayed')) room.giveBack();
    return outcomes;
  }
}
