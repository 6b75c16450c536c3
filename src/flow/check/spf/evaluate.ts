/**
 * check_host() of RFC 7208 §4, with its limits: ten terms that ask, two that find nothing, ten names of an MX or PTR.
 * All look-ups of one question end with its signal.
 */
import type { Answer, Resolver } from '../../../kit/dns/resolver.ts';
import { formatIpAddress, networkHas, parseIpAddress, type IpAddress } from '../../../grammar/config/network.ts';
import { expandDomain, expandMacros, parseMacroText, usesName, type MacroLetter, type MacroText } from '../../../grammar/spf/macro.ts';
import { isSpfRecord, parseSpfRecord, type Directive, type Mechanism, type SpfRecord } from '../../../grammar/spf/record.ts';

export type SpfResult = 'none' | 'neutral' | 'pass' | 'fail' | 'softfail' | 'temperror' | 'permerror';

export interface SpfQuestion {
  readonly client: IpAddress;
  /** Of the identity that is judged, in A-labels. */
  readonly domain: string;
  /** Of the sender; an empty one is postmaster. */
  readonly localPart: string;
  readonly helo: string;
  /** Our name, for explanations. */
  readonly receiver: string;
  readonly now: number;
  readonly resolver: Pick<Resolver, 'a' | 'aaaa' | 'mx' | 'txt' | 'ptr'>;
}

export interface SpfAnswer {
  readonly result: SpfResult;
  /** What decided it, as its domain wrote it. */
  readonly mechanism?: string;
  /** The domain's own words on a failure (RFC 7208 §6.2). */
  readonly explanation?: string;
  readonly why?: string;
}

/** RFC 7208 §4.6.4. */
const TERMS = 10;
const VOIDS = 2;
const NAMES = 10;
const EXPLANATION_LETTERS = 400;

class Trouble extends Error {
  readonly result: 'temperror' | 'permerror';
  constructor(result: 'temperror' | 'permerror', why: string) {
    super(why);
    this.result = result;
  }
}

export async function evaluateSpf(question: SpfQuestion, signal: AbortSignal): Promise<SpfAnswer> {
  // RFC 7208 §4.3: what cannot be asked for publishes nothing.
  if (!isDomain(question.domain)) return { result: 'none', why: 'no domain name' };
  try {
    return await new Evaluation(question, signal).check(question.domain);
  } catch (cause) {
    if (cause instanceof Trouble) return { result: cause.result, why: cause.message };
    throw cause;
  }
}

function isDomain(name: string): boolean {
  const labels = name.replace(/\.$/, '').split('.');
  return labels.length > 1 && name.length <= 254 && labels.every(label => label !== '' && label.length <= 63);
}

class Evaluation {
  readonly #question: SpfQuestion;
  readonly #late: Promise<never>;
  #terms = 0;
  #voids = 0;
  #validated: Promise<readonly string[]> | undefined;

  constructor(question: SpfQuestion, signal: AbortSignal) {
    this.#question = question;
    this.#late = new Promise((_, reject) => {
      const stop = () => reject(new Trouble('temperror', 'DNS takes too long'));
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    });
    this.#late.catch(() => undefined);
  }

  async check(domain: string): Promise<SpfAnswer> {
    const record = await this.#record(domain);
    if (record === null) return { result: 'none' };
    for (const directive of record.directives) {
      if (await this.#matches(directive.mechanism, domain)) return this.#decided(directive, record, domain);
    }
    if (record.redirect === undefined) return { result: 'neutral', mechanism: 'default' };
    this.#countTerm();
    const target = expandDomain(record.redirect, await this.#values(domain, record.redirect));
    const answer = isDomain(target) ? await this.check(target) : null;
    // RFC 7208 §6.1
    if (answer === null || answer.result === 'none') throw new Trouble('permerror', `nothing to redirect to at ${target}`);
    return answer;
  }

  async #decided({ qualifier, text }: Directive, record: SpfRecord, domain: string): Promise<SpfAnswer> {
    const explanation = qualifier === 'fail' && record.exp !== undefined ? await this.#explain(record.exp, domain) : undefined;
    return { result: qualifier, mechanism: text, ...(explanation === undefined ? {} : { explanation }) };
  }

  async #record(domain: string): Promise<SpfRecord | null> {
    const answer = await this.#ask(this.#question.resolver.txt(domain));
    if (answer.kind === 'none') return null;
    if (answer.kind === 'unavailable') throw new Trouble('temperror', answer.why);
    const [text, second] = answer.records.filter(isSpfRecord);
    if (text === undefined) return null;
    if (second !== undefined) throw new Trouble('permerror', `${domain} has several SPF records`);
    const record = parseSpfRecord(text);
    if (record === null) throw new Trouble('permerror', `the SPF record of ${domain} cannot be read`);
    return record;
  }

  async #matches(mechanism: Mechanism, domain: string): Promise<boolean> {
    switch (mechanism.name) {
      case 'all': return true;
      case 'ip4':
      case 'ip6': return networkHas(mechanism.network, this.#question.client);
      case 'include': return this.#includes(await this.#target(mechanism.domain, domain));
      case 'exists': return this.#exists(await this.#target(mechanism.domain, domain));
      case 'ptr': return this.#named(await this.#target(mechanism.domain, domain));
      case 'a': return this.#hasAddress(await this.#target(mechanism.domain, domain), mechanism, 'term');
      case 'mx': return this.#hasExchanger(await this.#target(mechanism.domain, domain), mechanism);
      default: return mechanism satisfies never;
    }
  }

  /** Counts the term, for all that have a target ask. */
  async #target(spec: MacroText | null, domain: string): Promise<string> {
    this.#countTerm();
    return spec === null ? domain : expandDomain(spec, await this.#values(domain, spec));
  }

  /** RFC 7208 §5.2 */
  async #includes(target: string): Promise<boolean> {
    const { result } = isDomain(target) ? await this.check(target) : { result: 'none' };
    if (result === 'none') throw new Trouble('permerror', `nothing to include at ${target}`);
    return result === 'pass';
  }

  /** RFC 7208 §5.7: an A record, even for IPv6. */
  async #exists(target: string): Promise<boolean> {
    return (await this.#found(this.#question.resolver.a(target))).length > 0;
  }

  async #hasAddress(name: string, { bits4, bits6 }: { readonly bits4: number; readonly bits6: number }, count: 'term' | 'part'): Promise<boolean> {
    const { client, resolver } = this.#question;
    const asking = client.family === 4 ? resolver.a(name) : resolver.aaaa(name);
    const records = await this.#found(asking, count);
    const bits = client.family === 4 ? bits4 : bits6;
    return records.some(text => {
      const address = parseIpAddress(text);
      return address !== null && networkHas({ ...address, bits }, client);
    });
  }

  async #hasExchanger(name: string, lengths: { readonly bits4: number; readonly bits6: number }): Promise<boolean> {
    const records = await this.#found(this.#question.resolver.mx(name));
    if (records.length > NAMES) throw new Trouble('permerror', `${name} has more than ${NAMES} MX`);
    for (const { exchange } of records) if (await this.#hasAddress(exchange, lengths, 'part')) return true;
    return false;
  }

  async #named(target: string): Promise<boolean> {
    const wanted = target.toLowerCase();
    return (await this.#names()).some(name => name === wanted || name.endsWith(`.${wanted}`));
  }

  /** Names that lead back to the client; trouble on the way means none (RFC 7208 §5.5). */
  #names(): Promise<readonly string[]> {
    this.#validated ??= this.#validate();
    return this.#validated;
  }

  async #validate(): Promise<readonly string[]> {
    const { client, resolver } = this.#question;
    const address = formatIpAddress(client);
    const answer = await this.#ask(resolver.ptr(address));
    const valid: string[] = [];
    for (const name of answer.kind === 'found' ? answer.records.slice(0, NAMES) : []) {
      const forward = await this.#ask(client.family === 4 ? resolver.a(name) : resolver.aaaa(name));
      if (forward.kind !== 'found') continue;
      if (forward.records.some(text => sameAddress(text, address))) valid.push(name.toLowerCase());
    }
    return valid;
  }

  #countTerm(): void {
    if (++this.#terms > TERMS) throw new Trouble('permerror', `more than ${TERMS} look-ups`);
  }

  /** Records, or none; `part` of a term does not count as one that found nothing. */
  async #found<T>(asking: Promise<Answer<T>>, count: 'term' | 'part' = 'term'): Promise<readonly T[]> {
    const answer = await this.#ask(asking);
    if (answer.kind === 'found') return answer.records;
    if (answer.kind === 'unavailable') throw new Trouble('temperror', answer.why);
    if (count === 'term' && ++this.#voids > VOIDS) throw new Trouble('permerror', `more than ${VOIDS} look-ups without an answer`);
    return [];
  }

  #ask<T>(asking: Promise<Answer<T>>): Promise<Answer<T>> {
    return Promise.race([asking, this.#late]);
  }

  async #explain(exp: MacroText, domain: string): Promise<string | undefined> {
    try {
      const target = expandDomain(exp, await this.#values(domain, exp));
      const answer = await this.#ask(this.#question.resolver.txt(target));
      const [text, second] = answer.kind === 'found' ? answer.records : [];
      const macros = text === undefined || second !== undefined ? null : parseMacroText(text, 'explain');
      if (macros === null) return undefined;
      const said = expandMacros(macros, await this.#values(domain, macros));
      return said === '' ? undefined : said.slice(0, EXPLANATION_LETTERS);
    } catch (cause) {
      if (cause instanceof Trouble) return undefined;
      throw cause;
    }
  }

  async #values(domain: string, text: MacroText): Promise<Readonly<Record<MacroLetter, string>>> {
    const { client, localPart, domain: senderDomain, helo, receiver, now } = this.#question;
    const local = localPart === '' ? 'postmaster' : localPart;
    const address = formatIpAddress(client);
    return {
      s: `${local}@${senderDomain}`, l: local, o: senderDomain, d: domain,
      i: client.family === 4 ? address : nibbles(client), v: client.family === 4 ? 'in-addr' : 'ip6', c: address,
      p: usesName(text) ? bestName(await this.#names(), domain) : 'unknown',
      h: helo, r: receiver === '' ? 'unknown' : receiver, t: String(Math.trunc(now / 1000)),
    };
  }
}

/** RFC 7208 §7.3: the domain itself, else a name below it, else any. */
function bestName(names: readonly string[], domain: string): string {
  const wanted = domain.toLowerCase();
  return names.find(name => name === wanted) ?? names.find(name => name.endsWith(`.${wanted}`)) ?? names[0] ?? 'unknown';
}

/** In capitals, as the public test suite has it; DNS does not mind. */
function nibbles({ octets }: IpAddress): string {
  return octets.flatMap(octet => [octet >> 4, octet & 15]).map(nibble => nibble.toString(16).toUpperCase()).join('.');
}

function sameAddress(text: string, canonical: string): boolean {
  const address = parseIpAddress(text);
  return address !== null && formatIpAddress(address) === canonical;
}
