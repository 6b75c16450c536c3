/** Commands and their answers on an open line. Every wait has an end, and everything said is kept for the report. */
import { after, type Clock } from '../../src/core/clock.ts';
import { Ear, type PageData } from './ear.ts';
import type { OpenWire, Wire, WireOptions, WireTrouble } from './wire.ts';
import type { Word } from './words.ts';

export interface Answer {
  /** The final result; null: nothing came in time. */
  readonly end: Extract<Word['kind'], 'ok' | 'error' | 'busy' | 'no-carrier' | 'no-answer' | 'no-dialtone' | 'voice' | 'blacklisted' | 'connect'> | 'gone' | 'aborted' | null;
  readonly text: readonly string[];
  readonly reports: ReadonlyMap<string, string>;
  /** +FHNG or +FHS was among the words: the OK behind it is no success. */
  readonly hangup: number | null;
  readonly fax: boolean;
}

/** Modems need a breath between an answer and the next command. */
const BREATH_MS = 50;
const WRITE_MS = 10_000;
const MOST_SAID = 2000;

export type Written = 'written' | 'late' | 'gone' | 'aborted';

export interface Talk {
  readonly kind: 'talk';
  readonly ear: Ear;
  readonly wire: Wire;
  /** `AT` is put in front. */
  command(text: string, given: { readonly ms: number; readonly signal: AbortSignal; readonly page?: PageData }): Promise<Answer>;
  /** Reads words up to a final result, after octets that were no command. */
  answer(ms: number, signal: AbortSignal): Promise<Answer>;
  write(octets: Uint8Array, ms: number, signal: AbortSignal): Promise<Written>;
  /** The last words of the modem, for people. */
  said(): string;
  close(): Promise<void>;
}

export async function openTalk(options: WireOptions, rooms: { readonly clock: Clock; readonly openWire: OpenWire }): Promise<Talk | WireTrouble> {
  const { clock } = rooms;
  const ear = new Ear(clock);
  const said: string[] = [];
  const opened = await rooms.openWire(options, { octets: chunk => ear.feed(chunk), gone: why => ear.end(why) });
  if (opened.kind !== 'wire') return opened;
  const wire: Wire = opened;

  function note(text: string): void {
    said.push(text);
    while (said.length > 1 && said.reduce((sum, one) => sum + one.length, 0) > MOST_SAID) said.shift();
  }

  async function write(octets: Uint8Array, ms: number, signal: AbortSignal): Promise<Written> {
    if (ear.gone !== null) return 'gone';
    const late = new AbortController();
    const stop = () => late.abort();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const time = clock.sleepUntil(after(clock.now(), ms), late.signal).then(() => (signal.aborted ? 'aborted' as const : 'late' as const));
    const taken = await Promise.race([wire.write(octets).then(taken => (taken ? 'written' as const : 'gone' as const)), time]);
    late.abort();
    signal.removeEventListener('abort', stop);
    return taken;
  }

  async function answer(ms: number, signal: AbortSignal): Promise<Answer> {
    const until = after(clock.now(), ms);
    const text: string[] = [];
    const reports = new Map<string, string>();
    let hangup: number | null = null;
    let fax = false;
    const ended = (end: Answer['end']): Answer => ({ end, text, reports, hangup, fax });
    for (;;) {
      const word = await ear.hear(until - clock.now(), signal);
      if (word === null) return ended(signal.aborted ? 'aborted' : null);
      switch (word.kind) {
        case 'gone':
          return ended('gone');
        case 'hangup':
          hangup = word.code;
          note(`+FHNG:${word.code}`);
          break;
        case 'report':
          reports.set(word.name, word.value);
          note(`${word.name}:${word.value}`);
          break;
        case 'text':
          // An echo of our own is no news.
          if (!/^AT/i.test(word.text)) {
            text.push(word.text);
            if (text.length > 50) text.shift();
            note(printable(word.text));
          }
          break;
        case 'ring':
          break; // somebody calls while we speak: they will ring again
        case 'fax':
          fax = true;
          break;
        case 'connect':
          note(word.text);
          return ended('connect');
        case 'ok': case 'error': case 'busy': case 'no-carrier': case 'no-answer': case 'no-dialtone': case 'voice': case 'blacklisted':
          note(word.kind.toUpperCase().replace('-', ' '));
          return ended(word.kind);
        default:
          return word satisfies never;
      }
    }
  }

  return {
    kind: 'talk', ear, wire, answer, write,
    async command(text, { ms, signal, page }) {
      await clock.sleepUntil(after(clock.now(), BREATH_MS), signal);
      ear.forget();
      if (page !== undefined) ear.expectPage(page);
      note(`> ${text}`);
      const taken = await write(Buffer.from(`AT${text}\r`, 'latin1'), WRITE_MS, signal);
      if (taken !== 'written') return { end: taken === 'late' ? null : taken, text: [], reports: new Map(), hangup: null, fax: false };
      return answer(ms, signal);
    },
    said: () => said.join(' | '),
    close: () => wire.close(),
  };
}

function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '').slice(0, 120);
}
