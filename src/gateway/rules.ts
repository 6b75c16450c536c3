/** A configuration made into what the rooms ask at each decision. Built anew by each reload, never changed. */
import type { AliasFile, Configuration, Listener } from '../configuration.ts';
import type { Address, Origin } from '../core/envelope.ts';
import type { Awaitable } from '../core/intake.ts';
import type { Log } from '../core/log.ts';
import type { Admission, Check, Variables } from '../core/policy.ts';
import { refuse, type Refusal } from '../core/status.ts';
import { createAdmission, createChecks } from '../flow/check/index.ts';
import type { Members } from '../flow/intake/index.ts';
import { createAliases, createCanonical, createTraceFields, instructionAddress, namesInstruction, type Aliases } from '../flow/rewrite/index.ts';
import type { CalendarSettings } from '../flow/schedule/index.ts';
import type { FoundMailbox } from '../flow/transport/local/index.ts';
import { domainOf, localPart, parseAddress, unquotedLocalPart } from '../grammar/address.ts';
import type { AliasTarget } from '../grammar/alias/alias-table.ts';
import { canonicalIpv6, literalAddress } from '../grammar/domain.ts';
import { percentInward } from '../grammar/percent-relay.ts';
import { dialFax, faxSourceOf } from '../grammar/fax/dial-fax.ts';
import { parseFaxDomain } from '../grammar/fax/fax-address.ts';
import { hostKey, virtualHostOf } from '../grammar/virtual-host.ts';
import { routeAddress, type Routed } from '../grammar/uucp/bang-path.ts';

export interface Rules {
  readonly configuration: Configuration;
  /** Of virtual hosts, by their keys. */
  readonly hosts: ReadonlyMap<string, Rules>;
  /** Those that hold for a message that came so: its virtual host's, or these. */
  of(origin: Origin): Rules;
  readonly checks: readonly Check[];
  readonly calendar: CalendarSettings;
  readonly trace: ReturnType<typeof createTraceFields>;
  admission(listener: Listener['name']): Admission;
  variables(origin: Origin): Variables;
  /** Which of our own transports takes a domain; null: it goes out. */
  ownTransport(domain: string): 'local' | 'trial' | null;
  /** Where a recipient goes by UUCP; null: it does not. */
  byUucp(recipient: Address): Routed | null;
  /** `tell` hears of each step, for people who ask why. */
  resolve(recipient: Address, origin: Origin, tell?: (step: string) => void): Awaitable<Address | Members | Refusal>;
  /** The `.courier` line that an alias put into an address, or null when no alias says it any more. */
  instruction(recipient: Address): string | null;
  /** The alias files that this way in sees, the narrower ones first. */
  aliases(source: Origin['source']): readonly { readonly name: string; readonly aliases: Aliases }[];
  /** What is wrong with any of them. */
  aliasProblems(): readonly string[];
}

export interface Mailboxes {
  find(recipient: Address): Awaitable<FoundMailbox>;
}

export function calendarOf({ queue, client }: Configuration): CalendarSettings {
  return {
    retryAlphaMs: queue.retry.alphaMs, retryBeta: queue.retry.beta, retryGammaMs: queue.retry.gammaMs, retryMaxDelta: queue.retry.maxDelta,
    queueTimeMs: queue.queueTimeMs, warnTimeMs: queue.warnTimeMs, otherWayWhenLate: client.backupRelay !== undefined,
  };
}

/** Which alias files each way in sees besides the common ones. */
const MODULES: Readonly<Partial<Record<Origin['source'], string>>> = { esmtp: 'esmtp', submission: 'esmtp', local: 'local', uucp: 'uucp' };

/** What nobody notices who writes a file and then a mail. */
const ALIASES_LOOK_MS = 50;
const NO_VARIABLES: Variables = new Map();

export function compileRules(configuration: Configuration, mailboxes: Mailboxes, log: Log): Rules {
  const { names, domains, bofh, addresses: { aliasFiles } } = configuration;
  const hosts = new Map([...configuration.hosts].map(([key, own]) => [key, compileRules(withOwnSize(own), mailboxes, log)]));
  const admissions = new Map(configuration.listeners.map(({ name, access, variables, options }) => [name, createAdmission({ access, variables, denied: options?.denied ?? null, local: options?.local ?? false })]));
  const closed = createAdmission({ access: [], variables: NO_VARIABLES });
  const shared = (name: Listener['name']) => admissions.get(name) ?? closed;
  /** A message does not say which listener it came by; where the likeliest is not open, the next one's word on its address holds. */
  const likeliest = (names: readonly Listener['name'][]) => shared(names.find(name => admissions.has(name)) ?? 'esmtpd');
  const submitted = likeliest(['esmtpd-msa', 'esmtpd', 'esmtpd-ssl']);
  const transferred = likeliest(['esmtpd', 'esmtpd-ssl', 'esmtpd-msa']);
  /** An address's own virtual host decides for who connects to it; a login's is not known yet. */
  const admission = (name: Listener['name']): Admission => (hosts.size === 0 ? shared(name) : {
    admit: peer => (hosts.get(hostKey(peer.localAddress) ?? '')?.admission(name) ?? shared(name)).admit(peer),
  });
  const of = (origin: Origin): Rules => hosts.get(virtualHostOf(hosts, origin) ?? '') ?? rules;
  const accepts = { has: (domain: string) => domains.acceptMailFor.has(domain) || domains.trial.has(domain) || isFax(domain) };
  // Whether this client may is asked of the address, when it is resolved.
  const isFax = (domain: string) => configuration.fax.enabled && parseFaxDomain(domain) !== null;

  function ownTransport(domain: string): 'local' | 'trial' | null {
    if (domains.trial.has(domain)) return 'trial';
    return domains.locals.has(domain) || domains.hosted.find(domain) !== undefined ? 'local' : null;
  }

  const canonical = createCanonical({ locals: domains.locals, hosted: domains.hosted, defaultDomain: names.defaultDomain, lowerCase: configuration.addresses.lowerCase });
  const aliasFile = (name: AliasFile) => ({ name, aliases: createAliases({ paths: [aliasFiles[name]], canonical: canonical.key, log, momentMs: ALIASES_LOOK_MS }) });
  const common = aliasFile('aliases');
  const byModule = new Map<string, ReturnType<typeof aliasFile>>((['esmtp', 'local', 'uucp'] as const).map(module => [module, aliasFile(`aliases-${module}`)]));

  function aliases(source: Origin['source']): readonly ReturnType<typeof aliasFile>[] {
    const own = byModule.get(MODULES[source] ?? '');
    return own === undefined ? [common] : [own, common];
  }

  function resolve(recipient: Address, origin: Origin, tell?: (step: string) => void): Awaitable<Address | Members | Refusal> {
    const home = atHome(recipient, origin);
    const address = canonical.settled(home);
    if (address !== recipient) tell?.(`${recipient} is ${address} here`);
    const key = canonical.key(address);
    for (const { name, aliases: files } of aliases(origin.source)) {
      const table = files.current();
      if (table === null) return refuse('ourFault', { why: `the ${name} cannot be read` });
      const found = table.find(key);
      if (found === null) continue;
      for (const step of found.steps) tell?.(`${name}: ${step}`);
      const members = found.targets.map(target => targetAddress(target, key)).filter(one => one !== null);
      return members.length === 0 ? refuse('ourFault', { why: `the alias ${key} leads nowhere` }) : { kind: 'members', members };
    }
    if (key !== address) tell?.(`no alias is called ${key}`);
    const transport = ownTransport(domainOf(address));
    // What an alias says to run is reached by that alias alone, never by a stranger who knows its name.
    if ((transport === 'local' || domainOf(address) === names.defaultDomain) && unquotedLocalPart(address).startsWith('.')) return refuse('noSuchMailbox');
    // Nobody waits for an answer at the other end of a UUCP job: what cannot be delivered is reported instead.
    if (origin.source === 'uucp') return address;
    if (isFax(domainOf(address))) {
      tell?.(`${address} is a fax number`);
      return mayFax(address, origin);
    }
    const routed = byUucp(address);
    if (routed !== null) {
      tell?.(`${address} is a path by UUCP`);
      return mayGo(address, routed, origin);
    }
    if (transport !== 'local') {
      tell?.(`${domainOf(address)} is ${transport === null ? 'not ours: it goes out' : 'a trial domain'}`);
      return address;
    }
    if (unquotedLocalPart(address).includes('!')) return refuse('noSuchMailbox');
    const answer = mailboxes.find(address);
    return answer instanceof Promise ? answer.then(late => known(address, late, tell)) : known(address, answer, tell);
  }

  function targetAddress(target: AliasTarget, alias: Address): Address | null {
    return target.kind === 'address' ? target.address : parseAddress(`"${instructionAddress(alias, target.text)}"@${names.defaultDomain}`);
  }

  function instruction(recipient: Address): string | null {
    const wanted = unquotedLocalPart(recipient);
    if (!wanted.startsWith('.xalias/')) return null;
    for (const { aliases: files } of [common, ...byModule.values()]) {
      for (const { members } of files.current()?.definitions ?? []) {
        for (const member of members) {
          if (member.kind === 'instruction' && namesInstruction(wanted, member.text)) return member.text;
        }
      }
    }
    for (const own of hosts.values()) {
      const found = own.instruction(recipient);
      if (found !== null) return found;
    }
    return null;
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
    const own = of(origin);
    if (own !== rules) return own.variables(origin);
    const admitted = (origin.source === 'submission' ? submitted : transferred).admit({ remoteAddress: origin.remoteAddress, localAddress: origin.localAddress ?? '', localPort: 0 });
    return admitted.kind === 'refused' ? NO_VARIABLES : admitted.variables;
  }

  /** `<Postmaster>` without a domain, and literals of the address that the client spoke to, are ours (courier-like 1.9). */
  function atHome(recipient: Address, origin: Origin): Address {
    const domain = domainOf(recipient);
    const ours = domain === '' || isOurLiteral(domain, origin);
    // RELAYCLIENT's value is appended to the recipient, as qmail has it.
    const suffix = origin.relayClient ?? '';
    if (!ours && suffix === '') return behindUs(recipient, origin);
    return parseAddress(ours ? `${localPart(recipient)}@${names.defaultDomain}` : `${recipient}${suffix}`) ?? recipient;
  }

  /** Whether the client may send there was asked of the domain before the `%` was looked at (courier-like 1.9). */
  function behindUs(recipient: Address, { source }: Origin): Address {
    if (domains.percentRelay.patterns.length === 0 || (source !== 'esmtp' && source !== 'submission')) return recipient;
    return parseAddress(percentInward(recipient, domains.locals, domains.percentRelay)) ?? recipient;
  }

  const rules: Rules = {
    configuration,
    hosts,
    of,
    checks: createChecks({ acceptMailFor: accepts, home: (domain, origin) => (isOurLiteral(domain, origin) ? names.defaultDomain : null), bofh }),
    calendar: calendarOf(configuration),
    trace: createTraceFields({ me: names.me, messageIdHost: names.messageIdHost }),
    admission,
    variables,
    ownTransport,
    byUucp,
    resolve,
    instruction,
    aliases,
    aliasProblems: () => [...new Set([...[common, ...byModule.values()].flatMap(one => one.aliases.problems()), ...[...hosts.values()].flatMap(one => one.aliasProblems())])],
  };
  return rules;
}

/** The session's limit is the listener's; a virtual host's own is said to it as the access file would. */
function withOwnSize(configuration: Configuration): Configuration {
  const listeners = configuration.listeners.map(one => ({ ...one, variables: new Map([['SIZELIMIT', String(one.sizeOctets ?? 0)], ...one.variables]) }));
  return { ...configuration, listeners };
}

function known(address: Address, found: FoundMailbox, tell?: (step: string) => void): Address | Refusal {
  tell?.(found.kind === 'found' ? `${address} is delivered ${found.dotFile === undefined ? `to ${found.folder}` : `as ${found.dotFile} says`}` : `${address} ${found.kind === 'none' ? 'has no mailbox' : 'may have a mailbox: the account data cannot be read'}`);
  if (found.kind === 'found') return address;
  return found.kind === 'none' ? refuse('noSuchMailbox') : refuse('ourFault', { why: 'the account data cannot be read' });
}

function isOurLiteral(domain: string, { localAddress }: Origin): boolean {
  const literal = literalAddress(domain);
  return literal !== null && localAddress !== undefined && sameAddress(literal, localAddress);
}

function sameAddress(one: string, other: string): boolean {
  return one === other || canonicalIpv6(one) === (canonicalIpv6(other) ?? '');
}
