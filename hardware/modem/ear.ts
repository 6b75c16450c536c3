/**
 * Octets from the modem into words, page data and flow control. Results come split at any octet or several at once;
 * CONNECT and the page behind it may share a read, so the one who hears CONNECT says at once what follows.
 */
import { after, type Clock } from '../../src/core/clock.ts';
import { parseWord, type Word } from './words.ts';

const CR = 0x0d;
const LF = 0x0a;
const DLE = 0x10;
const ETX = 0x03;
const SUB = 0x1a;
const DC1 = 0x11;
const DC3 = 0x13;
/** A modem that speaks no word in so many octets speaks nonsense. */
const LONGEST_LINE = 1000;
const MOST_WORDS = 500;

export type Heard = Word | { readonly kind: 'gone'; readonly why: string };

export interface PageData {
  /** DLE undone. */
  octets(chunk: Uint8Array): void;
}

export class Ear {
  /** The modem asked us to wait. */
  stopped = false;
  /** DC1 came since forget() was called. */
  started = false;
  gone: string | null = null;
  /** Octets that were part of no word: noise. */
  noise = 0;
  readonly #clock: Clock;
  #words: Heard[] = [];
  #line = '';
  #page: PageData | null = null;
  #whenConnected: PageData | null = null;
  #escaped = false;
  /** CONNECT ended with CR; its LF is no part of the page. */
  #lineFeedDue = false;
  #wake: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  feed(octets: Uint8Array): void {
    for (let at = 0; at < octets.length;) {
      if (this.#page !== null) at = this.#readPage(octets, at);
      else this.#readText(octets[at++]!);
    }
    this.#stir();
  }

  /** The line broke. */
  end(why: string): void {
    this.gone = why;
    this.#say({ kind: 'gone', why });
    this.#stir();
  }

  /** Drops what was said before; what comes now answers a new question. */
  forget(): void {
    this.#words = this.#words.filter(word => word.kind === 'gone');
    this.#line = '';
    this.started = false;
    this.stopped = false;
  }

  /** What follows the next CONNECT is a page, up to DLE ETX. */
  expectPage(page: PageData): void {
    this.#whenConnected = page;
    this.#escaped = false;
  }

  endPage(): void {
    this.#page = null;
    this.#whenConnected = null;
  }

  get receiving(): boolean {
    return this.#page !== null;
  }

  take(): Heard | null {
    return this.#words.shift() ?? null;
  }

  /** The next word, or null when the time is up or the signal has come. */
  async hear(ms: number, signal: AbortSignal): Promise<Heard | null> {
    const until = after(this.#clock.now(), ms);
    for (;;) {
      const word = this.take();
      if (word !== null) return word;
      if (signal.aborted || this.#clock.now() >= until) return null;
      await this.stirred(until - this.#clock.now(), signal);
    }
  }

  /** Something came, or the time is up: whoever waits looks again. */
  async stirred(ms: number, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const stop = () => over.abort();
    this.#wake = stop;
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    await this.#clock.sleepUntil(after(this.#clock.now(), ms), over.signal);
    signal.removeEventListener('abort', stop);
  }

  #stir(): void {
    this.#wake?.();
    this.#wake = null;
  }

  #readText(octet: number): void {
    if (octet === DC1) {
      this.started = true;
      this.stopped = false;
    } else if (octet === DC3) this.stopped = true;
    else if (octet === CR || octet === LF) this.#endLine();
    else if (this.#line.length < LONGEST_LINE) this.#line += String.fromCharCode(octet);
    else this.noise++;
  }

  #endLine(): void {
    // Before a word may stand what is left of a page: the word is what follows the last octet that no word has. An id
    // may hold any octet.
    const line = (/^\s*\+F[A-Z]+:/.test(this.#line) ? this.#line : this.#line.replace(/^.*[^\x20-\x7e]/s, '')).trim();
    this.noise += this.#line.length - line.length;
    this.#line = '';
    if (line === '') return;
    const word = parseWord(line);
    if (word.kind === 'connect' && this.#whenConnected !== null) {
      this.#page = this.#whenConnected;
      this.#whenConnected = null;
      this.#lineFeedDue = true;
    }
    this.#say(word);
  }

  #say(word: Heard): void {
    if (this.#words.length < MOST_WORDS) this.#words.push(word);
  }

  /** Page data up to DLE ETX; gives where the text behind it begins. */
  #readPage(octets: Uint8Array, from: number): number {
    const page = this.#page!;
    let start = from;
    if (this.#lineFeedDue) {
      this.#lineFeedDue = false;
      if (octets[from] === LF) return from + 1;
    }
    for (let at = from; at < octets.length; at++) {
      const octet = octets[at]!;
      if (!this.#escaped) {
        if (octet !== DLE) continue;
        if (at > start) page.octets(octets.subarray(start, at));
        this.#escaped = true;
        start = at + 1;
        continue;
      }
      this.#escaped = false;
      start = at + 1;
      if (octet === ETX) {
        this.#page = null;
        return at + 1;
      }
      if (octet === DLE) start = at;
      else if (octet === SUB) page.octets(new Uint8Array([DLE, DLE]));
      // Any other pair means nothing: both are dropped.
    }
    if (start < octets.length) page.octets(octets.subarray(start));
    return octets.length;
  }
}
