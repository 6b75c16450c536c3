/** From a destination to one whose relays know what TLS they owe; each step is told to whoever asks why. */
import type { Destination, Relay, Settled } from '../../core/transport.ts';
import type { PublishedPolicy, TlsFailure, TlsJournal, TlsPolicy } from '../../core/tls.ts';
import { asciiDomain, isIp } from '../../grammar/domain.ts';
import { isMxOf } from '../../grammar/mta-sts.ts';
import { placeOf } from '../../grammar/next-hop.ts';
import { formatTlsa } from '../../kit/net/dane.ts';
import type { Resolver } from '../../kit/dns/resolver.ts';
import { findDane, type DaneFound } from './dane-lookup.ts';
import type { StsFound, StsPolicies } from './sts.ts';

/** What `tlspolicy` says of a domain. */
export interface TlsDomainRule {
  readonly policy: 'auto' | 'none' | 'opportunistic' | 'required' | 'verified' | 'dane' | 'dane-only' | 'private';
  readonly names: readonly string[];
  /** With `private`. */
  readonly authorities?: readonly string[];
}

export interface TlsDecisionSettings {
  readonly resolver: Pick<Resolver, 'mx' | 'a' | 'aaaa' | 'tlsa'>;
  readonly sts: Pick<StsPolicies, 'find'>;
  readonly ruleOf: (domain: string) => TlsDomainRule | null;
  readonly journal: TlsJournal;
}

export interface TlsDecision {
  /** `nexthop`: as the route table writes it. */
  apply(nexthop: string, destination: Destination, tell?: (step: string) => void): Promise<Destination | Settled>;
}

const auto: TlsDomainRule = { policy: 'auto', names: [] };
const silence: (step: string) => void = () => undefined;

type Decided = Relay & { readonly tls: TlsPolicy };

export function createTlsDecision({ resolver, sts, ruleOf, journal }: TlsDecisionSettings): TlsDecision {
  async function apply(nexthop: string, destination: Destination, tell = silence): Promise<Destination | Settled> {
    const name = placeOf(nexthop);
    const domain = asciiDomain(name.host) ?? name.host;
    // What a route demands in so many words is neither more nor less.
    if (destination.tls.kind === 'required' || destination.tls.kind === 'smtps') {
      tell(`esmtproutes says ${destination.tls.kind}${destination.tls.verify ? ', verified' : ''} for this way`);
      return withTls(destination, { ...destination.tls, by: 'esmtproutes' });
    }
    const found = ruleOf(domain);
    const rule = found ?? auto;
    tell(found === null ? `tlspolicy says nothing of ${domain}: auto` : `tlspolicy says ${rule.policy} for ${domain}`);
    const fixed = fixedPolicy(rule, destination.tls);
    if (fixed !== null) return withTls(destination, fixed);
    if (destination.tls.kind === 'none' && rule.policy === 'auto') {
      tell('ESMTP_USE_STARTTLS is 0: no TLS');
      return destination;
    }
    if (isIp(domain) || domain.startsWith('[')) {
      tell('an address publishes no policy: opportunistic');
      return destination;
    }
    return publishedPolicies({ domain, relayed: name.relayed, rule, destination, tell });
  }

  async function publishedPolicies({ domain, relayed, rule, destination, tell }: Question): Promise<Destination | Settled> {
    const dane = await daneOf(domain, destination, tell);
    // Known a moment ago; whoever makes it unknown now must not have weakened anything.
    if (dane === null) return deferral('4.4.3', `Whether the mail exchangers of ${domain} are signed cannot be looked up`);
    const wantsSts = rule.policy === 'auto' && !relayed && destination.relays.some(({ host }) => dane.get(host)?.kind === 'none');
    const policy = wantsSts ? await sts.find(domain) : null;
    if (policy !== null) tell(wordsOf(policy));
    const usual: TlsPolicy = rule.policy === 'dane' || rule.policy === 'dane-only' ? { ...destination.tls, kind: 'opportunistic' } : destination.tls;
    const decided = destination.relays.map(relay => decide({ relay, domain, usual, only: rule.policy === 'dane-only', dane: dane.get(relay.host), policy }));
    const usable: Relay[] = [];
    const others: Relay[] = [];
    for (const { tls, ...relay } of decided) {
      if (tls.forbidden === undefined) usable.push({ ...relay, tls });
      else {
        if (!others.some(({ host }) => host === relay.host)) {
          if (tls.published !== undefined) journal.note({ published: tls.published, relay });
          tell(`${relay.host}: ${tls.forbidden}, so it is not used`);
        }
        others.push({ ...relay, tls });
      }
    }
    // With none to use they stay, so that each says why; and a message that does not mind (TLS-Required: No) has a way.
    return { ...destination, relays: usable.length > 0 ? usable : others };
  }

  async function daneOf(domain: string, { relays }: Destination, tell: (step: string) => void): Promise<ReadonlyMap<string, DaneFound> | null> {
    const mx = await resolver.mx(domain);
    if (mx.kind === 'unavailable') return null;
    const nexthopNames = [domain, ...(mx.kind === 'found' && mx.owner !== undefined ? [mx.owner] : [])];
    if (mx.kind === 'found') tell(`MX of ${domain}: ${mx.authentic ? 'signed' : 'not signed, so DANE cannot be trusted'}`);
    const signed = new Set(mx.kind === 'found' && mx.authentic ? mx.records.map(({ exchange }) => exchange) : []);
    const hosts = new Map(relays.map(relay => [relay.host, relay]));
    const answers = await Promise.all([...hosts].map(async ([host, { port, address }]): Promise<readonly [string, DaneFound]> => {
      if (isIp(host)) return [host, { kind: 'none', why: 'an address' }];
      // Without MX the host is the domain itself, and its own signature is all there is to ask for.
      if (!signed.has(host) && !(mx.kind === 'none' && host === domain)) return [host, { kind: 'none', why: 'the MX is not signed' }];
      return [host, await findDane(resolver, { host, port, nexthopNames, ...(address === undefined ? { unasked: true as const } : {}) })];
    }));
    for (const [host, found] of answers) tell(`${host}: ${daneWords(found)}`);
    return new Map(answers);
  }

  return { apply };
}

interface Question {
  readonly domain: string;
  readonly relayed: boolean;
  readonly rule: TlsDomainRule;
  readonly destination: Destination;
  readonly tell: (step: string) => void;
}

function deferral(status: '4.4.3', text: string): Settled {
  return { kind: 'settled', outcome: { kind: 'deferred', status, blame: 'nexthop', said: { type: 'x-gateway', text } } };
}

/** What an operator fixed, whatever a domain publishes. */
function fixedPolicy({ policy, names, authorities }: TlsDomainRule, usual: TlsPolicy): TlsPolicy | null {
  const by = 'tlspolicy';
  const named = names.length === 0 ? {} : { names };
  switch (policy) {
    case 'none':
      return { kind: 'none', verify: false, by };
    case 'opportunistic':
      return { ...usual, kind: 'opportunistic', by };
    case 'required':
      return { kind: 'required', verify: false, by };
    case 'verified':
      return { kind: 'required', verify: true, by, ...named };
    case 'private':
      return { kind: 'required', verify: true, by, ...named, authorities: authorities ?? [] };
    case 'auto':
    case 'dane':
    case 'dane-only':
      return null;
    default:
      return policy satisfies never;
  }
}

function withTls(destination: Destination, tls: TlsPolicy): Destination {
  return { ...destination, tls };
}

interface Case {
  readonly relay: Relay;
  readonly domain: string;
  readonly usual: TlsPolicy;
  /** DANE or nothing. */
  readonly only: boolean;
  readonly dane: DaneFound | undefined;
  readonly policy: StsFound | null;
}

function decide({ relay, domain, usual, only, dane, policy }: Case): Decided {
  if (dane?.kind === 'broken') {
    return forbidden(relay, 'DANE', { kind: 'tlsa', domain, lines: [] }, { type: 'dnssec-invalid', why: dane.why });
  }
  if (dane?.kind === 'demand') {
    const { demand } = dane;
    const published: PublishedPolicy = { kind: 'tlsa', domain, lines: demand.records.map(formatTlsa) };
    if (demand.records.length > 0) return { ...relay, tls: { kind: 'required', verify: false, dane: demand, by: 'DANE', published } };
    // RFC 7672 §2.2: encrypted, since the domain says that it can; nobody is able to say with whom.
    if (!only) return { ...relay, tls: { kind: 'required', verify: false, by: 'DANE without usable records', published: { ...published, flaw: { type: 'tlsa-invalid', why: 'no TLSA record is usable' } } } };
  }
  if (only) {
    const why = dane?.kind === 'none' ? dane.why : 'no TLSA record is usable';
    // Not the domain's wish, so not the domain's to hear of.
    return { ...relay, tls: { kind: 'required', verify: true, by: 'tlspolicy', forbidden: `tlspolicy wants DANE, and ${why}` } };
  }
  return decideBySts(relay, domain, usual, policy);
}

/** Nothing less than what it cannot have. */
function forbidden(relay: Relay, by: string, published: PublishedPolicy, flaw: TlsFailure): Decided {
  return { ...relay, tls: { kind: 'required', verify: true, by, published: { ...published, flaw }, forbidden: flaw.why } };
}

function decideBySts(relay: Relay, domain: string, usual: TlsPolicy, found: StsFound | null): Decided {
  if (found?.kind !== 'policy' || found.policy.mode === 'none') {
    const flaw = found?.kind === 'trouble' ? { flaw: { type: found.fault, why: found.why } } : {};
    const published: PublishedPolicy = { kind: found?.kind === 'trouble' || found?.kind === 'policy' ? 'sts' : 'no-policy-found', domain, lines: found?.kind === 'policy' ? found.policy.lines : [], ...flaw };
    return { ...relay, tls: { ...usual, published } };
  }
  const { mode, mx, lines } = found.policy;
  const published: PublishedPolicy = { kind: 'sts', domain, lines, mxHosts: mx };
  const named = isMxOf(found.policy, relay.host);
  const stranger: TlsFailure = { type: 'validation-failure', why: `the MTA-STS policy of ${domain} does not name it` };
  if (mode === 'testing') return { ...relay, tls: { ...usual, by: 'MTA-STS testing', published: { ...published, testing: true, ...(named ? {} : { flaw: stranger }) } } };
  if (!named) return forbidden(relay, 'MTA-STS', published, stranger);
  return { ...relay, tls: { kind: 'required', verify: true, by: 'MTA-STS', published } };
}

function daneWords(found: DaneFound): string {
  if (found.kind === 'none') return `no DANE, ${found.why}`;
  if (found.kind === 'broken') return found.why;
  const { records, base } = found.demand;
  if (records.length === 0) return `DANE at ${base}, but none of ${found.all} TLSA records is usable: TLS with whoever answers`;
  return `DANE, certificate by ${records.map(formatTlsa).map(text => (text.length > 28 ? `${text.slice(0, 28)}…` : text)).join(' or ')}, as ${base}`;
}

function wordsOf(found: StsFound): string {
  switch (found.kind) {
    case 'none':
      return `no MTA-STS: ${found.why}`;
    case 'trouble':
      return `MTA-STS cannot be followed: ${found.why}`;
    case 'policy': {
      const { mode, mx, maxAgeS } = found.policy;
      return `MTA-STS ${mode}, id ${found.id}, max_age ${maxAgeS}, mx ${mx.join(' ')}${found.why === undefined ? '' : ` (${found.why})`}`;
    }
    default:
      return found satisfies never;
  }
}
