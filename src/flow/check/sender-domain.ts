/**
 * BOFHCHECKDNS and badmx: a sender's domain must be one that mail can be answered to. MX, or addresses where there is
 * none (RFC 5321 §5.1), looked up when MAIL comes. Our own domains are known to exist, and nobody is asked for them.
 */
import { pass, type Check, type Verdict } from '../../core/policy.ts';
import { refuse } from '../../core/status.ts';
import type { Clock } from '../../core/clock.ts';
import { domainOf } from '../../grammar/address.ts';
import { formatIpAddress, parseIpAddress, type IpAddress } from '../../grammar/config/network.ts';
import { asciiDomain, isIp, literalAddress } from '../../grammar/domain.ts';
import type { Answer, Resolver } from '../../kit/dns/resolver.ts';
import { withinLimit } from '../../kit/time-limit.ts';
import { isSet } from './switch.ts';

export interface SenderDomainOptions {
  readonly resolver: Pick<Resolver, 'a' | 'aaaa' | 'mx'>;
  readonly clock: Clock;
  readonly badMx: readonly IpAddress[];
  readonly isOwn: (domain: string) => boolean;
}

/** Servers of a domain whose addresses are looked up; a spammer's domain may name hundreds. */
const SERVERS = 20;
const ALTOGETHER_MS = 20_000;
const NEVER = new AbortController().signal;

export function createSenderDomainCheck(options: SenderDomainOptions): Check {
  const bad = new Set(options.badMx.map(formatIpAddress));
  return {
    name: 'sender-domain',
    stage: 'mail',
    judge({ origin, variables, reversePath = null }) {
      if (reversePath === null || (origin.source !== 'esmtp' && origin.source !== 'submission')) return pass;
      const wanted = variables.get('BOFHCHECKDNS');
      if (wanted !== undefined && !isSet(wanted)) return pass;
      // Every recipient will be refused anyway.
      if (isSet(variables.get('BLOCK'))) return pass;
      const domain = domainOf(reversePath);
      if (domain === '' || literalAddress(domain) !== null || options.isOwn(domain)) return pass;
      const judging = judgeDomain(options, bad, asciiDomain(domain) ?? domain);
      // An office that sends through us may have no name server at all; its mail does not wait for one.
      return origin.relayClient === undefined ? judging : judging.then(verdict => (verdict.kind === 'refused' && verdict.reply < 500 ? pass : verdict));
    },
  };
}

async function judgeDomain(options: SenderDomainOptions, bad: ReadonlySet<string>, domain: string): Promise<Verdict> {
  const limited = await withinLimit(options.clock, ALTOGETHER_MS, NEVER, () => lookAt(options, bad, domain));
  if (limited.kind === 'broken') throw limited.cause;
  return limited.kind === 'late' ? refuse('lookupUnavailable', { why: `the sender domain ${domain} takes too long to look up` }) : limited.value;
}

async function lookAt({ resolver }: SenderDomainOptions, bad: ReadonlySet<string>, domain: string): Promise<Verdict> {
  const mx = await resolver.mx(domain);
  if (mx.kind === 'unavailable' && mx.broken === true) return refuse('senderDomainUnknown', { text: 'The sender domain is a loop of aliases', why: mx.why });
  if (mx.kind === 'unavailable') return refuse('lookupUnavailable', { why: `the sender domain ${domain}: ${mx.why}` });
  if (mx.kind === 'none' && mx.noSuchDomain) return refuse('senderDomainUnknown', { why: `the sender domain ${domain} does not exist` });
  const servers = mx.kind === 'found' ? mx.records.map(({ exchange }) => exchange) : [domain];
  // RFC 7505 §3, §4.2
  if (mx.kind === 'found' && servers.every(server => server === '')) return refuse('senderNullMx', { why: `${domain} has a null MX` });
  const numeric = servers.find(isIp);
  if (numeric !== undefined) return refuse('senderDomainUnknown', { text: 'The sender domain has an address for an MX (RFC 1035)', why: `the MX of ${domain} is ${numeric}, no name (RFC 1035 §3.3.9)` });
  return judgeServers(resolver, bad, domain, servers.filter(server => server !== '').slice(0, SERVERS));
}

/** Any that is found will do; trouble with the others is their own. */
async function judgeServers(resolver: SenderDomainOptions['resolver'], bad: ReadonlySet<string>, domain: string, servers: readonly string[]): Promise<Verdict> {
  let unavailable: string | undefined;
  let reachable = false;
  const look = async (asking: Promise<Answer<string>>): Promise<string | undefined> => {
    const answer = await asking;
    if (answer.kind === 'unavailable') unavailable = answer.why;
    if (answer.kind !== 'found') return undefined;
    reachable = true;
    return answer.records.find(text => {
      const address = parseIpAddress(text);
      return address !== null && bad.has(formatIpAddress(address));
    });
  };
  for (const server of servers) {
    const found = await look(resolver.a(server)) ?? await look(resolver.aaaa(server));
    if (found !== undefined) return refuse('mailServerRefused', { why: `${found}, a mail server of ${domain}, is a badmx` });
    if (reachable && bad.size === 0) return pass;
  }
  if (reachable) return pass;
  if (unavailable !== undefined) return refuse('lookupUnavailable', { why: `mail servers of the sender domain ${domain}: ${unavailable}` });
  return refuse('senderDomainUnknown', { why: `no mail server of the sender domain ${domain} has an address` });
}
