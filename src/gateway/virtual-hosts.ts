/** An intake that goes by a message's virtual host. */
import type { Intake } from '../core/intake.ts';
import type { Variables } from '../core/policy.ts';
import { virtualHostOf } from '../grammar/virtual-host.ts';
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
      const own = rules().hosts.get(host);
      const variables = options?.variables;
      // Whoever connected to the host's address was admitted by it; a login is known too late for that.
      const adapted = own === undefined || variables === undefined ? options : { ...options, variables: adaptVariables(variables, rules(), own) };
      return intake.open({ ...origin, virtualHost: host }, adapted);
    },
  };
}

/** The host's `opt` lines in the place of the common ones; what a narrower place has said stays. */
function adaptVariables(variables: Variables, common: Rules, own: Rules): Variables {
  const [usual, instead] = [common.configuration.bofh.variables, own.configuration.bofh.variables];
  if (usual === instead) return variables;
  const adapted = new Map(variables);
  for (const [name, value] of usual) if (adapted.get(name) === value) adapted.delete(name);
  for (const [name, value] of instead) if (!adapted.has(name)) adapted.set(name, value);
  return adapted;
}
