/**
 * DKIM, ARC and DMARC of a message (variable DMARC), verified while it comes in; what was found becomes a field of ours,
 * Authentication-Results. Whether the author's domain is obeyed is the operator's choice: `record`, `reject`, `honour`.
 * Trouble, ours or DNS's, refuses nobody for good. Where policies are obeyed it defers: a stranger who adds signatures of
 * names that hang must not get past the policy of the name he forges.
 */
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Facts, Pass, TraceField, Variables, Verdict } from '../../core/policy.ts';
import { refuse } from '../../core/status.ts';
import type { Watch, Witness } from '../../core/witness.ts';
import { domainOf, unquotedLocalPart } from '../../grammar/address.ts';
import { formatAuthenticationResults, type MethodResult } from '../../grammar/header/authentication-results.ts';
import type { DmarcResult, MailAuthentication, Signature, Verified } from '../../kit/mail-authentication.ts';
import { createTap } from '../../kit/tap.ts';
import { withinLimit } from '../../kit/time-limit.ts';
import { askSpf, type SpfOptions } from './spf/check.ts';

export interface AuthenticationOptions extends SpfOptions {
  readonly resolver: SpfOptions['resolver'] & Parameters<MailAuthentication['verify']>[0]['resolver'];
  readonly clock: Clock;
  readonly log: Log;
  readonly verifier: MailAuthentication;
}

/** From the end of the content; DNS has had the whole time before. A client waits ten minutes (RFC 5321 §4.5.3.2.6). */
const LATEST_MS = 20_000;
const NEVER = new AbortController().signal;

type Obedience = 'record' | 'reject' | 'honour';

export function createAuthentication(options: AuthenticationOptions): Witness {
  return {
    open(facts) {
      const obedience = obedienceOf(facts.variables);
      const { source, login, relayClient, remoteAddress } = facts.origin;
      // What people of ours send is not theirs to prove here.
      if (obedience === null || source !== 'esmtp' || login !== undefined || relayClient !== undefined || remoteAddress === undefined) return null;
      return watch(options, facts, obedience);
    },
  };
}

/** Null: nothing is verified. */
function obedienceOf(variables: Variables): Obedience | null {
  const word = (variables.get('DMARC') ?? '').toLowerCase();
  return (['record', 'reject', 'honour'] as const).find(one => one === word) ?? null;
}

interface SpfFound {
  readonly result: string;
  readonly identity: 'mailfrom' | 'helo';
  readonly domain: string;
}

function watch(options: AuthenticationOptions, opened: Facts, obedience: Obedience): Watch {
  const { clock, log, verifier, resolver } = options;
  const tap = createTap();
  const stop = new AbortController();
  const spf = findSpf(options, opened);
  const spfPassed = spf.then(({ result, domain }) => (result === 'pass' ? [domain] : []));
  const verifying = verifier.verify({ content: tap, spfPassed, resolver, now: clock.now() }, stop.signal);
  // Whoever verifies no more must not keep the content waiting.
  verifying.catch(() => undefined).finally(() => tap.close());

  return {
    write: chunk => tap.write(chunk),
    async judge(facts) {
      tap.end();
      const limited = await withinLimit(clock, LATEST_MS, NEVER, () => verifying);
      if (limited.kind === 'done') return conclude(options, facts, { verified: limited.value, spf: await spf, obedience });
      const why = limited.kind === 'late' ? 'DNS takes too long' : String(limited.cause);
      log.warn('authentication', { from: facts.reversePath ?? '', relay: facts.origin.remoteAddress, why });
      stop.abort(new Error(why));
      if (obedience !== 'record') return refuse('contentDeferred', { why: `DMARC cannot be decided: ${why}` });
      return recorded(options, [{ method: 'dkim', result: 'temperror', properties: [] }, { method: 'dmarc', result: 'temperror', properties: [] }]);
    },
    close() {
      tap.close();
      stop.abort(new Error('the message is over'));
    },
  };
}

/** What a list has asked for already is not asked again. Without a sender, the name in HELO speaks (RFC 7208 §2.4). */
async function findSpf(options: AuthenticationOptions, { origin, variables, reversePath = null }: Facts): Promise<SpfFound> {
  const identity = reversePath === null ? 'helo' : 'mailfrom';
  const domain = reversePath === null ? (origin.helo ?? '') : domainOf(reversePath);
  const known = variables.get(identity === 'helo' ? 'SPF_HELO' : 'SPF_MAILFROM');
  if (known !== undefined) return { identity, domain, result: known };
  try {
    return { identity, domain, result: (await askSpf(options, origin, domain, reversePath === null ? 'postmaster' : unquotedLocalPart(reversePath))).result };
  } catch (cause) {
    options.log.error('bug', { cause });
    return { identity, domain, result: 'temperror' };
  }
}

interface Findings {
  readonly verified: Verified;
  readonly spf: SpfFound;
  readonly obedience: Obedience;
}

function conclude(options: AuthenticationOptions, { variables, origin, reversePath }: Facts, { verified, spf, obedience }: Findings): Verdict {
  const { dmarc, arc, fromFields, authors, unreadable } = verified;
  if (unreadable !== undefined) {
    const answer = recorded(options, [{ method: 'dkim', result: 'permerror', comment: unreadable, properties: [] }, { method: 'dmarc', result: 'permerror', comment: unreadable, properties: [] }]);
    return obedience === 'record' ? answer : refuse('dmarcRefused', { text: 'The message header has too many lines', why: unreadable });
  }
  const results: MethodResult[] = [
    { method: 'spf', result: spf.result, properties: [[`smtp.${spf.identity}`, spf.domain]] },
    ...(verified.signatures.length === 0 ? [{ method: 'dkim' as const, result: 'none', properties: [] }] : verified.signatures.map(ofSignature)),
    ...(verified.signaturesLeft === 0 ? [] : [{ method: 'dkim' as const, result: 'policy', comment: `${verified.signaturesLeft} more are not looked at`, properties: [] }]),
    ...(arc === null ? [] : [{ method: 'arc' as const, result: arc.result, comment: `i=${arc.instances}${arc.why === undefined ? '' : `, ${arc.why}`}`, properties: [] }]),
    { method: 'dmarc', result: dmarc?.result ?? 'permerror', comment: commentOf(dmarc, fromFields), properties: [['header.from', dmarc?.author ?? domainOfAuthor(authors[0])]] },
  ];
  const answer = recorded(options, results);
  if (obedience === 'record') return answer;
  // RFC 5322 §3.6: one. With two, each reader may believe another one, and DMARC none.
  if (fromFields > 1) return refuse('dmarcRefused', { text: 'The message has several From fields', why: `${fromFields} From fields: ${authors.join(', ')}` });
  if (dmarc?.result !== 'fail' || dmarc.policy === undefined || dmarc.policy === 'none') return answer;
  const sealer = arc?.result === 'pass' ? arc.sealer : undefined;
  if (sealer !== undefined && trusts(variables, sealer)) return answer;
  const why = `DMARC fails for ${dmarc.author}, which asks for ${dmarc.policy}; SPF ${spf.result} for ${spf.domain}, ${verified.signatures.length} signatures`;
  if (mayStillPass(verified, spf, dmarc.author)) return refuse('contentDeferred', { why: `${why}; DNS was in trouble for one of them` });
  if (dmarc.policy === 'reject') return refuse('dmarcRefused', { why });
  if (obedience !== 'honour') return answer;
  options.log.info('authentication', { from: reversePath ?? '', relay: origin.remoteAddress, what: 'quarantine', why });
  return { kind: 'quarantine', why, ...(answer.fields === undefined ? {} : { fields: answer.fields }) };
}

/** A key or a record that could not be had now, of a name that would count for the author. */
function mayStillPass({ signatures }: Verified, spf: SpfFound, author: string): boolean {
  const related = (domain: string): boolean => domain === author || author.endsWith(`.${domain}`) || domain.endsWith(`.${author}`);
  return (spf.result === 'temperror' && related(spf.domain)) || signatures.some(({ result, domain }) => result === 'temperror' && related(domain));
}

/** ARCTRUST: who is believed that a message was good when it passed him (RFC 8617 §5.2). */
function trusts(variables: Variables, sealer: string): boolean {
  return (variables.get('ARCTRUST') ?? '').toLowerCase().split(/[\s,]+/).includes(sealer);
}

function ofSignature({ result, why, domain, selector, algorithm, beginning, unsignedOctets }: Signature): MethodResult {
  const comment = [why, unsignedOctets === undefined ? undefined : `${unsignedOctets} octets of the body are not signed`].filter(one => one !== undefined).join(', ');
  return { method: 'dkim', result, ...(comment === '' ? {} : { comment }), properties: [['header.d', domain], ['header.s', selector], ['header.a', algorithm], ['header.b', beginning]] };
}

function commentOf(dmarc: DmarcResult | null, fromFields: number): string {
  if (dmarc === null) return fromFields === 1 ? 'From names no single domain' : `${fromFields} From fields`;
  return dmarc.policy === undefined ? 'no record' : `p=${dmarc.policy}`;
}

function domainOfAuthor(author = ''): string {
  return author.slice(author.lastIndexOf('@') + 1).toLowerCase();
}

function recorded({ me }: AuthenticationOptions, results: readonly MethodResult[]): Pass {
  const field: TraceField = { name: 'Authentication-Results', value: formatAuthenticationResults(me, results), place: 'below' };
  return { kind: 'pass', fields: [field], variables: new Map([['DMARC_RESULT', results.find(one => one.method === 'dmarc')?.result ?? 'none']]) };
}
