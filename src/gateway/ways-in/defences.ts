/** What stands between the Internet and the intake and is no room of its own: checks over DNS, bans, greylisting. */
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Metrics } from '../../core/metrics.ts';
import type { Notes } from '../../core/notes.ts';
import type { Admission, Check } from '../../core/policy.ts';
import { createAuthentication, createBans, createGreylist, createNetworkChecks, createReportsCheck, type Bans, type Counted, type NetworkChecks } from '../../flow/check/index.ts';
import { asciiDomain } from '../../grammar/domain.ts';
import type { Resolver } from '../../kit/dns/resolver.ts';
import { createMailAuthentication } from '../../kit/mail-authentication.ts';
import type { Witness } from '../../core/witness.ts';
import type { Rules } from '../rules.ts';
import type { Tallies } from './tallies.ts';

export interface Defences {
  /** Of these rules, in the order in which to ask them. */
  checks(of: Rules): readonly Check[];
  /** Verifies signatures, of messages for which DMARC is set. */
  witness(of: Rules): Witness;
  /** Bans come before the access file's word; what is asked of name servers begins at connect. */
  guard(admission: Admission): Admission;
  /** Who guesses passwords. */
  readonly failures: Pick<Bans, 'allowed' | 'failed' | 'succeeded'>;
  /** What another process counted. */
  heard(tallies: Tallies): void;
}

export interface DefenceRooms {
  readonly resolver: Resolver;
  readonly notes: Notes;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Of connections and failures that were counted here, for those who receive beside us. */
  readonly counted?: (what: Counted, key: string) => void;
}

interface Made {
  readonly network: NetworkChecks;
  readonly checks: readonly Check[];
  readonly witness: Witness;
}

export function openDefences(rules: () => Rules, rooms: DefenceRooms): Defences {
  const { notes, clock } = rooms;
  const verifier = createMailAuthentication();
  /** A configuration has several rules: its own, and its virtual hosts'. */
  const made = new WeakMap<Rules, Made>();
  const bans = createBans({
    ...rooms,
    settings: () => rules().configuration.bans,
    trusts: address => rules().variables({ source: 'esmtp', protocol: 'ESMTP', remoteAddress: address, at: 0 }).has('RELAYCLIENT'),
  });
  const reports = createReportsCheck(notes, clock);

  function make(of: Rules): Made {
    const known = made.get(of);
    if (known !== undefined) return known;
    const { names, bofh, domains, greylist } = of.configuration;
    const me = asciiDomain(names.me) ?? names.me;
    const isOwn = (domain: string) => of.ownTransport(domain) !== null || domains.acceptMailFor.has(domain);
    const network = createNetworkChecks({ ...rooms, me, bofh, isOwn });
    const mine: Made = { network, witness: createAuthentication({ ...rooms, me, verifier }), checks: [...network.around([...of.checks, reports]), createGreylist({ notes, clock, settings: greylist })] };
    made.set(of, mine);
    return mine;
  }

  return {
    checks: of => make(of).checks,
    witness: of => make(of).witness,
    failures: bans,
    heard: tallies => tallies.forEach(([what, key, times]) => bans.heard(what, key, times)),
    guard: admission => ({
      admit(peer) {
        const answer = admission.admit(peer);
        if (answer.kind === 'refused') return answer;
        const banned = bans.admit(peer.remoteAddress, answer.variables);
        if (banned !== null) return banned;
        const met = make(rules().of({ source: 'esmtp', protocol: 'ESMTP', localAddress: peer.localAddress, at: 0 })).network.meet(peer.remoteAddress, answer.variables);
        if (met === null) return answer;
        return met instanceof Promise ? { ...answer, pending: met } : met;
      },
    }),
  };
}
