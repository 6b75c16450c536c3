/**
 * DNS lists of addresses (RFC 5782): asked when a client connects, all at once; the answer is waited for where it first
 * counts. Courier's rules decide: lists in their order, one that speaks for a variable which has a value is passed over,
 * a hit of -block puts a text into it, a hit of -allow an empty one. BLOCK is refused at RCPT, and a login clears it;
 * where DROP names a variable that has a value then, the connection is closed without a word.
 */
import type { Clock } from '../../core/clock.ts';
import type { Awaitable } from '../../core/intake.ts';
import type { Log } from '../../core/log.ts';
import { pass, type Check, type Facts, type TraceField, type Variables, type Verdict } from '../../core/policy.ts';
import { refuse, type Refusal } from '../../core/status.ts';
import { noDnsLists, parseDnsLists, type DnsList, type DnsLists } from '../../grammar/config/ways-in/dns-lists.ts';
import { formatIpAddress, parseIpAddress, type IpAddress } from '../../grammar/config/network.ts';
import type { Resolver } from '../../kit/dns/resolver.ts';
import { withinLimit } from '../../kit/time-limit.ts';

export interface ListsOptions {
  readonly resolver: Pick<Resolver, 'a' | 'txt'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Our name, as others' Authentication-Results must not call themselves. */
  readonly me: string;
}

export interface Lists {
  /** At connect: the answers may be there when they are needed, and DROP waits for them. Refused: hang up. */
  meet(address: string, variables: Variables): Awaitable<Refusal | null>;
  /** Before everything that reads the variables. */
  readonly checks: readonly Check[];
}

/** One look-up, and all of them for a client; what has not answered by then has nothing to say. */
const LOOKUP_MS = 5_000;
const ALTOGETHER_MS = 8_000;
/** Clients whose answers are kept for a while, as a client of many messages asks once. */
const CLIENTS = 2_000;
const KEPT_MS = 60_000;
const TEXT_LETTERS = 400;
const NEVER = new AbortController().signal;
const NO_VARIABLES: Variables = new Map();

interface Hit {
  readonly list: DnsList;
  readonly address: string;
  readonly text: string | null;
}

interface Asked {
  readonly at: number;
  readonly hits: Promise<readonly (Hit | null)[]>;
  answer: readonly (Hit | null)[] | null;
}

export function createLists(options: ListsOptions): Lists {
  const { clock } = options;
  const asked = new Map<string, Asked>();
  const plans = new Map<string, DnsLists>();

  function planOf(variables: Variables): DnsLists {
    const text = `${variables.get('BLACKLISTS') ?? ''} ${variables.get('DROP') ?? ''}`.trim();
    if (text === '') return noDnsLists;
    const known = plans.get(text);
    if (known !== undefined) return known;
    const parsed = parseDnsLists(text);
    const plan = parsed.kind === 'read' ? parsed.value : noDnsLists;
    // As many as the configuration has texts; a reload brings others.
    if (plans.size > 100) plans.clear();
    plans.set(text, plan);
    return plan;
  }

  function ask(address: string, plan: DnsLists): Asked {
    const key = `${address} ${plan.lists.map(({ zone, only }) => `${zone}/${only ?? ''}`).join(' ')}`;
    const known = asked.get(key);
    if (known !== undefined && clock.now() - known.at < KEPT_MS) return known;
    const mine: Asked = { at: clock.now(), hits: lookUp(options, address, plan.lists), answer: null };
    void mine.hits.then(hits => { mine.answer = hits; });
    asked.delete(key);
    asked.set(key, mine);
    if (asked.size > CLIENTS) asked.delete(asked.keys().next().value as string);
    return mine;
  }

  function judge({ origin, variables }: Facts): Verdict | Promise<Verdict> {
    const { remoteAddress } = origin;
    if (remoteAddress === undefined || origin.login !== undefined) return pass;
    const plan = planOf(variables);
    if (plan.lists.length === 0) return pass;
    const mine = ask(remoteAddress, plan);
    const decide = (hits: readonly (Hit | null)[]): Verdict => conclude(options, remoteAddress, variables, hits);
    return mine.answer === null ? mine.hits.then(decide) : decide(mine.answer);
  }

  return {
    meet(address, variables) {
      const plan = planOf(variables);
      const mine = plan.lists.length === 0 ? null : ask(address, plan);
      const named = dropped(plan, variables);
      if (named !== null || mine === null || plan.drop.length === 0) return named;
      const decide = (hits: readonly (Hit | null)[]): Refusal | null => {
        const verdict = conclude(options, address, variables, hits);
        return verdict.kind === 'pass' ? dropped(plan, verdict.variables ?? NO_VARIABLES) : null;
      };
      return mine.answer === null ? mine.hits.then(decide) : decide(mine.answer);
    },
    checks: [
      // What SPF's `allowok` reads cannot wait for RCPT.
      { name: 'dns-lists', stage: 'mail', judge: facts => (needsEarly(facts.variables) ? judge(facts) : pass) },
      { name: 'dns-lists', stage: 'rcpt', judge },
    ],
  };
}

function needsEarly(variables: Variables): boolean {
  return ['BOFHSPFHELO', 'BOFHSPFMAILFROM', 'BOFHSPFFROM'].some(name => (variables.get(name) ?? '').toLowerCase().includes('allowok'));
}

function dropped({ drop }: DnsLists, variables: Variables): Refusal | null {
  const variable = drop.find(name => (variables.get(name) ?? '') !== '');
  return variable === undefined ? null : refuse('accessDenied', { text: '', why: `dropped: ${variable} is ${variables.get(variable)}` });
}

function lookUp(options: ListsOptions, address: string, lists: readonly DnsList[]): Promise<readonly (Hit | null)[]> {
  const client = parseIpAddress(address);
  if (client === null) return Promise.resolve(lists.map(() => null));
  const { clock, log } = options;
  const end = clock.now() + ALTOGETHER_MS;
  return Promise.all(lists.map(async list => {
    const limited = await withinLimit(clock, Math.min(LOOKUP_MS, end - clock.now()), NEVER, () => askList(options, client, list));
    if (limited.kind === 'done') return limited.value;
    log.warn('dns list', { zone: list.zone, relay: address, why: limited.kind === 'late' ? `no answer in ${LOOKUP_MS} ms` : String(limited.cause) });
    return null;
  }));
}

async function askList({ resolver, log }: ListsOptions, client: IpAddress, list: DnsList): Promise<Hit | null> {
  const name = `${reversed(client)}.${list.zone}`;
  const answer = await resolver.a(name);
  if (answer.kind === 'unavailable') log.warn('dns list', { zone: list.zone, relay: formatIpAddress(client), why: answer.why });
  if (answer.kind !== 'found') return null;
  const { only } = list;
  const address = only === null ? answer.records.find(isListed) : answer.records.find(one => one === only);
  if (address === undefined) {
    if (only === null) log.warn('dns list', { zone: list.zone, relay: formatIpAddress(client), why: `${answer.records.join(' ')} is no answer about an address; does the list serve us?` });
    return null;
  }
  const text = list.message?.kind === 'txt' ? await resolver.txt(name) : null;
  return { list, address, text: text?.kind === 'found' ? printable(text.records[0] ?? '') : null };
}

/** RFC 5782 §2.1: listed is 127.0.0.0/8. 127.255.255.0/24 is where lists say that they do not answer such as us. */
function isListed(address: string): boolean {
  return address.startsWith('127.') && !address.startsWith('127.255.255.');
}

function reversed({ family, octets }: IpAddress): string {
  if (family === 4) return octets.toReversed().join('.');
  return octets.flatMap(octet => [octet >> 4, octet & 15]).toReversed().map(nibble => nibble.toString(16)).join('.');
}

function conclude({ me }: ListsOptions, client: string, variables: Variables, hits: readonly (Hit | null)[]): Verdict {
  const learnt = new Map<string, string>();
  const fields: TraceField[] = [];
  const has = (name: string): boolean => learnt.has(name) || variables.has(name);
  let allows = 0;
  for (const hit of hits) {
    if (hit === null) continue;
    const { list: { kind, zone, display, variable, message }, address, text } = hit;
    if (has(variable)) continue;
    learnt.set(`${variable}_ZONE`, display);
    learnt.set(`${variable}_IP`, address);
    if (text !== null) learnt.set(`${variable}_TXT`, text);
    if (kind === 'allow') {
      learnt.set(variable, '');
      learnt.set(`ALLOW_${allows++}`, variable);
      const said = text === null ? '' : ` policy.txt="${text.replaceAll(/["\\]/g, '\\$&')}"`;
      fields.push({ name: 'Authentication-Results', value: `${me}; dnswl=pass dns.zone=${zone}\r\n  policy.ip=${address}${said}`, place: 'below' });
      continue;
    }
    const told = message?.kind === 'text' ? message.text.replaceAll('@', client) : (text ?? '');
    learnt.set(variable, told === '' ? `Blacklisted by ${display}` : told);
  }
  return learnt.size === 0 ? pass : { kind: 'pass', variables: learnt, ...(fields.length === 0 ? {} : { fields }) };
}

function printable(text: string): string {
  return text.replaceAll(/[^\u0020-\u007e]/g, '_').slice(0, TEXT_LETTERS);
}
