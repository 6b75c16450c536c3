/**
 * SPF for the three names that a sender shows: in HELO and MAIL FROM before there is a message, in From when there is
 * one. What was found stands in the message's header and in the variables SPF_HELO and SPF_MAILFROM.
 */
import type { Clock } from '../../../core/clock.ts';
import type { Origin, ReversePath } from '../../../core/envelope.ts';
import { pass, type Check, type Facts, type Verdict, type Variables } from '../../../core/policy.ts';
import { domainOf, unquotedLocalPart } from '../../../grammar/address.ts';
import { firstAuthor } from '../../../grammar/header/author.ts';
import { parseIpAddress, formatIpAddress } from '../../../grammar/config/network.ts';
import { asciiDomain, literalAddress } from '../../../grammar/domain.ts';
import { formatReceivedSpf } from '../../../grammar/header/received-spf.ts';
import type { Resolver } from '../../../kit/dns/resolver.ts';
import { withinLimit } from '../../../kit/time-limit.ts';
import { isSet } from '../switch.ts';
import { evaluateSpf, type SpfAnswer } from './evaluate.ts';
import { passedMailFrom, refuseSpf, spfWishes, type SpfIdentity, type SpfWishes } from './wishes.ts';

export interface SpfOptions {
  readonly resolver: Pick<Resolver, 'a' | 'aaaa' | 'mx' | 'txt' | 'ptr'>;
  readonly clock: Clock;
  /** Our name. */
  readonly me: string;
}

/** RFC 7208 §4.6.4: at least twenty seconds; a client waits five minutes. */
const ALTOGETHER_MS = 20_000;

/** In the order in which to ask them; the first two before what judges HELO and the sender's domain otherwise. */
export function createSpfChecks(options: SpfOptions): { readonly helo: Check; readonly mailFrom: Check; readonly from: Check } {
  return {
    helo: { name: 'spf-helo', stage: 'mail', judge: facts => whenWished(facts, 'helo', wishes => judgeHelo(options, facts, wishes)) },
    mailFrom: { name: 'spf-mailfrom', stage: 'mail', judge: facts => whenWished(facts, 'mailfrom', wishes => judgeMailFrom(options, facts, wishes)) },
    from: { name: 'spf-from', stage: 'data', judge: facts => whenWished(facts, 'from', wishes => judgeFrom(options, facts, wishes)) },
  };
}

function whenWished(facts: Facts, identity: SpfIdentity, judge: (wishes: SpfWishes) => Promise<Verdict> | Verdict): Promise<Verdict> | Verdict {
  const { origin, variables } = facts;
  if (origin.remoteAddress === undefined || (origin.source !== 'esmtp' && origin.source !== 'submission')) return pass;
  if (origin.relayClient !== undefined && isSet(variables.get('BOFHSPFTRUSTME'))) return pass;
  const wishes = spfWishes(variables, identity);
  if (wishes === null || (wishes.allowListed && variables.has('ALLOW_0'))) return pass;
  return judge(wishes);
}

async function judgeHelo(options: SpfOptions, { origin, variables }: Facts, wishes: SpfWishes): Promise<Verdict> {
  const { helo = '', remoteAddress = '' } = origin;
  const literal = literalAddress(helo);
  if (literal !== null) return pass;
  const itself = parseIpAddress(helo);
  const client = parseIpAddress(remoteAddress);
  const answer: SpfAnswer = itself !== null && client !== null && formatIpAddress(itself) === formatIpAddress(client)
    ? { result: 'pass' }
    : await askSpf(options, origin, helo, 'postmaster');
  return conclude(options, { origin, variables, identity: 'helo', sender: helo, answer, wishes });
}

async function judgeMailFrom(options: SpfOptions, { origin, variables, reversePath = null }: Facts, wishes: SpfWishes): Promise<Verdict> {
  if (reversePath === null) return pass;
  const answer = await askSpf(options, origin, ...partsOf(reversePath));
  return conclude(options, { origin, variables, identity: 'mailfrom', sender: reversePath, answer, wishes });
}

async function judgeFrom(options: SpfOptions, { origin, variables, header }: Facts, wishes: SpfWishes): Promise<Verdict> {
  if (header === undefined || (wishes.mailFromSuffices && passedMailFrom(variables))) return pass;
  const author = firstAuthor(header);
  if (author === null) return pass;
  const answer = await askSpf(options, origin, ...partsOf(author));
  return conclude(options, { origin, variables, identity: 'from', sender: author, answer, wishes });
}

function partsOf(address: Exclude<ReversePath, null>): [string, string] {
  return [domainOf(address), unquotedLocalPart(address)];
}

/** Of anybody's question about a client; also what DMARC needs where no list asks for it. */
export async function askSpf({ resolver, clock, me }: SpfOptions, origin: Origin, domain: string, localPart: string): Promise<SpfAnswer> {
  const client = parseIpAddress(origin.remoteAddress ?? '');
  if (client === null) return { result: 'none' };
  const limited = await withinLimit(clock, ALTOGETHER_MS, NEVER, signal => evaluateSpf({ client, domain: asciiDomain(domain) ?? domain, localPart, helo: origin.helo ?? '', receiver: me, now: clock.now(), resolver }, signal));
  if (limited.kind === 'broken') throw limited.cause;
  return limited.kind === 'late' ? { result: 'temperror', why: 'DNS takes too long' } : limited.value;
}

const NEVER = new AbortController().signal;

interface Conclusion {
  readonly origin: Origin;
  readonly variables: Variables;
  readonly identity: SpfIdentity;
  readonly sender: string;
  readonly answer: SpfAnswer;
  readonly wishes: SpfWishes;
}

function conclude({ me }: SpfOptions, { origin, variables, identity, sender, answer, wishes }: Conclusion): Verdict {
  if (!wishes.accepts(answer.result)) return refuseSpf(variables, identity, answer);
  const { remoteName, remoteAddress = '', helo = '' } = origin;
  const value = formatReceivedSpf({ result: answer.result, identity, sender, remoteAddress, ...(remoteName === undefined ? {} : { remoteName }), helo, receiver: me });
  const learnt = identity === 'from' ? {} : { variables: new Map([[identity === 'helo' ? 'SPF_HELO' : 'SPF_MAILFROM', answer.result]]) };
  // Courier puts the one for From behind the header; a field of ours belongs above what others wrote.
  return { kind: 'pass', fields: [{ name: 'Received-SPF', value, place: 'above' }], ...learnt };
}
