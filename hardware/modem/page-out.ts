/**
 * A page to the modem. Never more under way than the modem's buffer holds: octets go out at the speed of the telephone
 * line with a small advance, DC3 stops them, and every word that comes meanwhile is heard before the next piece goes.
 */
import { FAX_ROW_OCTETS } from '../../src/core/fax.ts';
import { after, type Clock } from '../../src/core/clock.ts';
import type { FaxKernels } from '../../src/core/kernels.ts';
import type { Heard } from './ear.ts';
import type { Talk } from './talk.ts';

export type PageOut =
  | { readonly kind: 'written'; readonly octets: number }
  | { readonly kind: 'hangup'; readonly code: number }
  | { readonly kind: 'lost'; readonly why: 'silence' | 'garbage' | 'unplugged' | 'carrier' }
  | { readonly kind: 'aborted' };

export interface PageOutGiven {
  readonly bitmap: Uint8Array;
  readonly kernels: FaxKernels;
  readonly clock: Clock;
  /** Bits a second as agreed. */
  readonly rate: number;
  readonly aheadOctets: number;
  /** RTS/CTS: the system waits where the modem says so. */
  readonly hardwareFlow: boolean;
  /** What stands behind the DLE at the page's end. */
  readonly mark: number;
  readonly signal: AbortSignal;
}

const DLE = 0x10;
const ROWS_AT_A_TIME = 64;
/** A telephone line is never faster than agreed, and the modem may not run dry: a tenth more, and DC3 for the rest. */
const HASTE = 1.1;
/** Each DC3 says that the line is slower than we thought (fill between the lines): we come nearer to its own speed. */
const CALMER = 0.9;
const SLOWEST = 0.2;
const PIECE_OCTETS = 128;
const STUCK_MS = 40_000;
const DRAIN_MS = 60_000;
/** What a line in order does not say between two octets of a page. */
const MOST_NOISE = 200;

export async function sendPage(talk: Talk, given: PageOutGiven): Promise<PageOut> {
  const { bitmap, kernels, clock, signal, aheadOctets } = given;
  const { ear } = talk;
  const encoder = kernels.openFaxEncoder({ reversed: true, doubled: true });
  const agreed = given.rate / 8000;
  let perMs = agreed * HASTE;
  let may = aheadOctets;
  let at = clock.now();
  let octets = 0;
  let noise = 0;

  function overheard(): PageOut | null {
    for (let word = ear.take(); word !== null; word = ear.take()) {
      const end = meaning(word);
      if (end !== null) return end;
      if (++noise > MOST_NOISE) return { kind: 'lost', why: 'garbage' };
    }
    return null;
  }

  /** Null: the next piece may go. */
  async function turn(size: number): Promise<PageOut | null> {
    const stuckAt = after(clock.now(), STUCK_MS);
    let wasStopped = false;
    for (;;) {
      const end = overheard();
      if (end !== null) return end;
      if (signal.aborted) return { kind: 'aborted' };
      const now = clock.now();
      if (ear.stopped) {
        if (!wasStopped) perMs = Math.max(agreed * SLOWEST, perMs * CALMER);
        wasStopped = true;
        if (now >= stuckAt) return { kind: 'lost', why: 'silence' };
        await ear.stirred(stuckAt - now, signal);
        continue;
      }
      may = Math.min(aheadOctets, may + (now - at) * perMs);
      at = now;
      // It said go on with part of its buffer still full.
      if (wasStopped) may = Math.min(may, aheadOctets / 2);
      wasStopped = false;
      if (given.hardwareFlow || may >= size) return null;
      await ear.stirred(Math.max(1, Math.ceil((size - may) / perMs)), signal);
    }
  }

  async function write(coded: Uint8Array): Promise<PageOut | null> {
    const step = Math.min(PIECE_OCTETS, aheadOctets);
    for (let from = 0; from < coded.length; from += step) {
      const piece = coded.subarray(from, from + step);
      const end = await turn(piece.length);
      if (end !== null) return end;
      may -= piece.length;
      octets += piece.length;
      const written = await talk.write(piece, STUCK_MS, signal);
      if (written === 'aborted') return { kind: 'aborted' };
      if (written !== 'written') return { kind: 'lost', why: written === 'gone' ? 'unplugged' : 'silence' };
    }
    return null;
  }

  const step = ROWS_AT_A_TIME * FAX_ROW_OCTETS;
  for (let from = 0; from < bitmap.length; from += step) {
    const end = await write(encoder.feed(bitmap.subarray(from, from + step)));
    if (end === null) continue;
    encoder.finish(); // gives the kernel's state back
    return end;
  }
  const end = (await write(encoder.finish())) ?? (await write(new Uint8Array([DLE, given.mark])));
  if (end !== null) return end;
  await drained(talk, clock, signal);
  return { kind: 'written', octets };
}

/** The system's call knows no signal, and on a line that is stopped it may never return. */
async function drained({ wire }: Talk, clock: Clock, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const time = clock.sleepUntil(after(clock.now(), DRAIN_MS), AbortSignal.any([signal, over.signal]));
  await Promise.race([wire.drain(), time]);
  over.abort();
}

/** Null: nothing that ends a page. */
function meaning(word: Heard): PageOut | null {
  switch (word.kind) {
    case 'hangup':
      return { kind: 'hangup', code: word.code };
    case 'gone':
      return { kind: 'lost', why: 'unplugged' };
    case 'no-carrier': case 'no-dialtone':
      return { kind: 'lost', why: 'carrier' };
    // A modem that answers has stopped taking page data.
    case 'ok': case 'error': case 'connect': case 'busy': case 'no-answer': case 'voice': case 'blacklisted':
      return { kind: 'lost', why: 'garbage' };
    case 'report': case 'text': case 'ring': case 'fax':
      return null;
    default:
      return word satisfies never;
  }
}
