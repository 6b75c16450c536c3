/** An intake that goes by a message's virtual host. */
import type { Intake } from './core/intake.ts';
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
