/** What testmxlookup shows: the very answers that a delivery would get, in the order in which it would use them. */
import { networkInterfaces } from 'node:os';
import type { Configuration } from '../../configuration.ts';
import { silent } from '../../core/log.ts';
import type { Origin, RecipientId } from '../../core/envelope.ts';
import type { MxAnswer, TxtAnswer } from '../../front/cli/index.ts';
import { parseAddress } from '../../grammar/address.ts';
import { asciiDomain } from '../../grammar/domain.ts';
import { openKernels } from '../../kit/wasm/kernels.ts';
import { createMetrics } from '../../kit/metrics.ts';
import { createSystemChance, createSystemClock } from '../../kit/system-clock.ts';
import { openOutbound, type Outbound } from './outbound.ts';
import { compileRules } from '../rules.ts';
import { formatTlsPolicy } from './tls-words.ts';

interface Manner {
  readonly tls: boolean;
  readonly whose: Pick<Origin, 'virtualHost' | 'login'>;
}

export function lookUpMx(configuration: Configuration, domain: string, how: Manner): Promise<MxAnswer> {
  return asking(configuration, outbound => ask(domain, outbound, how));
}

/** By the resolver that deliveries use. */
export function lookUpTxt(configuration: Configuration, name: string): Promise<TxtAnswer> {
  return asking(configuration, ({ resolver }) => resolver.txt(name));
}

async function asking<T>(configuration: Configuration, question: (outbound: Outbound) => Promise<T>): Promise<T> {
  const rules = compileRules(configuration, { find: () => ({ kind: 'none' }) }, silent);
  const outbound = openOutbound(() => rules, { kernels: openKernels(), clock: createSystemClock(), chance: createSystemChance(), log: silent, metrics: createMetrics() });
  try {
    return await question(outbound);
  } finally {
    await outbound.close();
  }
}

async function ask(domain: string, { router, shown, resolver }: Outbound, { tls, whose }: Manner): Promise<MxAnswer> {
  const address = parseAddress(`postmaster@${domain}`);
  if (address === null) return { kind: 'hard-error', why: 'this is no domain' };
  const route = await router.route({ id: 0 as RecipientId, address }, { reversePath: null, body: '7bit', smtputf8: false, origin: { source: 'local', protocol: 'local', at: 0, ...whose } });
  if (route.kind === 'settled') return { kind: 'hard-error', why: route.outcome.said?.text ?? route.outcome.status };
  if (route.transport !== 'esmtp') return { kind: 'relays', route: `${route.transport} (this gateway)`, relays: [] };
  const steps: string[] = [];
  const { signal } = new AbortController();
  const found = await shown(route.nexthop, signal, tls ? step => steps.push(step) : null);
  const relayed = route.nexthop === domain ? {} : { route: route.nexthop };
  if (found.kind === 'settled') {
    const why = `${found.outcome.status} ${found.outcome.said?.text ?? ''}`.trim();
    if (found.outcome.kind === 'deferred') return { kind: 'soft-error', why, ...(tls ? { steps } : {}) };
    return found.outcome.status === '5.1.10' ? { kind: 'no-mail', why } : { kind: 'hard-error', why };
  }
  const allowed = found.relays.filter(relay => relay.tls?.forbidden === undefined);
  if (allowed.length === 0) {
    const whys = new Set(found.relays.map(({ host, tls: demand }) => `${host}: ${demand?.forbidden ?? ''}`));
    return { kind: 'soft-error', why: `4.7.5 no mail exchanger may be used; ${[...whys].join('; ')}`, steps };
  }
  const mx = await resolver.mx(asciiDomain(domain) ?? domain); // from the cache: find() has just asked
  const preferences = new Map(mx.kind === 'found' ? mx.records.map(({ exchange, preference }) => [exchange, preference]) : []);
  const own = new Set(Object.values(networkInterfaces()).flatMap(all => (all ?? []).map(one => one.address)));
  return {
    kind: 'relays', ...relayed, ...(tls ? { steps } : {}),
    relays: found.relays.map(({ host, address: relayAddress, tls: demand }) => ({
      host, ...(tls ? { tls: formatTlsPolicy(demand ?? found.tls) } : {}), address: relayAddress ?? 'looked up by the proxy', preference: preferences.get(host) ?? 0,
      local: relayAddress !== undefined && own.has(relayAddress), authentic: mx.kind === 'found' && mx.authentic && preferences.has(host),
    })),
  };
}
