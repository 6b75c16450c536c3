/**
 * One transaction: checks in order, then a draft in the queue, sealed with our trace fields.
 * Whatever goes wrong on our side is 451 or 452; only a check or the message itself can be 5yz.
 */
import type { Clock } from '../../core/clock.ts';
import { after } from '../../core/clock.ts';
import type { ContentFacts } from '../../core/content.ts';
import type { Address, Envelope, MessageId, Origin, Recipient, RecipientId, ReversePath } from '../../core/envelope.ts';
import { taken, type Awaitable, type ContentWriter, type Intake, type MailOptions, type OpenOptions, type Queued, type RcptOptions, type Taken, type Transaction } from '../../core/intake.ts';
import type { Log } from '../../core/log.ts';
import type { Counter, Histogram, Metrics } from '../../core/metrics.ts';
import type { Check, Facts, Variables } from '../../core/policy.ts';
import type { Draft, QueueStore } from '../../core/queue-store.ts';
import { refuse, type Refusal } from '../../core/status.ts';
import { readHeader, type HeaderLimits } from './header-check.ts';

export interface IntakeOptions {
  readonly store: QueueStore;
  readonly checks: readonly Check[];
  /** The connection's variables; the access file's word about this origin. */
  variables(origin: Origin): Variables;
  /** Final form of an accepted recipient, an alias's members, or a refusal: unknown local users, literals. */
  resolve?(recipient: Address, origin: Origin): Awaitable<Address | Members | Refusal>;
  trace(request: { id: MessageId; envelope: Envelope; recipients: readonly Recipient[]; at: number; missing: readonly ('date' | 'message-id' | 'to')[] }): Uint8Array;
  readonly limits: HeaderLimits & { readonly sizeOctets: number; readonly submitDelayMs: number };
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** What an alias stands for. Never empty. */
export interface Members {
  readonly kind: 'members';
  readonly members: readonly Address[];
}

const NOTHING_MISSING: readonly [] = [];

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
  readonly #variables: Variables;
  #reversePath: ReversePath = null;
  #mail: MailOptions = {};
  #recipients: Recipient[] = [];
  /** Commands accepted: an alias counts once, however many it stands for. */
  #accepted = 0;
  #named = new Set<string>();
  #draft: Draft | null = null;

  constructor(options: IntakeOptions, counters: Counters, origin: Origin, open: OpenOptions) {
    this.#options = options;
    this.#counters = counters;
    this.#origin = origin;
    this.#open = open;
    this.#variables = options.variables(origin);
  }

  mail(reversePath: ReversePath, mail: MailOptions): Awaitable<Taken | Refusal> {
    this.abort();
    this.#reversePath = reversePath;
    this.#mail = mail;
    this.#recipients = [];
    this.#accepted = 0;
    this.#named = new Set();
    if (mail.sizeOctets !== undefined && this.#tooLarge(mail.sizeOctets)) return this.#refused(refuse('tooLarge'));
    if (this.#options.store.room(mail.sizeOctets ?? 0) === 'full') return this.#refused(refuse('queueFull'));
    return this.#judge('mail', { origin: this.#origin, variables: this.#variables, reversePath });
  }

  rcpt(recipient: Address, rcpt: RcptOptions): Awaitable<Taken | Refusal> {
    const facts: Facts = { origin: this.#origin, variables: this.#variables, reversePath: this.#reversePath, recipient, acceptedRecipients: this.#accepted };
    return then(this.#judge('rcpt', facts), verdict => {
      if (verdict.kind === 'refused') return verdict;
      return then(this.#options.resolve?.(recipient, this.#origin) ?? recipient, resolved => {
        if (typeof resolved !== 'string' && resolved.kind === 'refused') return this.#refused(resolved);
        this.#accepted++;
        if (typeof resolved === 'string') this.#add(recipient, resolved, rcpt);
        else this.#addMembers(recipient, resolved.members, rcpt);
        return taken;
      });
    });
  }

  /**
   * One member: the sender's wishes go on with it. Several make a private list: the sender hears, when asked for, that
   * the alias took the message, and never who the members are (RFC 3461 §5.2.7).
   */
  #addMembers(alias: Address, members: readonly Address[], rcpt: RcptOptions): void {
    const only = members.length === 1 ? members[0] : undefined;
    if (only !== undefined) {
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
    this.#push({ address, ...(kept === undefined ? {} : { original: kept }), ...(notify === undefined ? {} : { notify }) });
  }

  /** Nobody gets the message twice because two aliases name him; one who is to be reported on keeps each name he was written by. */
  #push(recipient: Omit<Recipient, 'id'>): void {
    const key = `${recipient.expanded === true ? 'alias ' : ''}${recipient.address}\n${recipient.notify === 'never' ? '' : (recipient.original ?? '')}`;
    if (this.#named.has(key)) return;
    this.#named.add(key);
    this.#recipients.push({ id: this.#recipients.length as RecipientId, ...recipient });
  }

  /** Checks in order; the first refusal stands. */
  #judge(stage: Check['stage'], facts: Facts, from = 0): Awaitable<Taken | Refusal> {
    const { checks } = this.#options;
    for (let at = from; at < checks.length; at++) {
      const check = checks[at] as Check;
      if (check.stage !== stage) continue;
      const verdict = check.judge(facts);
      if (verdict instanceof Promise) return verdict.then(late => (late.kind === 'refused' ? this.#refused(late) : this.#judge(stage, facts, at + 1)));
      if (verdict.kind === 'refused') return this.#refused(verdict);
    }
    return taken;
  }

  data(): ContentWriter | Refusal {
    if (this.#recipients.length === 0) return this.#refused(refuse('noValidRecipients'));
    if (this.#options.store.room(this.#mail.sizeOctets ?? 0) === 'full') return this.#refused(refuse('queueFull'));
    const envelope: Envelope = {
      reversePath: this.#reversePath,
      body: this.#mail.body ?? '7bit',
      smtputf8: this.#mail.smtputf8 ?? false,
      ...(this.#mail.ret === undefined ? {} : { ret: this.#mail.ret }),
      ...(this.#mail.envid === undefined ? {} : { envid: this.#mail.envid }),
      origin: this.#origin,
    };
    const recipients = this.#recipients;
    const draft = this.#options.store.begin(envelope, recipients, this.#open.idempotencyKey === undefined ? {} : { idempotencyKey: this.#open.idempotencyKey });
    this.#draft = draft;
    this.#recipients = [];
    this.#accepted = 0;
    this.#named = new Set();
    const head: Uint8Array[] = [];
    let headOctets = 0;
    return {
      kind: 'writer',
      write: chunk => {
        // Only the header is looked at, and it is among the first octets or too long anyway.
        if (headOctets <= this.#options.limits.headerOctets) head.push(chunk);
        headOctets += chunk.length;
        return draft.write(chunk);
      },
      end: facts => this.#end(draft, envelope, recipients, head, facts),
    };
  }

  async #end(draft: Draft, envelope: Envelope, recipients: readonly Recipient[], head: readonly Uint8Array[], facts: ContentFacts): Promise<Queued | Refusal> {
    const { clock, limits, log } = this.#options;
    const { origin } = envelope;
    const refusal = this.#tooLarge(facts.sizeOctets) ? refuse('tooLarge') : null;
    const header = refusal ?? readHeader(head, facts, limits);
    if (header.kind === 'refused') {
      this.abort();
      return this.#refused(header);
    }
    const at = clock.now();
    const declared: Envelope = facts.has8bit && envelope.body === '7bit' ? { ...envelope, body: '8bitmime' } : envelope;
    const missing = origin.source === 'submission' || origin.source === 'local' ? header.missing : NOTHING_MISSING;
    const trace = this.#options.trace({ id: draft.id, envelope: declared, recipients, at, missing });
    const committed = await draft.commit({ due: after(at, limits.submitDelayMs), trace, facts, envelope: declared });
    this.#draft = null;
    if (committed.kind === 'full') return this.#refused(refuse('queueFull'));
    if (committed.kind === 'broken') return this.#refused(refuse('ourFault', { why: committed.why }));
    this.#counters.accepted.add(1, { source: origin.source });
    this.#counters.octets.add(facts.sizeOctets);
    this.#counters.durable.observe((clock.now() - at) / 1000);
    if (committed.repeated !== true) {
      log.info('newmsg', {
        id: committed.id, from: envelope.reversePath ?? '', recipients: recipients.length, size: facts.sizeOctets + trace.length,
        source: origin.source, relay: origin.remoteAddress, auth: origin.login,
      });
    }
    return { kind: 'queued', id: committed.id, refused: NONE_REFUSED };
  }

  abort(): void {
    this.#draft?.discard();
    this.#draft = null;
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

const NONE_REFUSED: ReadonlyMap<RecipientId, Refusal> = new Map();

/** Goes on at once when the value is there: a check that answers from memory costs no turn of the event loop. */
function then<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}
