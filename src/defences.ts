/** What stands between the Internet and the intake and is no room of its own: checks over DNS, bans, greylisting. */
import type { Clock } from './core/clock.ts';
import type { Log } from './core/log.ts';
import type { Admission, Check } from './core/policy.ts';
import { createNetworkChecks, type NetworkChecks } from './flow/check/index.ts';
import type { Resolver } from './kit/resolver.ts';
import type { Rules } from './rules.ts';

export interface Defences {
  /** Of these rules, in the order in which to ask them. */
  checks(of: Rules): readonly Check[];
  /** The same admission, which begins at connect what will be asked later. */
  guard(admission: Admission): Admission;
}

export interface DefenceRooms {
  readonly resolver: Resolver;
  readonly clock: Clock;
  readonly log: Log;
}

export function openDefences(rules: () => Rules, rooms: DefenceRooms): Defences {
  let made: { readonly of: Rules; readonly network: NetworkChecks } | null = null;

  function network(of: Rules): NetworkChecks {
    if (made?.of !== of) {
      const { names, bofh, domains } = of.configuration;
      const isOwn = (domain: string) => of.ownTransport(domain) !== null || domains.acceptMailFor.has(domain);
      made = { of, network: createNetworkChecks({ ...rooms, me: names.me, bofh, isOwn }) };
    }
    return made.network;
  }

  return {
    checks: of => network(of).around(of.checks),
    guard: admission => ({
      admit(peer) {
        const answer = admission.admit(peer);
        if (answer.kind === 'admitted') network(rules()).begin(peer.remoteAddress, answer.variables);
        return answer;
      },
    }),
  };
}
