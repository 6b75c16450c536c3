/**
 * One connection's dialogue. Input is worked off as it comes: a command whose answer is at hand is answered in the
 * same turn, and all answers of a turn leave in one write. One that must wait holds the rest back.
 *
 *   waiting for banner ──▶ commands ◀──▶ exchange (AUTH)
 *          │ spoke early      │   ▲
 *          ▼                  ▼   │ final reply
 *        over ◀──── QUIT,   content (DATA)
 *                   421, 554
 */
import type { Instant } from '../../core/clock.ts';
import type { Awaitable } from '../../core/intake.ts';
import { refuse, type Refusal } from '../../core/status.ts';
import { parseCommandLine } from '../../grammar/smtp/command.ts';
import { formatReply } from '../../grammar/smtp/reply.ts';
import { Backlog } from './backlog.ts';
import { CommandLines, type Found } from './command-lines.ts';
import { answerExchange } from './commands/auth.ts';
import { commands } from './commands/table.ts';
import type { ContentPolicy } from './content-reading.ts';
import type { About, Command, Conversation, OpenMail } from './conversation.ts';
import { judgeTime, type Waiting } from './deadlines.ts';
import { BARE_LF_IN_COMMANDS, COMMAND_OCTETS } from './limits.ts';
import { LineEndMender } from './manners.ts';
import type { Peer } from './peer.ts';
import type { Reading } from './reading.ts';
import type { Setup } from './setup.ts';
import { tlsTrouble } from './tls-trouble.ts';
import { Speaker } from './speaker.ts';
import type { SessionGuest } from './visitor.ts';
import type { Wire, WireListener } from './wire.ts';

/** A page or a script in a browser can be made to speak to us; a request line ends the session. */
const HTTP_REQUEST = /^[A-Z]+ \S+ HTTP\/\d/i;

export class Session extends Speaker implements Conversation, WireListener {
  mail: OpenMail | null = null;
  transactions = 0;
  handedOver = false;

  readonly #standing: Pick<SessionGuest, 'turnedAway' | 'pending'>;
  readonly #left: (session: Session) => void;
  readonly #mender: LineEndMender | null;
  readonly #lines = new CommandLines();
  #content: Reading | null = null;
  #arrived: () => Awaitable<void> = () => undefined;
  #contentSince = 0;
  readonly #backlog = new Backlog();
  #choked = false;
  #inputOver = false;
  /** Waiting for someone; the next command is held back. */
  #busy: 'no' | 'answer' | 'pause' | 'drain' | 'tls' = 'no';
  #busySince: Instant;
  #heardAt: Instant;
  #flushing: NodeJS.Immediate | null = null;
  #phase: 'early' | 'open' | 'turned away' | 'over' = 'open';
  #bareLf = 0;
  #idle = 0;

  constructor(setup: Setup, wire: Wire, guest: SessionGuest, left: (session: Session) => void) {
    super(setup, wire, guest);
    this.#mender = this.manners.bareLf ? new LineEndMender() : null;
    this.#standing = guest;
    this.#left = left;
    this.meetAgain(wire.tls);
    this.#heardAt = setup.clock.now();
    this.#busySince = this.#heardAt;
  }

  /** The banner, at once or after the wait that was asked for. */
  start(): void {
    const { turnedAway, pending } = this.#standing;
    if (turnedAway !== undefined) return this.#turnAway(turnedAway);
    this.askName();
    if (pending === undefined) return this.#greet();
    this.#hold(pending.then(refusal => {
      if (this.over) return;
      if (refusal === null) this.#greet();
      else this.#turnAway(refusal);
    }));
  }

  #greet(): void {
    const waitMs = this.setup.listener.bannerWaitMs ?? 0;
    if (waitMs === 0) return this.say(this.setup.banner);
    this.#phase = 'early';
    void this.pause(waitMs).then(() => {
      if (this.#phase !== 'early') return;
      this.#phase = 'open';
      this.say(this.setup.banner);
    });
  }

  #turnAway(refusal: Refusal): void {
    if (refusal.text === '') {
      this.log.trouble(refusal.why ?? 'turned away');
      this.#phase = 'over';
      this.#backlog.clear();
      return this.cut();
    }
    this.#phase = 'turned away';
    this.log.refused(refusal, {});
    // RFC 5321 §3.1: 554 in the place of the greeting, then only QUIT. RFC 2034 §3: no enhanced code in a greeting.
    this.answer(formatReply(refusal.reply, null, refusal.text));
    if (refusal.reply === 421) this.end();
    this.flush();
  }

  // What the wire tells us.

  read(octets: Buffer): boolean {
    const chunk = this.#mender === null ? octets : this.#mender.mend(octets);
    this.#heardAt = this.setup.clock.now();
    if (this.over) return true;
    if (this.#phase === 'early') return this.#spokeEarly();
    if (this.#busy === 'no') this.#take(chunk);
    else if (this.#busy !== 'tls') this.#backlog.add(chunk);
    this.#choked = this.#backlog.full;
    return !this.#choked;
  }

  inputEnded(): void {
    this.#inputOver = true;
    this.#settle();
  }

  drained(): void {
    if (this.#busy === 'drain') this.#resume();
  }

  secured(): void {
    this.meetAgain(this.wire.tls);
    this.#heardAt = this.setup.clock.now();
    if (this.#busy === 'tls') this.#resume();
  }

  failed(cause: Error): void {
    if (this.#busy === 'tls') this.log.trouble(tlsTrouble(cause));
  }

  closed(): void {
    this.#phase = 'over';
    this.endPause();
    this.#backlog.clear();
    if (this.#flushing !== null) clearImmediate(this.#flushing);
    this.exchange = null;
    this.reset();
    this.#left(this);
  }

  /** The listener closes: idle sessions hear 421, others after the reply they wait for. */
  goDown(): void {
    this.leaving = true;
    this.endPause();
    this.#settle();
    this.flush();
  }

  get over(): boolean {
    return this.#phase === 'over';
  }

  cut(): void {
    this.wire.destroy();
  }

  /** Called for every session about once a second. */
  sweep(now: Instant): void {
    if (this.over || this.#phase === 'early') return;
    const overdue = judgeTime(this.#waitsFor(now), this.mail === null ? 0 : now - this.mail.startedAt, this.limits);
    switch (overdue.kind) {
      case 'fine':
        return;
      case 'cut':
        return this.cut();
      case 'unanswered':
        this.log.unanswered();
        return this.hangUp(refuse('ourFault'));
      case 'refused':
        return this.hangUp(overdue);
    }
  }

  #waitsFor(now: Instant): Waiting {
    const content = this.#content;
    if (this.#busy !== 'no') return { kind: 'us', sinceMs: now - this.#busySince, state: this.#busy };
    const sinceMs = now - this.#heardAt;
    if (this.#phase === 'turned away') return { kind: 'peer', sinceMs, state: 'turned away' };
    if (content === null) return { kind: 'peer', sinceMs, state: 'command' };
    return { kind: 'peer', sinceMs, state: 'content', elapsedMs: now - this.#contentSince, octets: content.sizeOctets };
  }

  // What commands ask for.

  reset(): void {
    if (this.handedOver) return;
    this.#content?.close();
    this.#content = null;
    const { mail } = this;
    this.mail = null;
    this.forwarded = null;
    if (mail === null) return;
    mail.chunks?.reading.close();
    try {
      mail.transaction.abort();
    } catch (cause) {
      this.log.bug(cause);
    }
  }

  get contentPolicy(): ContentPolicy {
    return { sizeOctets: this.limits.sizeOctets, bareLineEnds: this.manners.bareLf ? 'normalize' : this.setup.bareLineEnds };
  }

  receive(reading: Reading, arrived: () => Awaitable<void>): void {
    this.#contentSince = this.setup.clock.now();
    this.#content = reading;
    this.#arrived = arrived;
  }

  taken(sizeOctets: number): void {
    this.#content = null;
    this.mail = null;
    this.#idle = 0;
    this.forgive();
    this.setup.meters.messages.add(1);
    this.setup.meters.octets.add(sizeOctets);
  }

  startTls(): void {
    this.say('220 2.0.0 Ok.\r\n');
    this.#busy = 'tls';
    this.#busySince = this.setup.clock.now();
    this.wire.startTls();
  }

  override become(peer: Peer, name: string | null | undefined): Awaitable<Refusal | null> {
    this.reset();
    return super.become(peer, name);
  }

  end(agreed = false): void {
    if (this.over) return;
    this.#phase = 'over';
    this.flush();
    this.endPause();
    this.#backlog.clear();
    this.reset();
    this.wire.end(agreed);
  }

  // Working off input.

  #take(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.over) {
      if (this.#busy !== 'no') {
        this.#keep(chunk.subarray(at));
        break;
      }
      const content = this.#content;
      const from = at;
      try {
        if (content === null) {
          const found = this.#lines.next(chunk, from);
          at = this.#lines.position;
          this.#hold(this.#found(found));
        } else {
          const waiting = content.read(chunk, from);
          at = content.position;
          this.#hold(content.ended ? this.#arrive() : waiting);
        }
      } catch (cause) {
        this.#bug(cause);
        if (content !== null) at = content.position;
        // A kernel that reads nothing would be asked for ever.
        if (at <= from) this.hangUp(refuse('ourFault'));
      }
    }
    this.#settle();
  }

  #arrive(): Awaitable<void> {
    this.#content = null;
    return this.#arrived();
  }

  #found(found: Found): Awaitable<void> {
    switch (found) {
      case 'line':
        return this.#obey(this.#lines.text, this.#lines.octets);
      case 'tooLong':
        this.exchange = null;
        return this.refuse(refuse('lineTooLong'));
      case 'bareLf':
        this.exchange = null;
        this.#bareLf++;
        return this.#bareLf < BARE_LF_IN_COMMANDS ? this.refuse(refuse('badLineEnd')) : this.hangUp(refuse('badLineEnd'));
      case 'more':
        return undefined;
    }
  }

  #obey(line: string, octets: number): Awaitable<void> {
    if (this.setup.listener.logsDialogue === true) this.log.heard(line, this.exchange !== null);
    if (this.exchange !== null) return answerExchange(this, line);
    const said = parseCommandLine(this.manners.line(line));
    if (said === null) return this.refuse(refuse(line.includes('\r') ? 'badLineEnd' : 'badCharacters'));
    const command = commands.get(said.verb);
    if (octets > COMMAND_OCTETS && said.verb !== 'AUTH') return this.#refuseCommand(command, said.argument, refuse('lineTooLong'));
    if (this.#phase === 'turned away') return said.verb === 'QUIT' && command !== undefined ? command.run(this, said.argument) : this.refuse(refuse('badSequence'));
    if (command === undefined) return HTTP_REQUEST.test(line) ? this.hangUp(refuse('tooManyErrors')) : this.refuse(refuse('unknownCommand'));
    const refusal = this.#forbidden(command);
    return refusal === null ? command.run(this, said.argument) : this.#refuseCommand(command, said.argument, refusal);
  }

  #refuseCommand(command: Command | undefined, argument: string, refusal: Refusal): Awaitable<void> {
    return command?.refused === undefined ? this.refuse(refusal) : command.refused(this, argument, refusal);
  }

  #forbidden(command: Command): Refusal | null {
    if (this.terms.requireTls && this.tls === null && command.withoutTls !== true) return refuse('tlsRequired');
    if (this.terms.requireAuth && this.account === null && command.withoutAuth !== true) return refuse('authRequired');
    if (command.idle === true && ++this.#idle > this.limits.idleCommands) return refuse('tooManyErrors');
    return null;
  }

  /** Holds the next command back until an answer is there. */
  #hold(waiting: Awaitable<void>): void {
    if (waiting === undefined) return;
    this.#busy = this.pausing ? 'pause' : 'answer';
    this.#busySince = this.setup.clock.now();
    if (this.unsaid) this.#flushing ??= setImmediate(this.#flushSoon);
    waiting.then(this.#resumed, this.#broke);
  }

  readonly #flushSoon = () => {
    this.#flushing = null;
    this.flush();
  };

  readonly #resumed = () => this.#resume();

  readonly #broke = (cause: unknown) => {
    this.#bug(cause);
    this.#resume();
  };

  /** Whatever our side threw is 451: a bug of ours never bounces anyone's mail. */
  #bug(cause: unknown): void {
    this.log.bug(cause);
    const content = this.#content;
    this.exchange = null;
    this.handedOver = false;
    if (content !== null && !content.ended) return content.fail(refuse('ourFault'));
    const refusal = refuse('ourFault');
    this.reset();
    if (this.over) return;
    this.log.refused(refusal, {});
    this.speak(refusal);
  }

  #resume(): void {
    const now = this.setup.clock.now();
    // What we made the peer wait is not the peer's slowness.
    this.#contentSince += now - this.#busySince;
    this.#heardAt = now;
    this.#busy = 'no';
    while (this.#stillFree()) {
      const chunk = this.#backlog.next();
      if (chunk === undefined) break;
      this.#take(chunk);
    }
    this.#settle();
    if (this.#choked && !this.over && !this.#backlog.full) {
      this.#choked = false;
      this.wire.resume();
    }
  }

  #stillFree(): boolean {
    return this.#busy === 'no' && !this.over;
  }

  /** Nothing more to work off, for now: say what is to be said, and go if it is time to go. */
  #settle(): void {
    if (this.#busy !== 'no') return;
    this.flush();
    if (!this.#stillFree() || !this.#backlog.empty) return;
    if (this.#inputOver) this.end();
    else if (this.leaving && this.#content === null) this.hangUp(refuse('shuttingDown'));
  }

  #keep(rest: Buffer): void {
    // Behind STARTTLS it came in the clear: never read (RFC 3207 §4.2), since it would run as if it had come encrypted.
    if (this.#busy === 'tls') this.log.trouble(`${rest.length} octets in the clear behind STARTTLS, dropped`);
    else this.#backlog.putBack(rest);
  }

  protected get about(): About {
    return this.mail === null ? {} : { from: this.mail.from };
  }

  protected stalled(): void {
    if (this.#busy !== 'no') return;
    this.#busy = 'drain';
    this.#busySince = this.setup.clock.now();
  }

  #spokeEarly(): boolean {
    const refusal = refuse('spokeTooSoon');
    this.log.refused(refusal, {});
    this.answer(formatReply(refusal.reply, null, refusal.text));
    this.end();
    return true;
  }
}
