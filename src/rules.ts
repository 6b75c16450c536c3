/** A configuration made into what the rooms ask at each decision. Built anew by each reload, never changed. */
import type { Configuration, Listener } from './configuration.ts';
import type { Address, Origin } from './core/envelope.ts';
import type { Awaitable } from './core/intake.ts';
import type { Admission, Check, Variables } from './core/policy.ts';
import { refuse, type Refusal } from './core/status.ts';
import { createAdmission, createChecks } from './flow/check/index.ts';
import { createTraceFields } from './flow/rewrite/index.ts';
import type { CalendarSettings } from './flow/schedule/index.ts';
import type { FoundMailbox } from './flow/transport/local/index.ts';
import { domainOf, localPart, parseAddress, unquotedLocalPart } from './grammar/address.ts';
import { canonicalIpv6, literalAddress } from './grammar/domain.ts';
import { dialFax, faxSourceOf } from './grammar/fax/dial-fax.ts';
import { parseFaxDomain } from './grammar/fax/fax-address.ts';
import { routeAddress, type Routed } from './grammar/uucp/bang-path.ts';

export interface Rules {
  readonly configuration: Configuration;
  readonly checks: readonly Check[];
  readonly calendar: CalendarSettings;
  readonly trace: ReturnType<typeof createTraceFields>;
  admission(listener: Listener['name']): Admission;
  variables(origin: Origin): Variables;
  /** Which of our own transports takes a domain; null: it goes out. */
  ownTransport(domain: string): 'local' | 'trial' | null;
  /** Where a recipient goes by UUCP; null: it does not. */
  byUucp(recipient: Address): Routed | null;
  resolve(recipient: Address, origin: Origin): Awaitable<Address | Refusal>;
}

export interface Mailboxes {
  find(recipient: Address): Awaitable<FoundMailbox>;
}

export function calendarOf({ queue }: Configuration): CalendarSettings {
  return {
    retryAlphaMs: queue.retry.alphaMs, retryBeta: queue.retry.beta, retryGammaMs: queue.retry.gammaMs, retryMaxDelta: queue.retry.maxDelta,
    queueTimeMs: queue.queueTimeMs, warnTimeMs: queue.warnTimeMs,
  };
}

const NO_VARIABLES: Variables = new Map();

export function compileRules(configuration: Configuration, mailboxes: Mailboxes): Rules {
  const { names, domains, bofh } = configuration;
  const admissions = new Map(configuration.listeners.map(({ name, access, variables }) => [name, createAdmission({ access, variables })]));
  const closed = createAdmission({ access: [], variables: NO_VARIABLES });
  const admission = (name: Listener['name']) => admissions.get(name) ?? closed;
  const accepts = { has: (domain: string) => domains.acceptMailFor.has(domain) || domains.trial.has(domain) || isFax(domain) };
  // Whether this client may is asked of the address, when it is resolved.
  const isFax = (domain: string) => configuration.fax.enabled && parseFaxDomain(domain) !== null;

  function ownTransport(domain: string): 'local' | 'trial' | null {
    if (domains.trial.has(domain)) return 'trial';
    return domains.locals.has(domain) || domains.hosted.find(domain) !== undefined ? 'local' : null;
  }

  function resolve(recipient: Address, origin: Origin): Awaitable<Address | Refusal> {
    const address = atHome(recipient, origin);
    // Nobody waits for an answer at the other end of a UUCP job: what cannot be delivered is reported instead.
    if (origin.source === 'uucp') return address;
    if (isFax(domainOf(address))) return mayFax(address, origin);
    const routed = byUucp(address);
    if (routed !== null) return mayGo(address, routed, origin);
    if (ownTransport(domainOf(address)) !== 'local') return address;
    const found = mailboxes.find(address);
    return found instanceof Promise ? found.then(late => known(address, late)) : known(address, found);
  }

  function byUucp(recipient: Address): Routed | null {
    return routeAddress(unquotedLocalPart(recipient), domainOf(recipient), configuration.uucp.site);
  }

  /** Courier's replies. A path that leads beyond a neighbour would be an open relay for strangers. */
  function mayGo(address: Address, routed: Routed, origin: Origin): Address | Refusal {
    if (routed.kind !== 'route') return refuse('noSuchMailbox', { text: `${routed.kind === 'invalid' ? 'Invalid' : 'Unknown'} UUCP bang path` });
    const trusted = origin.relayClient !== undefined || origin.login !== undefined || origin.remoteAddress === undefined || variables(origin).has('RELAYCLIENT');
    const beyond = unquotedLocalPart(address).includes('!') && (routed.argument.includes('!') || routed.argument.includes('@') || routed.argument.includes('%') || configuration.uucp.site.neighbors.find(routed.node) === undefined);
    return beyond && !trusted ? refuse('relayDenied', { why: 'the bang path leads beyond a neighbour, and the client may not relay' }) : address;
  }

  /** Courier's FAXRELAYCLIENT, which a login brings along; then its rules, with the word for the way in. */
  function mayFax(address: Address, origin: Origin): Address | Refusal {
    const source = faxSourceOf(origin.source);
    if (source === 'esmtp' && origin.login === undefined && !variables(origin).has('FAXRELAYCLIENT')) return refuse('badRecipientAddress', { why: 'the client has no FAXRELAYCLIENT' });
    const dialled = dialFax(configuration.fax, unquotedLocalPart(address), domainOf(address), source);
    if (dialled?.kind !== 'refused') return address;
    return dialled.reason === 'blocked' ? refuse('relayDenied', { text: 'This number is not called from here', why: dialled.why }) : refuse('noSuchMailbox', { text: 'Invalid fax phone number', why: dialled.why });
  }

  function variables(origin: Origin): Variables {
    if (origin.remoteAddress === undefined) return NO_VARIABLES;
    const admitted = admission(origin.source === 'submission' ? 'esmtpd-msa' : 'esmtpd').admit({ remoteAddress: origin.remoteAddress, localAddress: origin.localAddress ?? '', localPort: 0 });
    return admitted.kind === 'refused' ? NO_VARIABLES : admitted.variables;
  }

  /** `<Postmaster>` without a domain, and literals of the address that the client spoke to, are ours (courier-like 1.9). */
  function atHome(recipient: Address, origin: Origin): Address {
    const domain = domainOf(recipient);
    const literal = literalAddress(domain);
    const ours = domain === '' || (literal !== null && origin.localAddress !== undefined && sameAddress(literal, origin.localAddress));
    // RELAYCLIENT's value is appended to the recipient, as qmail has it.
    const suffix = origin.relayClient ?? '';
    if (!ours && suffix === '') return recipient;
    return parseAddress(ours ? `${localPart(recipient)}@${names.defaultDomain}` : `${recipient}${suffix}`) ?? recipient;
  }

  return {
    configuration,
    checks: createChecks({ acceptMailFor: accepts, bofh }),
    calendar: calendarOf(configuration),
    trace: createTraceFields({ me: names.me, messageIdHost: names.messageIdHost }),
    admission,
    variables,
    ownTransport,
    byUucp,
    resolve,
  };
}

function known(address: Address, found: FoundMailbox): Address | Refusal {
  if (found.kind === 'found') return address;
  return found.kind === 'none' ? refuse('noSuchMailbox') : refuse('ourFault', { why: 'the account data cannot be read' });
}

function sameAddress(one: string, other: string): boolean {
  return one === other || canonicalIpv6(one) === (canonicalIpv6(other) ?? '');
}
