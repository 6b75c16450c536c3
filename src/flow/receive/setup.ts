/** A listener's options made ready once, so that a connection computes nothing that does not depend on it. */
import type { Counter, Gauge } from '../../core/metrics.ts';
import { hostKey } from '../../grammar/virtual-host.ts';
import { asciiDomain } from '../../grammar/domain.ts';
import type { Mechanism } from '../../grammar/sasl/mechanisms.ts';
import { formatReply } from '../../grammar/smtp/reply.ts';
import { defaultLimits, type Limits } from './limits.ts';
import type { ReceiveOptions } from './options.ts';
import type { TlsChannel } from './tls-channel.ts';

export interface Setup extends Omit<ReceiveOptions, 'hosts'> {
  /** For who connects to this address. */
  at(localAddress: string): Setup;
  readonly limits: Limits;
  readonly source: 'esmtp' | 'submission';
  readonly lmtp: boolean;
  /** Our name in A-labels. */
  readonly name: string;
  readonly banner: string;
  readonly tarpit: boolean;
  readonly bareLineEnds: 'reject' | 'normalize' | 'pass';
  readonly offersTls: boolean;
  readonly meters: Meters;
  /** What is offered now. */
  mechanisms(channel: Pick<TlsChannel, 'identity'> | null): readonly Mechanism[];
  /** What is offered under TLS. */
  readonly mechanismsTls: readonly Mechanism[];
}

export interface Meters {
  readonly connections: Counter;
  readonly sessions: Gauge;
  readonly refused: Counter;
  readonly messages: Counter;
  readonly octets: Counter;
}

const NO_MECHANISM: readonly Mechanism[] = [];

export function createSetup(options: ReceiveOptions): Setup {
  const { listener, metrics } = options;
  const name = asciiDomain(options.me) ?? options.me;
  const named = listener.mechanisms ?? NO_MECHANISM;
  const plain = possible(options, named.filter(name => !name.endsWith('-PLUS')));
  const underTls = possible(options, listener.mechanismsTls ?? named);
  const offersTls = listener.tls !== undefined && listener.kind !== 'smtps';
  const { hosts, greeting, ...common } = options;
  const own = new Map([...(hosts ?? [])].map(([key, host]) => [key, createSetup({ ...common, ...host })]));
  const setup: Setup = {
    ...options,
    at: localAddress => (own.size === 0 ? setup : (own.get(hostKey(localAddress) ?? '') ?? setup)),
    limits: { ...defaultLimits, ...listener.limits },
    source: listener.kind === 'submission' ? 'submission' : 'esmtp',
    lmtp: listener.kind === 'lmtp',
    name,
    banner: formatReply(220, null, bannerText(name, greeting, listener.kind === 'lmtp' ? 'LMTP' : 'ESMTP')),
    tarpit: listener.tarpit ?? true,
    bareLineEnds: listener.bareLineEnds ?? 'reject',
    offersTls,
    mechanismsTls: underTls,
    mechanisms: channel => {
      if (channel === null) return plain;
      return channel.identity === null || options.auth === undefined ? underTls : [...underTls, 'EXTERNAL'];
    },
    meters: {
      connections: metrics.counter('posthorn_receive_connections_total', 'Connections accepted or turned away, by result.'),
      sessions: metrics.gauge('posthorn_receive_sessions', 'Sessions under way.'),
      refused: metrics.counter('posthorn_receive_refused_total', 'Commands and messages refused, by reply and enhanced status.'),
      messages: metrics.counter('posthorn_receive_messages_total', 'Messages taken.'),
      octets: metrics.counter('posthorn_receive_octets_total', 'Octets of content taken.'),
    },
  };
  return setup;
}

/** EXTERNAL is offered to whom it fits, SCRAM where somebody can say the salt. */
function possible({ auth }: ReceiveOptions, mechanisms: readonly Mechanism[]): readonly Mechanism[] {
  if (auth === undefined) return NO_MECHANISM;
  return mechanisms.filter(name => name !== 'EXTERNAL' && (auth.salt !== undefined || !name.startsWith('SCRAM-')));
}

/** RFC 5321 §4.2: the banner's first word is our name, whatever the operator's text begins with. */
function bannerText(name: string, greeting: string | undefined, protocol: string): string {
  const text = greeting?.trim() ?? '';
  if (text === '') return `${name} ${protocol}`;
  return text.startsWith(name) ? text : `${name} ${text}`;
}
