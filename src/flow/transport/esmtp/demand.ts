/**
 * What a message demands of every connection that carries it: Courier's SECURITY=STARTTLS (TLS under the private
 * authority) and REQUIRETLS (RFC 8689: TLS that is verified, to a peer that passes the demand on). Nothing less will do,
 * so what a peer clearly lacks is a failure and no deferral; silence stays a deferral.
 */
import type { Envelope } from '../../../core/envelope.ts';
import type { Outcome } from '../../../core/outcome.ts';
import type { Status } from '../../../core/status.ts';
import type { TlsPolicy } from '../../../core/tls.ts';
import type { Destination, Relay } from '../../../core/transport.ts';
import type { Extensions } from './extensions.ts';
import { ownDeferral, ownFailure, type Peer } from './outcomes.ts';

export interface Demand {
  readonly security: boolean;
  readonly requireTls: boolean;
  /** The other way round: what the recipient's domain publishes about TLS is not to keep the message (RFC 8689 §5). */
  readonly relaxed?: true;
}

const none: Demand = { security: false, requireTls: false };
export const relaxed: Demand = { ...none, relaxed: true };

export function demandOf({ security, requireTls }: Envelope): Demand {
  return security === undefined && requireTls === undefined ? none : { security: security === 'starttls', requireTls: requireTls === true };
}

/** Keeps connections that were held to something apart from those that were not; '' for the usual ones. */
export function demandKey({ security, requireTls, relaxed: isRelaxed }: Demand): string {
  return `${security ? ' SECURITY' : ''}${requireTls ? ' REQUIRETLS' : ''}${isRelaxed === true ? ' relaxed' : ''}`;
}

export type Terms =
  | { readonly kind: 'terms'; readonly tls: TlsPolicy }
  /** It cannot be had from here, or from there, whoever answers. */
  | { readonly kind: 'impossible'; readonly outcome: Outcome };

/** What a session with this relay owes. `authorities`: the private one, PEM (TLS_TRUSTSECURITYCERTS). */
export function termsFor(destination: Destination, relay: Relay, demand: Demand, authorities: readonly string[] | undefined): Terms {
  const tls = relay.tls ?? destination.tls;
  const kind = tls.kind === 'smtps' ? 'smtps' : 'required';
  if (demand.requireTls && !isKnown(destination, tls)) {
    // Who the mail exchangers are must not be anybody's to forge (RFC 8689 §4.2.1).
    return { kind: 'impossible', outcome: ownFailure('5.7.10', 'REQUIRETLS is asked for, and the mail exchangers are known from unsigned DNS alone') };
  }
  if (demand.security || destination.security === 'starttls') {
    const why = 'SECURITY=STARTTLS is asked for, and there is no private authority here (TLS_TRUSTSECURITYCERTS)';
    // What a message asks in vain its sender should hear; a route of ours that cannot be had is our mistake.
    if (authorities === undefined) return { kind: 'impossible', outcome: demand.security ? ownFailure('5.7.4', why) : ownDeferral('4.3.5', 'nexthop', why) };
    return { kind: 'terms', tls: { kind, verify: true, authorities, by: 'SECURITY=STARTTLS' } };
  }
  // Nobody but the domain asked for it: an operator's own word stands.
  if (demand.relaxed === true && tls.published !== undefined) return { kind: 'terms', tls: { kind: 'opportunistic', verify: false, by: 'TLS-Required: No' } };
  if (!demand.requireTls || ((tls.verify || tls.dane !== undefined) && tls.kind === kind)) return { kind: 'terms', tls };
  return { kind: 'terms', tls: { ...tls, kind, verify: true, by: 'REQUIRETLS' } };
}

function isKnown({ known }: Destination, { dane, published, verify }: TlsPolicy): boolean {
  return known === true || dane !== undefined || (published?.kind === 'sts' && published.testing !== true && verify);
}

/** The peer cannot do the TLS that it has to. */
export function lacking({ security, requireTls }: Demand, status: Status<4>, text: string, peer: Peer): Outcome {
  return security || requireTls ? ownFailure(`5${status.slice(1)}` as Status<5>, text, peer) : ownDeferral(status, 'nexthop', text, peer);
}

/** What the peer has to promise for the demand, and does not; null: nothing is missing. */
export function unpromised(demand: Demand, { security, requireTls }: Extensions, peer: Peer): Outcome | null {
  if (demand.security && !security) return ownFailure('5.7.4', 'SECURITY=STARTTLS is asked for, and this host does not offer XSECURITY', peer);
  if (demand.requireTls && !requireTls) return ownFailure('5.7.30', 'REQUIRETLS is asked for, and this host does not offer it', peer);
  return null;
}
