/** What a client is told: the replies of a turn leave in one write, and a refusal has its line in the log and its wait. */
import { after } from '../../core/clock.ts';
import type { Awaitable } from '../../core/intake.ts';
import { refuse, type Refusal, type Status } from '../../core/status.ts';
import { formatReply } from '../../grammar/smtp/reply.ts';
import type { About } from './conversation.ts';
import type { Setup } from './setup.ts';
import { Visitor, type SessionGuest } from './visitor.ts';
import type { Wire } from './wire.ts';

/** 421 with the reason's class made temporary: `500 5.5.2` said last is `421 4.5.2`. */
function lastWord(refusal: Refusal): Refusal {
  const status = refusal.status.replace(/^5/, '4') as Status<4>;
  return { kind: 'refused', reply: 421, status, text: refusal.text, ...(refusal.why === undefined ? {} : { why: refusal.why }) };
}

export abstract class Speaker extends Visitor {
  protected readonly wire: Wire;
  /** No reply is to be waited for any more: the listener closes. */
  protected leaving = false;
  #out = '';
  #pause: AbortController | null = null;
  #errors = 0;

  constructor(setup: Setup, wire: Wire, guest: SessionGuest) {
    super(setup, guest);
    this.wire = wire;
  }

  abstract get over(): boolean;
  /** No more commands; what was answered is flushed first. */
  abstract end(): void;
  /** Whose transaction is under way, for the log. */
  protected abstract get about(): About;
  /** The peer does not read what it is told; drained() will be called. */
  protected abstract stalled(): void;

  answer(lines: string): void {
    this.#out += lines;
  }

  refuse(refusal: Refusal, about: About = {}): Awaitable<void> {
    this.log.refused(refusal, about);
    if (refusal.reply >= 500 && ++this.#errors > this.limits.errors) return this.hangUp(refuse('tooManyErrors'));
    this.speak(refusal);
    if (refusal.reply < 500 || this.tarpit === null) return undefined;
    this.flush();
    return this.pause(this.tarpit.next());
  }

  passOn(refusal: Refusal, about: About = {}, times = 1): Awaitable<void> {
    this.log.refused(refusal, about);
    if (refusal.reply < 500 || this.tarpit === null) return this.speak(refusal, times);
    return this.pause(this.tarpit.next()).then(() => this.speak(refusal, times));
  }

  note(refusal: Refusal, about: About = {}): void {
    this.log.refused(refusal, about);
  }

  bug(cause: unknown): void {
    this.log.bug(cause);
  }

  /** 421 and out. */
  hangUp(refusal: Refusal): void {
    const last = lastWord(refusal);
    this.log.refused(last, this.about);
    this.speak(last);
  }

  async pause(ms: number): Promise<void> {
    if (this.leaving || this.over) return;
    const pause = new AbortController();
    this.#pause = pause;
    const { clock } = this.setup;
    await clock.sleepUntil(after(clock.now(), ms), pause.signal);
    if (this.#pause === pause) this.#pause = null;
  }

  protected get pausing(): boolean {
    return this.#pause !== null;
  }

  protected endPause(): void {
    this.#pause?.abort();
  }

  protected speak(refusal: Refusal, times = 1): void {
    this.answer(formatReply(refusal.reply, refusal.status, refusal.text).repeat(times));
    if (refusal.reply === 421) this.end();
  }

  protected say(lines: string): void {
    this.#out += lines;
    this.flush();
  }

  /** Something is to be said that has not been. */
  protected get unsaid(): boolean {
    return this.#out !== '';
  }

  protected flush(): void {
    if (this.#out === '') return;
    const lines = this.#out;
    this.#out = '';
    if (this.setup.listener.logsDialogue === true) this.log.answered(lines);
    if (!this.wire.write(lines)) this.stalled();
  }
}
