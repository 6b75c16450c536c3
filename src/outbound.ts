/** Ways out over the network: router, destinations, resolver and the ESMTP transport, from the client's settings. */
import type { Chance, Clock } from './core/clock.ts';
import type { Kernels } from './core/kernels.ts';
import type { Log } from './core/log.ts';
import type { Metrics } from './core/metrics.ts';
import type { Destination, Destinations, Router, Transport } from './core/transport.ts';
import { openEsmtpTransport } from './flow/transport/esmtp/index.ts';
import { domainOf } from './grammar/address.ts';
import { asciiDomain } from './grammar/domain.ts';
import { openDeadlines } from './kit/deadlines.ts';
import { createDial, createStartTls } from './kit/dial.ts';
import type { Rules } from './rules.ts';

export interface Outbound {
  readonly router: Router;
  readonly transport: Transport;
  reverse(address: string): Promise<{ kind: 'found'; name: string } | { kind: 'none' } | { kind: 'unavailable' }>;
  reload(): void;
  close(): Promise<void>;
}

export function openOutbound(rules: () => Rules, rooms: { readonly kernels: Kernels; readonly clock: Clock; readonly chance: Chance; readonly log: Log; readonly metrics: Metrics }): Outbound {
  const deadlines = openDeadlines(rooms.clock);
  const { client, names } = rules().configuration;
  const destinations: Destinations = {
    find(nexthop) {
      const route = rules().configuration.client.routes.find(one => one.relay?.text === nexthop);
      if (route?.relay === undefined) return Promise.resolve({ kind: 'settled', outcome: { kind: 'deferred', status: '4.4.3', blame: 'nexthop' } });
      const destination: Destination = { kind: 'destination', tls: { kind: 'opportunistic', verify: false }, relays: [{ host: route.relay.host, address: route.relay.host, port: route.relay.port ?? 25 }] };
      return Promise.resolve(destination);
    },
  };
  const transport = openEsmtpTransport({
    ...rooms, destinations, deadlines, dial: createDial(deadlines), startTls: createStartTls(deadlines),
    helo: names.helo.kind === 'name' ? (asciiDomain(names.helo.name) ?? names.helo.name) : names.me,
    timeouts: { connectMs: client.timeouts.connectMs, heloMs: client.timeouts.heloMs, commandMs: client.timeouts.commandMs, contentMs: client.timeouts.dataMs, quitMs: client.timeouts.quitMs, keepaliveMs: client.timeouts.keepAliveMs, keepalivePingMs: client.timeouts.keepAlivePingMs },
    limits: { recipients: client.maxRecipients, connectionsPerNexthop: client.maxPerDomain, deliveriesInAll: client.maxDeliveries, idle: 50 },
    delayMs: client.delayMs,
  });
  return {
    router: {
      route(to) {
        const domain = domainOf(to.address);
        const own = rules().ownTransport(domain);
        if (own !== null) return { kind: 'route', transport: own, nexthop: own };
        const route = rules().configuration.client.routes.find(one => one.domain === '' || one.domain === domain);
        return { kind: 'route', transport: 'esmtp', nexthop: route?.relay?.text ?? domain };
      },
    },
    transport,
    reverse: () => Promise.resolve({ kind: 'none' }),
    reload: () => undefined,
    async close() {
      await transport.close();
      deadlines.close();
    },
  };
}
