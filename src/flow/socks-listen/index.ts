/**
 * Receiving through a SOCKS firewall: keeps a BIND open at the proxy (RFC 1928 §4), or several, hands over who comes, and
 * asks again at once. Takes a proxy and somebody who takes connections; tells where it listens outside. A proxy that dies
 * or refuses is asked again later and later. It must never call a peer by an address that the proxy could not know:
 * such a one is `0.0.0.0`, for which no access rule of ours says anything.
 */
export { openSocksListener } from './keeper.ts';
export type { OutsidePeer, SocksListener, SocksListenerSettings } from './keeper.ts';
