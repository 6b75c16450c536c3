/**
 * Where mail goes. createRouteTable answers from configuration alone (which transport, which next hop);
 * createDestinations finds out by DNS what an ESMTP next hop means on the wire: RFC 5321 §5, null MX (RFC 7505),
 * Courier's esmtproutes. Trouble with DNS or with a relay of ours is a deferral and never a failure; only the
 * domain's own clear word (it does not exist, it takes no mail) fails a recipient.
 */
export { createRouteFinder, createRouteTable, relayKey, relayRoute, wayWords } from './table.ts';
export { createDestinations } from './destinations.ts';
export { demandingRouter } from './demands.ts';
export type { EsmtpRoute, RouteProxy, RouteRelay, TableSettings, Way } from './table.ts';
export type { DestinationSettings } from './destinations.ts';
