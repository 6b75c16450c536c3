/**
 * One connection and the messages on it, one behind the other (RFC 5321 §3.3, RFC 2920).
 *
 *   idle ─▶ (reset) ─▶ mail ─▶ rcpt … ─▶ data ─▶ body ─▶ final ─▶ idle, or the next
 *                        │        │        ├────▶ dot ─▶ (nobody accepted, and 354 came all the same)
 *                        └────────┴────────┴────▶ next
 *
 * With PIPELINING an envelope is one write, and while a message's answer is awaited the next envelope is already
 * with the peer: the content may begin a command group (RFC 2920 §3.1), so body, dot and the next MAIL, RCPT and
 * DATA leave together.
 */
import type { Instant } from '../../../core/clock.ts';
import type { Recipient } from '../../../core/envelope.ts';
import type { Reply } from '../../../grammar/smtp/reply.ts';
import { sendChunk, sendStuffed, type Way } from './content-sending.ts';
import { planTransactions } from './envelope-lines.ts';
import { beginExchange, commandOf, deferRest, type Exchange, type Step } from './exchange.ts';
import type { Extensions } from './extensions.ts';
import type { Job } from './job.ts';
import { isRefusal, isSuccess, isTooMany, lossOutcome, refusedOutcome, relayedOutcome, type Loss, type Peer } from './outcomes.ts';
import type { EsmtpSettings } from './settings.ts';
import type { Wire } from './wire.ts';

const RESTARTS = 2;

/** Where messages come from, and who is told what became of the connection. */
export interface Owner {
  take(): Job | null;
  /** Untouched: another connection should take it. */
  giveBack(job: Job): void;
  idle(connection: Connection): void;
  /** Idle no more, though nobody asked: it is being looked after. */
  busy(connection: Connection): void;
  gone(connection: Connection): void;
  /** Recipients in one transaction, as far as this next hop has taught us. */
  mostRecipients(): number;
  /** So many were accepted, and then there were too many. */
  tooMany(accepted: number): void;
}

export class Connection {
  readonly peer: Peer;
  readonly #wire: Wire;
  readonly #extensions: Extensions;
  readonly #settings: EsmtpSettings;
  readonly #owner: Owner;
  readonly #until: number;
  readonly #way: Way;
  #current: Exchange | null = null;
  /** Its envelope is with the peer, behind the current message. */
  #following: Exchange | null = null;
  /** Further transactions of a message that needs more than one. */
  #plans: Exchange[] = [];
  /** The last transaction was left open. */
  #dirty = false;
  #used = false;
  #leaving = false;
  #left = false;
  #retiring = false;
  #pinging = false;
  #idleUntil = 0;
  /** Transactions begun; the peer may have said how many it wants (RFC 9422 §4.1). */
  #begun = 0;

  /** `until`: from then on it takes nothing more; there may be a better one. */
  constructor(wire: Wire, extensions: Extensions, peer: Peer, settings: EsmtpSettings, owner: Owner, until?: Instant) {
    this.#until = until ?? Number.POSITIVE_INFINITY;
    this.peer = peer;
    this.#wire = wire;
    this.#extensions = extensions;
    this.#settings = settings;
    this.#owner = owner;
    this.#way = {
      wire, settings,
      sent: exchange => {
        exchange.step = 'final';
        wire.within(settings.timeouts.contentMs);
        this.#sendAhead();
      },
    };
  }

  /** Called once, right after the session was opened. */
  start(): void {
    this.#wire.listen({ reply: reply => this.#heard(reply), lost: loss => this.#lost(loss) });
    if (this.#wire.loss === null) this.#proceed();
    else this.#lost(this.#wire.loss);
  }

  /** There is work: an idle connection takes it, a busy one sends its envelope ahead where it may. */
  offer(): void {
    if (this.#leaving || this.#pinging || this.#wire.loss !== null) return;
    if (this.#current === null) this.#proceed();
    else if (this.#current.step === 'final') this.#sendAhead();
  }

  /** The caller of this job gave up. Its outcome is decided here, now. */
  abandon(job: Job): void {
    const loss: Loss = { kind: 'aborted', why: 'We are stopping' };
    if (this.#current?.job === job) this.#wire.lose(loss);
    // It cannot be called back from the wire: when its turn comes, the connection ends.
    else if (this.#following?.job === job || this.#plans.some(one => one.job === job)) job.decideRest(lossOutcome(loss, 'mail', 'MAIL', this.peer));
  }

  /** Leaves when the messages under way are answered. */
  leave(): void {
    this.#leaving = true;
    if (this.#current === null) this.#quit();
  }

  /** Leaves when nothing waits any more. */
  retire(): void {
    this.#retiring = true;
    if (this.#current === null) this.leave();
  }

  #quit(): void {
    if (this.#left) return;
    this.#left = true;
    this.#wire.quit(this.#settings.timeouts.quitMs);
    this.#owner.gone(this);
  }

  /** Behind the end of a transaction: the one whose envelope is out, or a new one, or rest. */
  #proceed(): void {
    const { timeouts } = this.#settings;
    const ahead = this.#following;
    this.#following = null;
    this.#current = ahead ?? this.#nextExchange();
    const exchange = this.#current;
    if (exchange === null) return this.#begun < this.#extensions.limits.mails ? this.#rest() : this.#spent();
    if (exchange.job.settled) return this.#wire.lose({ kind: 'aborted', why: 'We are stopping' });
    this.#idleUntil = 0;
    if (ahead === null) this.#wire.socket.write(this.#envelope(exchange), 'utf8');
    this.#wire.within(timeouts.commandMs);
  }

  #nextExchange(): Exchange | null {
    if (this.#begun >= this.#extensions.limits.mails) return null;
    const found = this.#plans.shift() ?? this.#takeJob();
    if (found !== null) this.#begun++;
    return found;
  }

  #takeJob(): Exchange | null {
    if (this.#settings.clock.now() >= this.#until) this.#leaving = true;
    if (this.#leaving) return null;
    for (let job = this.#owner.take(); job !== null; job = this.#owner.take()) {
      const [first, ...rest] = this.#plan(job, job.remaining);
      if (first === undefined) continue;
      this.#plans = rest;
      return first;
    }
    return null;
  }

  #plan(job: Job, recipients: readonly Recipient[]): Exchange[] {
    const canConvert = this.#settings.convert !== undefined;
    const { plans, settled } = planTransactions(job.delivery, this.#extensions, this.peer, { canConvert, recipients, mostRecipients: this.#owner.mostRecipients() });
    for (const [id, outcome] of settled) job.decide(id, outcome);
    return plans.map(plan => beginExchange(job, plan));
  }

  /** The peer takes no further message on this connection. Whoever is in the middle goes on elsewhere. */
  #spent(): void {
    const jobs = new Set(this.#plans.map(({ job }) => job));
    this.#plans = [];
    for (const job of jobs) if (!job.settled) this.#owner.giveBack(job);
    this.leave();
  }

  #envelope(exchange: Exchange): string {
    const reset = this.#dirty ? 'RSET\r\n' : '';
    exchange.step = this.#dirty ? 'reset' : 'mail';
    this.#dirty = false;
    const { mail, rcpts, chunked } = exchange.plan;
    if (!this.#extensions.pipelining) return reset === '' ? mail : reset;
    const data = chunked ? '' : 'DATA\r\n';
    return rcpts.length === 1 ? `${reset}${mail}${rcpts[0]}${data}` : `${reset}${mail}${rcpts.join('')}${data}`;
  }

  #heard(reply: Reply): void {
    if (reply.code === 421) return this.#wire.lose({ kind: 'said421', why: 'The peer closes the connection', reply });
    if (this.#pinging) {
      this.#pinging = false;
      return this.#rest();
    }
    const exchange = this.#current;
    if (exchange === null) return this.#outOfStep(reply);
    exchange.heard = true;
    switch (exchange.step) {
      case 'reset':
        if (!isSuccess(reply)) return this.#outOfStep(reply);
        return this.#ask(exchange, 'mail', exchange.plan.mail);
      case 'mail':
        return this.#heardMail(exchange, reply);
      case 'rcpt':
        return this.#heardRcpt(exchange, reply);
      case 'data':
        return this.#heardData(exchange, reply);
      case 'body':
      case 'final':
        return this.#heardFinal(exchange, reply);
      case 'dot':
        return this.#proceed();
      default:
        exchange.step satisfies never;
    }
  }

  /** The next step; its command is with the peer already when pipelining. */
  #ask(exchange: Exchange, step: Step, command: string): void {
    exchange.step = step;
    if (this.#extensions.pipelining) return;
    this.#wire.socket.write(command, 'utf8');
    this.#wire.within(this.#settings.timeouts.commandMs);
  }

  #heardMail(exchange: Exchange, reply: Reply): void {
    const { plan, job } = exchange;
    if (isRefusal(reply)) {
      const outcome = refusedOutcome(reply, 'mail', commandOf(plan.mail), this.peer);
      for (const { id } of plan.recipients) job.decide(id, outcome);
      exchange.refused = true;
      if (!this.#extensions.pipelining) return this.#proceed();
    } else if (!isSuccess(reply)) {
      return this.#outOfStep(reply);
    }
    this.#ask(exchange, 'rcpt', plan.rcpts[0] as string);
  }

  #heardRcpt(exchange: Exchange, reply: Reply): void {
    const { plan, job, accepted, asked } = exchange;
    const recipient = plan.recipients[asked] as Recipient;
    if (exchange.refused) {
      // MAIL was refused; what the peer thinks of its recipients is noise.
    } else if (isSuccess(reply)) {
      accepted.push(recipient);
    } else if (accepted.length > 0 && isTooMany(reply)) {
      exchange.surplus.push(recipient);
    } else if (isRefusal(reply)) {
      job.decide(recipient.id, refusedOutcome(reply, 'rcpt', commandOf(plan.rcpts[asked] as string), this.peer));
    } else {
      return this.#outOfStep(reply);
    }
    exchange.asked++;
    if (exchange.asked === plan.recipients.length && exchange.surplus.length > 0) this.#owner.tooMany(accepted.length);
    if (exchange.asked < plan.recipients.length) return this.#ask(exchange, 'rcpt', plan.rcpts[exchange.asked] as string);
    if (plan.chunked) {
      // A chunk that is refused leaves the peer in no certain state (RFC 3030 §2): whatever follows it begins with RSET.
      this.#dirty = true;
      if (accepted.length > 0) return sendChunk(exchange, this.#way);
    } else {
      if (accepted.length > 0 || this.#extensions.pipelining) return this.#ask(exchange, 'data', 'DATA\r\n');
      this.#dirty = true;
    }
    this.#proceed();
  }

  #heardData(exchange: Exchange, reply: Reply): void {
    const { job, accepted } = exchange;
    if (reply.code === 354) {
      if (accepted.length > 0) return sendStuffed(exchange, this.#way);
      // It wants a message for nobody: an empty one ends the transaction (RFC 2920 §3.1).
      exchange.step = 'dot';
      this.#wire.socket.write('.\r\n');
      return this.#wire.within(this.#settings.timeouts.contentMs);
    }
    if (!isRefusal(reply)) return this.#outOfStep(reply);
    const outcome = refusedOutcome(reply, 'data', 'DATA', this.peer);
    for (const { id } of accepted) job.decide(id, outcome);
    this.#dirty = !exchange.refused;
    this.#bringOn(exchange);
    this.#proceed();
  }

  #heardFinal(exchange: Exchange, reply: Reply): void {
    const { job, accepted, plan, step } = exchange;
    const early = step === 'body';
    if (!isRefusal(reply) && (early || !isSuccess(reply))) return this.#outOfStep(reply);
    const outcome = isSuccess(reply) ? relayedOutcome(reply, plan.dsnHandedOver, this.peer) : refusedOutcome(reply, 'final', plan.chunked ? 'BDAT' : 'DATA', this.peer);
    for (const { id } of accepted) job.decide(id, outcome);
    // Refused in the middle of its content: without the dot nothing was handed over, and the rest need not be sent.
    if (early) return this.#wire.lose({ kind: 'closed', why: 'The message was refused before its end' });
    this.#used = true;
    this.#bringOn(exchange);
    this.#proceed();
  }

  /** Who was one too many is accepted in a transaction with fewer (RFC 5321 §4.5.3.1.10). */
  #bringOn({ job, surplus }: Exchange): void {
    if (surplus.length > 0) this.#plans.push(...this.#plan(job, surplus));
  }

  #sendAhead(): void {
    if (!this.#extensions.pipelining || this.#following !== null) return;
    this.#following = this.#nextExchange();
    if (this.#following !== null) this.#wire.socket.write(this.#envelope(this.#following), 'utf8');
  }

  #outOfStep(reply: Reply): void {
    this.#wire.lose({ kind: 'garbage', why: `The peer answered ${reply.code} where that makes no sense` });
  }

  #rest(): void {
    if (this.#leaving || this.#retiring) return this.leave();
    const { clock, timeouts } = this.#settings;
    const now = clock.now();
    if (this.#idleUntil === 0) this.#idleUntil = now + timeouts.keepaliveMs;
    const left = this.#idleUntil - now;
    if (left <= 0) return this.leave();
    const ping = timeouts.keepalivePingMs;
    if (ping > 0 && ping < left) this.#wire.rest(ping, () => this.#ping());
    else this.#wire.rest(left, () => this.leave());
    this.#owner.idle(this);
  }

  #ping(): void {
    this.#owner.busy(this);
    this.#pinging = true;
    this.#wire.socket.write('RSET\r\n');
    this.#wire.within(this.#settings.timeouts.connectMs);
  }

  #lost(loss: Loss): void {
    const current = this.#current;
    const behind = [...(this.#following === null ? [] : [this.#following]), ...this.#plans];
    this.#current = null;
    this.#following = null;
    this.#plans = [];
    const moved = new Set<Job>();
    for (const exchange of behind) {
      if (moved.has(exchange.job)) continue;
      if (exchange.job !== current?.job && this.#move(exchange.job)) moved.add(exchange.job);
      else deferRest(exchange, loss, this.peer);
    }
    if (current !== null) {
      // A kept connection that ends before it answers anything was dead already: not this message's fault.
      const stale = this.#used && !current.heard && (loss.kind === 'closed' || loss.kind === 'said421');
      if (!stale || !this.#move(current.job)) deferRest(current, loss, this.peer);
    }
    this.#owner.gone(this);
  }

  #move(job: Job): boolean {
    if (!job.untouched || job.settled || job.restarts >= RESTARTS) return false;
    job.restarts++;
    this.#owner.giveBack(job);
    return true;
  }
}
