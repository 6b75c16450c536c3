/**
 * Which TLS a next hop gets, and why. Takes a destination as route found it, gives it back with a policy for each
 * relay: what `tlspolicy` says, else DANE (RFC 7672), else MTA-STS (RFC 8461), else opportunistic (RFC 7435). DANE beats
 * MTA-STS wherever both speak. A relay that its policy forbids is left out; when all are, they come back marked, and the
 * transport defers with blame on the next hop. It must never believe TLSA records that a trusted resolver did not validate, and never
 * let trouble in looking for a policy weaken one that is known.
 */
export { createTlsDecision } from './decision.ts';
export { openStsPolicies } from './sts.ts';
export { openStsCache } from './sts-cache.ts';
export type { TlsDecision, TlsDecisionSettings, TlsDomainRule } from './decision.ts';
export type { StsFound, StsPolicies } from './sts.ts';
