/**
 * One transaction: checks in order, then a draft in the queue, sealed with our trace fields.
 * Whatever goes wrong on our side is 451 or 452; only a check or the message itself can be 5yz.
 */
import type { Clock, Instant } from '../../core/clock.ts';
import { after } from '../../core/clock.ts';
import type { ContentFacts } from '../../core/content.ts';
import type { Address, Envelope, MessageId, Origin, Recipient, RecipientId, ReversePath } from '../../core/envelope.ts';
import { taken, type Awaitable, type ContentWriter, type Intake, type MailOptions, type OpenOptions, type Queued, type RcptOptions, type Taken, type Transaction } from '../../core/intake.ts';
import type { Log } from '../../core/log.ts';
import type { Counter, Histogram, Metrics } from '../../core/metrics.ts';
import type { Check, Examination, Facts, Filtering, TraceField, Variables, Verdict } from '../../core/policy.ts';
import type { Revisers, Revision } from '../../core/revision.ts';
import type { Watch, Witness } from '../../core/witness.ts';
import type { Draft, QueueStore, Seal } from '../../core/queue-store.ts';
import { refuse, type Refusal } from '../../core/status.ts';
import { decide } from './decision.ts';
import { beginBatches } from './batches.ts';
import { added, headerLimitsFor, readHeader, type HeaderLimits } from './header-check.ts';

export interface IntakeOptions {
  readonly store: QueueStore;
  readonly checks: readonly Check[];
  /** The connection's variables; the access file's word about this origin. */
  variables(origin: Origin): Variables;
  /** Final form of an accepted recipient, an alias's members, or a refusal: unknown local users, literals. */
  resolve?(recipient: Address, origin: Origin): Awaitable<Address | Members | Refusal>;
  trace(request: { id: MessageId; envelope: Envelope; recipients: readonly Recipient[]; at: number; missing: readonly ('date' | 'message-id' | 'to')[] }): Uint8Array;
  /** Content filters; absent or null: none, and content goes straight into the draft. */
  readonly filtering?: Filtering | null;
  /** Rules for the message's own octets; absent: it is kept as it comes. */
  readonly revisers?: Revisers;
  /** Reads content as it comes, before any rule changes it. */
  readonly witness?: Witness;
  readonly limits: HeaderLimits & { readonly sizeOctets: number; readonly submitDelayMs: number; readonly batchSize?: number };
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** What an alias stands for. Never empty. */
export interface Members {
  readonly kind: 'members';
  readonly members: readonly Address[];
}

export function createIntake(options: IntakeOptions): Intake {
  const counters: Counters = {
    accepted: options.metrics.counter('posthorn_messages_accepted_total', 'Messages queued, by source.'),
    octets: options.metrics.counter('posthorn_accepted_octets_total', 'Octets queued.'),
    refused: options.metrics.counter('posthorn_intake_refused_total', 'Refusals by enhanced status.'),
    durable: options.metrics.histogram('posthorn_commit_seconds', 'From the last octet to the message being durable.', [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]),
  };
  return { open: (origin, open) => new OpenTransaction(options, counters, origin, open ?? {}) };
}

interface Counters {
  readonly accepted: Counter;
  readonly octets: Counter;
  readonly refused: Counter;
  readonly durable: Histogram;
}

class OpenTransaction implements Transaction {
  readonly kind = 'open';
  readonly #options: IntakeOptions;
  readonly #counters: Counters;
  readonly #origin: Origin;
  readonly #open: OpenOptions;
  readonly #admitted: Variables;
  /** The connection's, and what checks found out about this message. */
  #variables: Variables;
  #fields: TraceField[] = [];
  #reversePath: ReversePath = null;
  #mail: MailOptions = {};
  #recipients: Recipient[] = [];
  /** Commands accepted: an alias counts once, however many it stands for. */
  #accepted = 0;
  /** Who is on the list, from the second on. */
  #named: Set<string> | null = null;
  #draft: Draft | null = null;
  /** The accepted RCPT that each recipient came from. */
  #places: number[] = [];
  /** What recipient filters said of this RCPT, and of all of them. */
  #filtering: 'whitelisted' | 'filtered' | undefined;
  /** Accepted RCPTs whose owner has not whitelisted the sender. */
  #unlisted = 0;
  #someFiltered = false;
  #examination: Examination | null = null;
  #revision: Revision | null = null;
  #watch: Watch | null = null;
  /** Why it waits for the operator, by a check's word. */
  #aside: string | undefined;

  constructor(options: IntakeOptions, counters: Counters, origin: Origin, open: OpenOptions) {
    this.#options = options;
    this.#counters = counters;
    this.#origin = origin;
    this.#open = open;
    this.#admitted = open.variables ?? options.variables(origin);
    this.#variables = this.#admitted;
  }

  mail(reversePath: ReversePath, mail: MailOptions): Awaitable<Taken | Refusal> {
    this.abort();
    this.#variables = this.#admitted;
    this.#fields = [];
    this.#aside = undefined;
    this.#reversePath = reversePath;
    this.#mail = mail;
    this.#recipients = [];
    this.#places = [];
    this.#unlisted = 0;
    this.#someFiltered = false;
    this.#accepted = 0;
    this.#named = null;
    if (mail.sizeOctets !== undefined && this.#tooLarge(mail.sizeOctets)) return this.#refused(refuse('tooLarge'));
    if (this.#options.store.room(mail.sizeOctets ?? 0) === 'full') return this.#refused(refuse('queueFull'));
    return this.#judge('mail', { origin: this.#origin, variables: this.#variables, reversePath });
  }

  rcpt(recipient: Address, rcpt: RcptOptions): Awaitable<Taken | Refusal> {
    const facts: Facts = { origin: this.#origin, variables: this.#variables, reversePath: this.#reversePath, recipient, acceptedRecipients: this.#accepted };
    this.#filtering = undefined;
    return then(this.#judge('rcpt', facts), verdict => {
      if (verdict.kind === 'refused') return verdict;
      if (this.#filtersOtherwise()) return this.#refused(refuse('otherFiltering'));
      return then(this.#options.resolve?.(recipient, this.#origin) ?? recipient, resolved => {
        if (typeof resolved !== 'string' && resolved.kind === 'refused') return this.#refused(resolved);
        this.#accepted++;
        if (typeof resolved === 'string') this.#add(recipient, resolved, rcpt);
        else this.#addMembers(recipient, resolved.members, rcpt);
        this.#countFiltering();
        return taken;
      });
    });
  }

  /** One answer for all means one opinion: who may refuse the content alone is alone. */
  #filtersOtherwise(): boolean {
    if (this.#recipients.length === 0 || this.#mail.exdata === true) return false;
    return this.#filtering === 'filtered' || this.#someFiltered;
  }

  #countFiltering(): void {
    if (this.#filtering !== 'whitelisted') this.#unlisted++;
    if (this.#filtering === 'filtered') this.#someFiltered = true;
  }

  /**
   * One member: the sender's wishes go on with it. Several make a private list: the sender hears, when asked for, that
   * the alias took the message, and never who the members are (RFC 3461 §5.2.7). With VERP one member is a list too:
   * what comes back to its encoded sender would name somebody whom the sender does not know.
   */
  #addMembers(alias: Address, members: readonly Address[], rcpt: RcptOptions): void {
    const only = members.length === 1 ? members[0] : undefined;
    if (only !== undefined && this.#mail.verp !== true) {
      this.#add(alias, only, rcpt);
      return;
    }
    const { notify } = rcpt;
    if (notify !== undefined && notify !== 'never' && notify.includes('success')) this.#push({ address: alias, ...rcpt, notify: ['success'], expanded: true });
    for (const member of members) this.#add(alias, member, { ...rcpt, notify: 'never' });
  }

  #add(written: Address, address: Address, { original, notify }: RcptOptions): void {
    // A rewritten recipient keeps what the sender wrote, for the DSN (RFC 3461 §5.2.1).
    const kept = original ?? (address === written ? undefined : `rfc822;${written}`);
    if (kept === undefined && notify === undefined) return this.#push({ address });
    this.#push({ address, ...(kept === undefined ? {} : { original: kept }), ...(notify === undefined ? {} : { notify }) });
  }

  /** Nobody gets the message twice because two aliases name him; one who is to be reported on keeps each name he was written by. */
  #push(recipient: Omit<Recipient, 'id'>): void {
    if (this.#recipients.length > 0) {
      const key = nameOf(recipient);
      this.#named ??= new Set(this.#recipients.map(nameOf));
      if (this.#named.has(key)) return;
      this.#named.add(key);
    }
    this.#recipients.push({ id: this.#recipients.length as RecipientId, ...recipient });
    this.#places.push(this.#accepted - 1);
  }

  /** Checks in order; the first refusal stands. */
  #judge(stage: Check['stage'], facts: OpenFacts, from = 0): Awaitable<Taken | Refusal> {
    const { checks } = this.#options;
    for (let at = from; at < checks.length; at++) {
      const check = checks[at] as Check;
      if (check.stage !== stage) continue;
      const verdict = check.judge(facts);
      if (verdict instanceof Promise) {
        return verdict.then(late => {
          if (late.kind === 'refused') return this.#refused(late);
          this.#learn(late, facts);
          return this.#judge(stage, facts, at + 1);
        });
      }
      if (verdict.kind === 'refused') return this.#refused(verdict);
      this.#learn(verdict, facts);
    }
    return taken;
  }

  #learn(verdict: Exclude<Verdict, Refusal>, facts: OpenFacts): void {
    if (verdict.kind === 'quarantine') {
      this.#aside ??= verdict.why;
      this.#fields.push(...(verdict.fields ?? []));
      return;
    }
    const { filtering, variables, fields } = verdict;
    if (filtering !== undefined) this.#filtering = filtering;
    if (fields !== undefined) this.#fields.push(...fields);
    if (variables === undefined) return;
    this.#variables = new Map([...this.#variables, ...variables]);
    facts.variables = this.#variables;
  }

  data(): ContentWriter | Refusal {
    if (this.#recipients.length === 0) return this.#refused(refuse('noValidRecipients'));
    if (this.#options.store.room(this.#mail.sizeOctets ?? 0) === 'full') return this.#refused(refuse('queueFull'));
    const { body = '7bit', smtputf8 = false, ret, envid, verp, security, requireTls } = this.#mail;
    const envelope: Writable<Envelope> = { reversePath: this.#reversePath, body, smtputf8, origin: this.#origin };
    if (ret !== undefined) envelope.ret = ret;
    if (envid !== undefined) envelope.envid = envid;
    if (verp !== undefined) envelope.verp = verp;
    if (security !== undefined) envelope.security = security;
    if (requireTls !== undefined) envelope.requireTls = requireTls;
    const recipients = this.#recipients;
    const { store, clock, limits } = this.#options;
    const draft = beginBatches(store, clock, limits.batchSize ?? Number.MAX_SAFE_INTEGER, envelope, recipients, this.#open.idempotencyKey);
    this.#draft = draft;
    this.#recipients = [];
    this.#accepted = 0;
    this.#named = null;
    const head: Uint8Array[] = [];
    const { headerOctets } = headerLimitsFor(limits, this.#variables);
    let headOctets = 0;
    const examination = this.#options.filtering?.open(this.#origin) ?? null;
    this.#examination = examination;
    const kept: Pick<Draft, 'write'> = examination ?? draft;
    const revision = this.#options.revisers?.open({ envelope, variables: this.#variables }, kept) ?? null;
    this.#revision = revision;
    const into = revision ?? kept;
    const watch = this.#options.witness?.open({ origin: this.#origin, variables: this.#variables, reversePath: this.#reversePath }) ?? null;
    this.#watch = watch;
    return {
      kind: 'writer',
      write: chunk => {
        // Only the header is looked at, and it is among the first octets or too long anyway.
        if (headOctets <= headerOctets) head.push(chunk);
        headOctets += chunk.length;
        const seen = watch?.write(chunk);
        const written = into.write(chunk);
        return seen === undefined ? written : Promise.all([seen, written]).then(() => undefined);
      },
      end: facts => this.#end(draft, envelope, recipients, head, facts, examination, revision),
    };
  }

  async #end(draft: Draft, envelope: Envelope, recipients: readonly Recipient[], head: readonly Uint8Array[], came: ContentFacts, examination: Examination | null, revision: Revision | null): Promise<Queued | Refusal> {
    const { clock, limits, log } = this.#options;
    const { origin } = envelope;
    const refusal = this.#tooLarge(came.sizeOctets) ? refuse('tooLarge') : null;
    const header = refusal ?? readHeader(head, came, headerLimitsFor(limits, this.#variables), envelope.body !== 'binarymime');
    if (header.kind === 'refused') {
      this.abort();
      return this.#refused(header);
    }
    // Of the header as it came: what a signature covers.
    const about: OpenFacts = { origin, variables: this.#variables, reversePath: this.#reversePath, recipients, header: headerOf(head, came) };
    const judged = this.#judge('data', about);
    const checked = judged instanceof Promise ? await judged : judged;
    const verdict = checked.kind === 'taken' && this.#watch !== null ? await this.#hear(this.#watch, about) : checked;
    if (verdict.kind === 'refused') {
      this.abort();
      return verdict;
    }
    const revising = revision?.end(came);
    const revised = revising instanceof Promise ? await revising : revising;
    if (revised?.kind === 'refused') {
      this.abort();
      return this.#refused(revised);
    }
    if (revised?.wrapped !== undefined) log.info('wrapped', { id: draft.id, from: envelope.reversePath ?? '', why: revised.wrapped });
    const facts = revised?.facts ?? came;
    const at = clock.now();
    const declared: Envelope = facts.has8bit && envelope.body === '7bit' ? { ...envelope, body: '8bitmime' } : envelope;
    const missing = added(header.missing, origin, this.#variables);
    const trace = withFields(this.#options.trace({ id: draft.id, envelope: declared, recipients, at, missing }), this.#fields);
    const seal: Seal = { due: after(at, limits.submitDelayMs), trace, facts, envelope: declared };
    return await (examination === null ? this.#settle(draft, seal, at, { recipients: recipients.length, refused: NONE_REFUSED }) : this.#examine(draft, seal, recipients, at, examination));
  }

  async #hear(watch: Watch, about: OpenFacts): Promise<Taken | Refusal> {
    const verdict = await watch.judge(about);
    if (verdict.kind === 'refused') return this.#refused(verdict);
    this.#learn(verdict, about);
    return taken;
  }

  /** Until the filters have passed it, nothing of the message is in the queue. */
  async #examine(draft: Draft, seal: Seal, addressees: readonly Recipient[], at: Instant, examination: Examination): Promise<Queued | Refusal> {
    const envelope = seal.envelope as Envelope;
    try {
      const whitelisted = this.#unlisted === 0;
      const judged = await examination.judge({ id: draft.id, envelope, addressees, variables: this.#variables, trace: seal.trace, facts: seal.facts }, { whitelisted });
      const decision = decide(judged.recipients, judged.verdicts, this.#places, this.#mail.exdata === true ? 'each' : 'one');
      if (decision.kind === 'refused') {
        this.abort();
        return this.#refused(decision);
      }
      for await (const chunk of judged.content instanceof Uint8Array ? [judged.content] : judged.content) await draft.write(chunk);
      const body = judged.facts.has8bit && envelope.body === '7bit' ? '8bitmime' : envelope.body;
      const kept: Seal = { ...seal, trace: judged.trace, facts: judged.facts, recipients: decision.recipients, envelope: { ...envelope, body } };
      if (decision.quarantine !== undefined) this.#aside ??= decision.quarantine;
      return await this.#settle(draft, kept, at, { recipients: kept.recipients?.length ?? 0, refused: decision.refused });
    } finally {
      examination.close();
    }
  }

  /** Into the queue, or aside. */
  #settle(draft: Draft, seal: Seal, at: Instant, { recipients, refused }: { readonly recipients: number; readonly refused: Queued['refused'] }): Promise<Queued | Refusal> {
    const aside = this.#aside;
    return this.#commit(draft, aside === undefined ? seal : { ...seal, aside }, recipients, at, refused);
  }

  async #commit(draft: Draft, seal: Seal, recipients: number, at: Instant, refused: Queued['refused']): Promise<Queued | Refusal> {
    const { clock, log } = this.#options;
    const { origin, reversePath } = seal.envelope as Envelope;
    const committed = await draft.commit(seal);
    this.#draft = null;
    if (committed.kind === 'full') return this.#refused(refuse('queueFull'));
    if (committed.kind === 'broken') return this.#refused(refuse('ourFault', { why: committed.why }));
    this.#counters.accepted.add(1, { source: origin.source });
    this.#counters.octets.add(seal.facts.sizeOctets);
    this.#counters.durable.observe((clock.now() - at) / 1000);
    if (committed.repeated !== true) {
      log.info('newmsg', {
        id: committed.id, from: reversePath ?? '', recipients, size: seal.facts.sizeOctets + seal.trace.length,
        source: origin.source, relay: origin.remoteAddress, auth: origin.login, vhost: origin.virtualHost,
      });
    }
    return { kind: 'queued', id: committed.id, refused };
  }

  abort(): void {
    this.#draft?.discard();
    this.#draft = null;
    this.#examination?.close();
    this.#examination = null;
    this.#revision?.close();
    this.#revision = null;
    this.#watch?.close();
    this.#watch = null;
  }

  #tooLarge(sizeOctets: number): boolean {
    const limit = Number(this.#variables.get('SIZELIMIT') ?? this.#options.limits.sizeOctets);
    return this.#origin.source !== 'dsn' && limit > 0 && sizeOctets > limit;
  }

  #refused(refusal: Refusal): Refusal {
    this.#counters.refused.add(1, { status: refusal.status });
    return refusal;
  }
}

function nameOf({ address, expanded, notify, original = '' }: Omit<Recipient, 'id'>): string {
  return `${expanded === true ? 'alias ' : ''}${address}\n${notify === 'never' ? '' : original}`;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type OpenFacts = Writable<Facts>;

function headerOf(head: readonly Uint8Array[], { headerEnd }: ContentFacts): Uint8Array {
  const [first] = head;
  return (first !== undefined && first.length >= headerEnd ? first : Buffer.concat(head)).subarray(0, headerEnd);
}

function withFields(trace: Uint8Array, fields: readonly TraceField[]): Uint8Array {
  if (fields.length === 0) return trace;
  const text = (place: TraceField['place']) => Buffer.from(fields.filter(one => one.place === place).map(({ name, value }) => `${name}: ${value}\r\n`).join(''));
  return Buffer.concat([text('above'), trace, text('below')]);
}

const NONE_REFUSED: Queued['refused'] = new Map();

/** Goes on at once when the value is there: a check that answers from memory costs no turn of the event loop. */
function then<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}
