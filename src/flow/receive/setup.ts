/** A listener's options made ready once, so that a connection computes nothing that does not depend on it. */
import type { Counter, Gauge } from '../../core/metrics.ts';
import { asciiDomain } from '../../grammar/domain.ts';
import type { Mechanism } from '../../grammar/sasl.ts';
import { formatReply } from '../../grammar/smtp/reply.ts';
import { extensionLines } from './extensions.ts';
import { defaultLimits, type Limits } from './limits.ts';
import type { ReceiveOptions } from './options.ts';

export interface Setup extends ReceiveOptions {
  readonly limits: Limits;
  readonly source: 'esmtp' | 'submission';
  /** Our name in A-labels. */
  readonly name: string;
  readonly banner: string;
  readonly tarpit: boolean;
  readonly bareLineEnds: 'reject' | 'normalize' | 'pass';
  readonly offersTls: boolean;
  readonly meters: Meters;
  mechanisms(tls: boolean): readonly Mechanism[];
  /** The answer to EHLO. */
  extensions(tls: boolean, authenticated: boolean, limits: Limits): string;
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
  const plain = options.auth === undefined ? NO_MECHANISM : (listener.mechanisms ?? NO_MECHANISM);
  const underTls = options.auth === undefined ? NO_MECHANISM : (listener.mechanismsTls ?? plain);
  const mechanisms = (tls: boolean) => (tls ? underTls : plain);
  const offersTls = listener.tls !== undefined && listener.kind !== 'smtps';
  return {
    ...options,
    limits: { ...defaultLimits, ...listener.limits },
    source: listener.kind === 'submission' ? 'submission' : 'esmtp',
    name,
    banner: formatReply(220, null, bannerText(name, options.greeting)),
    tarpit: listener.tarpit ?? true,
    bareLineEnds: listener.bareLineEnds ?? 'reject',
    offersTls,
    mechanisms,
    extensions: (tls, authenticated, limits) => {
      const words = authenticated ? NO_MECHANISM : mechanisms(tls);
      return formatReply(250, null, extensionLines({ name, mechanisms: words, starttls: offersTls && !tls, tls, limits }).join('\n'));
    },
    meters: {
      connections: metrics.counter('posthorn_receive_connections_total', 'Connections accepted or turned away, by result.'),
      sessions: metrics.gauge('posthorn_receive_sessions', 'Sessions under way.'),
      refused: metrics.counter('posthorn_receive_refused_total', 'Commands and messages refused, by reply and enhanced status.'),
      messages: metrics.counter('posthorn_receive_messages_total', 'Messages taken.'),
      octets: metrics.counter('posthorn_receive_octets_total', 'Octets of content taken.'),
    },
  };
}

/** RFC 5321 §4.2: the banner's first word is our name, whatever the operator's text begins with. */
function bannerText(name: string, greeting: string | undefined): string {
  const text = greeting?.trim() ?? '';
  if (text === '') return `${name} ESMTP`;
  return text.startsWith(name) ? text : `${name} ${text}`;
}
