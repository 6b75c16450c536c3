/** An intake and a router that go by a message's virtual host. */
import type { Envelope, Recipient } from './core/envelope.ts';
import type { Intake } from './core/intake.ts';
import type { Router } from './core/transport.ts';
import { domainOf } from './grammar/address.ts';
import { virtualHostOf } from './grammar/virtual-host.ts';
import type { Rules } from './rules.ts';

/** The host is stored with the message: it holds for its deliveries and reports, whatever they know of how it came. */
export function intakeByHost(rules: () => Rules, open: (rules: () => Rules) => Intake): Intake {
  const usual = open(rules);
  const hosts = new Map<string, Intake>();
  return {
    open(origin, options) {
      const host = virtualHostOf(rules().hosts, origin);
      if (host === null) return usual.open(origin, options);
      let intake = hosts.get(host);
      if (intake === undefined) hosts.set(host, intake = open(() => rules().hosts.get(host) ?? rules()));
      return intake.open({ ...origin, virtualHost: host }, options);
    },
  };
}

/** A virtual host's own mailboxes, before what all have in common. */
export function hostFirst(rules: () => Rules, router: Router): Router {
  return {
    route(to: Recipient, envelope: Envelope) {
      const own = rules().of(envelope.origin);
      if (own !== rules() && to.expanded !== true) {
        const transport = own.ownTransport(domainOf(to.address) || own.configuration.names.defaultDomain);
        if (transport === 'local') return { kind: 'route', transport, nexthop: to.address };
      }
      return router.route(to, envelope);
    },
  };
}
