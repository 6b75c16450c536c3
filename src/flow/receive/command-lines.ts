/**
 * Cuts input into command lines. Only CRLF ends one (RFC 5321 §2.3.8): a line with a bare LF in it is refused where
 * the LF stands and its rest, up to CRLF, is never a command. However the input is cut into chunks, the same comes out.
 */
import { AUTH_LINE_OCTETS } from './limits.ts';

const LF = 0x0a;
const CR = 0x0d;
const NOTHING = Buffer.alloc(0);

/** tooLong and bareLf are said once; what follows up to CRLF is skipped, but each further LF is said again. */
export type Found = 'line' | 'more' | 'tooLong' | 'bareLf';

export class CommandLines {
  /** After 'line': its text without CRLF. */
  text = '';
  /** Octets of that line. */
  octets = 0;
  /** Offset of the first octet not read. */
  position = 0;
  #held: Buffer = NOTHING;
  #skipping: 'no' | 'tooLong' | 'bareLf' = 'no';
  #endsInCr = false;

  next(chunk: Buffer, from: number): Found {
    const lf = chunk.indexOf(LF, from);
    if (lf < 0) return this.#hold(chunk, from);
    this.position = lf + 1;
    const crlf = lf > from ? chunk[lf - 1] === CR : this.#endsInCr;
    this.#endsInCr = false;
    const skipped = this.#skipping;
    if (skipped !== 'no') {
      if (crlf) this.#skipping = 'no';
      else if (skipped === 'bareLf') return 'bareLf';
      return crlf ? this.#again(chunk) : 'more';
    }
    if (!crlf) {
      this.#held = NOTHING;
      this.#skipping = 'bareLf';
      return 'bareLf';
    }
    this.#take(chunk, from, lf);
    return this.octets > AUTH_LINE_OCTETS ? 'tooLong' : 'line';
  }

  #take(chunk: Buffer, from: number, lf: number): void {
    const held = this.#held;
    if (held.length === 0) {
      this.octets = lf - 1 - from;
      this.text = chunk.toString('utf8', from, lf - 1);
      return;
    }
    // The CR may have come with the chunk before: cut it from the whole.
    const whole = Buffer.concat([held, chunk.subarray(from, lf)]);
    this.#held = NOTHING;
    this.octets = whole.length - 1;
    this.text = whole.toString('utf8', 0, whole.length - 1);
  }

  /** A skipped line is over; the next one may be in the same chunk. */
  #again(chunk: Buffer): Found {
    return this.position < chunk.length ? this.next(chunk, this.position) : 'more';
  }

  #hold(chunk: Buffer, from: number): Found {
    this.position = chunk.length;
    this.#endsInCr = chunk[chunk.length - 1] === CR;
    if (this.#skipping !== 'no') return 'more';
    if (this.#held.length + chunk.length - from > AUTH_LINE_OCTETS + 1) {
      this.#held = NOTHING;
      this.#skipping = 'tooLong';
      return 'tooLong';
    }
    // A copy, so that an unfinished line does not keep the chunk it came with.
    this.#held = Buffer.concat([this.#held, chunk.subarray(from)]);
    return 'more';
  }

  /** Octets of a line that has not ended. */
  get heldOctets(): number {
    return this.#held.length;
  }
}
