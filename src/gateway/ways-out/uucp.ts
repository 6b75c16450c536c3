/** UUCP and pipes for the gateway and its commands: the configuration made into a plan, and their ways before all others. */
import { join } from 'node:path';
import type { Configuration } from '../../configuration.ts';
import type { Clock } from '../../core/clock.ts';
import { silent, type Log } from '../../core/log.ts';
import type { Router, Transport } from '../../core/transport.ts';
import { createPipeTransport } from '../../flow/transport/pipe/index.ts';
import { openUucp, type Uucp } from '../../flow/transport/uucp/index.ts';
import { createSystemClock } from '../../kit/system-clock.ts';
import { domainOf } from '../../grammar/address.ts';
import type { Rules } from '../rules.ts';

export function openUucpSite(configuration: () => Configuration, rooms: { readonly clock: Clock; readonly log: Log; readonly runs: boolean }): Uucp {
  return openUucp({
    ...rooms,
    plan: () => ({ ...configuration().uucp, me: configuration().names.me }),
    folder: join(configuration().stateFolder, 'uucp', 'outgoing'),
  });
}

/** For a command: it works on the same folders as a gateway that runs beside it. */
export function openUucpDesk(configuration: Configuration): Uucp {
  return openUucpSite(() => configuration, { clock: createSystemClock(), log: silent, runs: false });
}

/** UUCP is asked before the other ways out, local ones included, as Courier asks its modules by priority. */
export function uucpFirst(rules: () => Rules, others: Router): Router {
  return {
    route(to, envelope) {
      // An alias whose members have the message: there is nothing left to route.
      if (to.expanded === true) return others.route(to, envelope);
      // What an alias runs is run here, even where the default domain is somebody else's.
      if (rules().instruction(to.address) !== null) return { kind: 'route', transport: 'local', nexthop: to.address };
      const routed = rules().byUucp(to.address);
      if (routed === null) {
        const pipe = rules().configuration.pipes.find(domainOf(to.address));
        return pipe === undefined ? others.route(to, envelope) : { kind: 'route', transport: 'pipe', nexthop: pipe.nexthop === '' ? pipe.name : `${pipe.name}/${pipe.nexthop}` };
      }
      if (routed.kind === 'route') return { kind: 'route', transport: 'uucp', nexthop: routed.node };
      return { kind: 'settled', outcome: { kind: 'failed', status: '5.1.2', said: { type: 'x-uucp', text: `${routed.kind === 'invalid' ? 'Invalid' : 'Unknown'} UUCP bang path` } } };
    },
  };
}

export function createPipes(configuration: () => Configuration, log: Log): Transport {
  return createPipeTransport({ rule: name => configuration().pipes.rules.get(name), me: () => configuration().names.me, log });
}
