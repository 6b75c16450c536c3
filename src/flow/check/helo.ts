/**
 * BOFHCHECKHELO: the name in HELO must be the client's address, or lead to it. RFC 5321 §4.1.4 asks servers not to
 * refuse for that alone, so nobody is checked unless the operator says so; a SPF pass for the name is enough.
 */
import type { Clock } from '../../core/clock.ts';
import { pass, type Check, type Verdict } from '../../core/policy.ts';
import { refuse } from '../../core/status.ts';
import { formatIpAddress, parseIpAddress, type IpAddress } from '../../grammar/config/network.ts';
import { asciiDomain, literalAddress } from '../../grammar/domain.ts';
import type { Resolver } from '../../kit/dns/resolver.ts';
import { withinLimit } from '../../kit/time-limit.ts';
import { isSet } from './switch.ts';

export interface HeloOptions {
  readonly resolver: Pick<Resolver, 'a' | 'aaaa' | 'mx'>;
  readonly clock: Clock;
}

const SERVERS = 20;
const ALTOGETHER_MS = 20_000;
const NEVER = new AbortController().signal;

export function createHeloCheck({ resolver, clock }: HeloOptions): Check {
  return {
    name: 'helo',
    stage: 'mail',
    judge({ origin, variables }) {
      const wanted = variables.get('BOFHCHECKHELO');
      if (!isSet(wanted) || origin.relayClient !== undefined || origin.remoteAddress === undefined) return pass;
      if (origin.source !== 'esmtp' && origin.source !== 'submission') return pass;
      if (variables.get('SPF_HELO') === 'pass') return pass;
      const client = parseIpAddress(origin.remoteAddress);
      const { helo = '' } = origin;
      const itself = parseIpAddress(literalAddress(helo) ?? helo);
      if (client === null || same(itself, client)) return pass;
      const wrong = refuse(wanted === '2' ? 'heloDeferred' : 'heloRefused', { why: `${helo} does not lead to ${origin.remoteAddress}, and BOFHCHECKHELO=${wanted}` });
      return itself === null ? judge({ resolver, clock }, asciiDomain(helo) ?? helo, client, wrong) : wrong;
    },
  };
}

async function judge({ resolver, clock }: HeloOptions, name: string, client: IpAddress, wrong: Verdict): Promise<Verdict> {
  const limited = await withinLimit(clock, ALTOGETHER_MS, NEVER, () => leadsTo(resolver, name, client));
  if (limited.kind === 'broken') throw limited.cause;
  const found = limited.kind === 'late' ? 'unknown' : limited.value;
  if (found === 'unknown') return refuse('heloDeferred', { why: `${name} in HELO cannot be looked up` });
  return found === 'yes' ? pass : wrong;
}

/** Its own addresses, and those of its MX; a null MX says nothing about who sends. */
async function leadsTo(resolver: HeloOptions['resolver'], name: string, client: IpAddress): Promise<'yes' | 'no' | 'unknown'> {
  const addresses = (host: string) => (client.family === 4 ? resolver.a(host) : resolver.aaaa(host));
  let trouble = false;
  const has = async (host: string): Promise<boolean> => {
    const answer = await addresses(host);
    if (answer.kind === 'unavailable') trouble = true;
    return answer.kind === 'found' && answer.records.some(text => same(parseIpAddress(text), client));
  };
  if (await has(name)) return 'yes';
  const mx = await resolver.mx(name);
  if (mx.kind === 'unavailable') trouble = true;
  const servers = mx.kind === 'found' ? mx.records.map(({ exchange }) => exchange).filter(exchange => exchange !== '').slice(0, SERVERS) : [];
  for (const server of servers) if (await has(server)) return 'yes';
  return trouble ? 'unknown' : 'no';
}

function same(one: IpAddress | null, other: IpAddress): boolean {
  return one !== null && formatIpAddress(one) === formatIpAddress(other);
}
