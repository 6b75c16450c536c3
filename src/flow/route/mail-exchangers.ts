/**
 * The hosts of a domain, in the order in which to try them (RFC 5321 §5.1, RFC 7505, Courier's rules). Names only;
 * addresses are another question.
 */
import type { Chance } from '../../core/clock.ts';
import type { Settled } from '../../core/transport.ts';
import type { Status } from '../../core/status.ts';
import { isIp } from '../../grammar/domain.ts';
import type { Answer, Resolver } from '../../kit/dns/resolver.ts';

export type MailExchangers =
  | { readonly kind: 'hosts'; readonly hosts: readonly Exchanger[]; readonly authentic: boolean }
  /** No MX: the domain itself is the host (RFC 5321 §5.1). */
  | { readonly kind: 'implicit' }
  | Settled;

export interface Exchanger {
  readonly host: string;
  readonly preference: number;
}

export interface ExchangerSettings {
  readonly resolver: Pick<Resolver, 'mx'>;
  readonly chance: Chance;
  /** Is this host name one of ours? */
  readonly isOwnName: (host: string) => boolean;
}

export async function findMailExchangers({ resolver, chance, isOwnName }: ExchangerSettings, domain: string): Promise<MailExchangers> {
  const answer = await resolver.mx(domain);
  if (answer.kind === 'unavailable') return deferred('4.4.3', answer.why);
  if (answer.kind === 'none') return answer.noSuchDomain ? failed('5.1.2', `The domain ${domain} does not exist`) : { kind: 'implicit' };
  const { records } = answer;
  // "MX 0 ." says: no mail here, ever (RFC 7505 §3).
  // Beside others it is an error, to be ignored.
  const hosts = records.filter(({ exchange }) => exchange !== '').map(({ exchange, preference }) => ({ host: exchange, preference }));
  if (hosts.length === 0) return failed('5.1.10', `The domain ${domain} does not accept mail (null MX)`);
  const address = hosts.find(({ host }) => isIp(host));
  if (address !== undefined) return failed('5.4.4', `The MX of ${domain} is the address ${address.host} where RFC 1035 wants a host name`);
  const sorted = shuffled(hosts, chance).sort((one, other) => one.preference - other.preference);
  return withoutLoop(sorted, isOwnName, domain, answer);
}

/** Being in the list ourselves, only better hosts may be tried, or mail would come back for ever (RFC 5321 §5.1). */
function withoutLoop(sorted: readonly Exchanger[], isOwnName: (host: string) => boolean, domain: string, answer: Extract<Answer<unknown>, { kind: 'found' }>): MailExchangers {
  const own = sorted.find(({ host }) => isOwnName(host));
  const better = own === undefined ? sorted : sorted.filter(({ preference }) => preference < own.preference);
  if (better.length === 0) return loops(domain);
  return { kind: 'hosts', hosts: better, authentic: answer.authentic };
}

/** Hosts of one preference share the load (RFC 5321 §5.1). */
export function shuffled<T>(items: readonly T[], chance: Chance): T[] {
  const out = [...items];
  for (let n = out.length - 1; n > 0; n--) {
    const other = chance.between(0, n);
    [out[n], out[other]] = [out[other] as T, out[n] as T];
  }
  return out;
}

export function loops(domain: string): Settled {
  return failed('5.4.6', `Mail for ${domain} loops back to us: its best mail exchanger is this host, which does not take it as local`);
}

export function failed(status: Status<5>, text: string): Settled {
  return { kind: 'settled', outcome: { kind: 'failed', status, said: { type: 'x-gateway', text } } };
}

export function deferred(status: Status<4>, text: string): Settled {
  return { kind: 'settled', outcome: { kind: 'deferred', status, blame: 'nexthop', said: { type: 'x-gateway', text } } };
}
