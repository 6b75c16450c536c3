// ITU-T T.4 one-dimensional coding (MH), as class 2 modems and G3 files have it.
//
// A row takes two steps without a branch for a run: where does the colour change, then what do the runs between two
// places code to. Bits are gathered the first in the lowest, because octets then leave an accumulator of 64 bits by a
// plain store; what wants the first bit in the highest is turned at the end, sixteen octets at a time.
import { chunkLength, FAX_ENCODE, FAX_OCTETS, FAX_PAIRS, FAX_PLACES, FAX_RUNS, FAX_WIRE, INPUT, OUTPUT } from '../abi';
import { boundedWidth, DOUBLED, doubled, REVERSED, turn, turnedWord, UNENDED } from './bits';
import { BLACK, WHITE } from './codes';

const WIDTH = FAX_ENCODE, FLAGS = FAX_ENCODE + 4, BITS = FAX_ENCODE + 8, COUNT = FAX_ENCODE + 12;

/** A row of eight pels can code to seven octets, and no row grows more: 0x1c000 octets, each of which may be doubled. */
const MOST_OCTETS: i32 = 0x4000;
/** What will be doubled is made here: 0x1c000 fit in before the look-up tables, and doubling cannot overtake itself. */
const UNDOUBLED: usize = OUTPUT + 0x29e00;

const EOL: u64 = 0x800, EOL_BITS: u64 = 12; // eleven zeros and a one

// An entry is the code above its length in the lowest six bits, so that shifting by an entry shifts by its length.
const LENGTH_BITS: u32 = 6;
const LONGEST_RUN: u32 = 2560;
/** Make-up and terminating code as one. */
const WHITE_RUNS: usize = FAX_RUNS;
const BLACK_RUNS: usize = FAX_RUNS + <usize>((LONGEST_RUN + 1) << 2);
/** Fewer than 64 white pels and then fewer than 16 black ones: at most 17 bits, and nearly all of a page. */
const PAIRS: usize = FAX_PAIRS;
const SHORT_WHITE: u32 = 64, SHORT_BLACK: u32 = 16;
/** For each octet where its bits are, eight octets. */
const OCTETS: usize = FAX_OCTETS;

export function faxEncodeReset(width: i32, flags: i32): void {
  memory.fill(FAX_ENCODE, 0, 64);
  store<u32>(WIDTH, boundedWidth(width));
  store<u32>(FLAGS, flags);
}

/** `code` with a one before it (codes.ts), behind what `entry` has. */
function joined(entry: u32, code: u32): u32 {
  const length: u32 = 31 - clz<u32>(code);
  const before = entry & 63;
  let bits = entry >> LENGTH_BITS;
  for (let n: u32 = 0; n < length; n++) bits |= ((code >> (length - 1 - n)) & 1) << (before + n);
  return (bits << LENGTH_BITS) | (before + length);
}

function fillTables(): void {
  if (load<u32>(WHITE_RUNS)) return; // a white run of none has a code
  for (let run: u32 = 0; run <= LONGEST_RUN; run++) {
    for (let colour: u32 = 0; colour < 2; colour++) {
      const codes = colour ? BLACK : WHITE;
      const makeUp = run > 63 ? joined(0, load<u16>(codes + ((63 + (run >> 6)) << 1))) : 0;
      store<u32>((colour ? BLACK_RUNS : WHITE_RUNS) + (run << 2), joined(makeUp, load<u16>(codes + ((run & 63) << 1))));
    }
  }
  // No row has a black run of none: it stands for the end of a row in white. Two runs of none are behind the end.
  store<u32>(BLACK_RUNS, 0);
  for (let black: u32 = 0; black < SHORT_BLACK; black++) {
    for (let white: u32 = 0; white < SHORT_WHITE; white++) {
      const before = load<u32>(WHITE_RUNS + (white << 2));
      store<u32>(PAIRS + ((black * SHORT_WHITE + white) << 2), black ? joined(before, load<u16>(BLACK + (black << 1))) : before);
    }
  }
  store<u32>(PAIRS, 0);
  for (let octet: u32 = 0; octet < 256; octet++) {
    let at = OCTETS + (octet << 3);
    for (let bits = octet; bits; bits &= bits - 1) store<u8>(at++, ctz<u32>(bits));
  }
}

/** Where the changes of 64 pels are, one after the other; gives the end. Up to 16 octets behind it are spoilt. */
@inline
function places(changes: u64, base: u32, out: usize): usize {
  if (ASC_FEATURE_SIMD) {
    const count = <usize>popcnt<u64>(changes);
    if (count <= 4) { // rules, margins, edges
      store<u16>(out, base + <u32>ctz<u64>(changes));
      changes &= changes - 1;
      store<u16>(out, base + <u32>ctz<u64>(changes), 2);
      changes &= changes - 1;
      store<u16>(out, base + <u32>ctz<u64>(changes), 4);
      changes &= changes - 1;
      store<u16>(out, base + <u32>ctz<u64>(changes), 6);
      return out + (count << 1);
    }
    const eight = i16x8.splat(8);
    let from = i16x8.splat(<i16>base);
    let octet = <usize>(changes << 3) & 0x7f8;
    v128.store(out, i16x8.add(from, v128.load8x8_u(OCTETS + octet)));
    out += <usize>popcnt<u32>(<u32>octet) << 1;
    for (let n: u64 = 5; n < 61; n += 8) {
      octet = <usize>(changes >> n) & 0x7f8;
      from = i16x8.add(from, eight);
      v128.store(out, i16x8.add(from, v128.load8x8_u(OCTETS + octet)));
      out += <usize>popcnt<u32>(<u32>octet) << 1;
    }
    return out;
  }
  for (; changes; changes &= changes - 1) {
    store<u16>(out, base + <u32>ctz<u64>(changes));
    out += 2;
  }
  return out;
}

/** Whole rows (1 is black, first pel in the highest bit). Octets written to OUTPUT. */
export function faxEncode(octets: i32): i32 {
  fillTables();
  const width = load<u32>(WIDTH);
  const flags = load<u32>(FLAGS);
  const rowOctets = <usize>(width >> 3);
  const end = INPUT + <usize>min(chunkLength(octets), MOST_OCTETS);
  const from = flags & DOUBLED ? UNDOUBLED : OUTPUT;
  const whole = width & ~63;
  const tailMask: u64 = (<u64>1 << (width & 63)) - 1;
  let out = from;
  let bits = <u64>load<u32>(BITS);
  let count = <u64>load<u32>(COUNT); // below 8 between two flushes
  store<u16>(FAX_PLACES, 0);
  for (let row: usize = INPUT; row + rowOctets <= end; row += rowOctets) {
    let last = FAX_PLACES + 2;
    let before: u64 = 0; // the pel before
    let base: u32 = 0;
    for (; base < whole; base += 64) {
      const at = row + (base >> 3);
      // Most of a page is paper.
      if ((load<u64>(at) | before) == 0) continue;
      const word = turnedWord(at);
      last = places(word ^ ((word << 1) | before), base, last);
      before = word >> 63;
    }
    if (tailMask) {
      const word = turnedWord(row + (base >> 3));
      last = places((word ^ ((word << 1) | before)) & tailMask, base, last);
    }
    // Runs of none follow the row, up to eight; a pair of them is no code.
    if (ASC_FEATURE_SIMD) {
      const ended = i16x8.splat(<i16>width);
      v128.store(last, ended);
      v128.store(last, ended, 16);
    } else {
      store<u32>(last, width | (width << 16));
    }

    bits |= EOL << count;
    count += EOL_BITS;
    store<u64>(out, bits);
    out += <usize>(count >> 3);
    bits >>= count & 56;
    count &= 7;
    for (let p = FAX_PLACES; p < last;) {
      if (ASC_FEATURE_SIMD) {
        const runs = i16x8.sub(v128.load(p, 2), v128.load(p));
        if (!v128.any_true(v128.and(runs, i16x8(-64, -16, -64, -16, -64, -16, -64, -16)))) {
          const pairs = i32x4.dot_i16x8_s(runs, i16x8(4, 256, 4, 256, 4, 256, 4, 256));
          const a = <u64>load<u32>(PAIRS + <usize>i32x4.extract_lane(pairs, 0));
          const b = <u64>load<u32>(PAIRS + <usize>i32x4.extract_lane(pairs, 1));
          const c = <u64>load<u32>(PAIRS + <usize>i32x4.extract_lane(pairs, 2));
          const d = <u64>load<u32>(PAIRS + <usize>i32x4.extract_lane(pairs, 3));
          bits |= ((a >> LENGTH_BITS) | ((b >> LENGTH_BITS) << a)) << count;
          count = (count + a + b) & 63;
          store<u64>(out, bits);
          out += <usize>(count >> 3);
          bits >>= count & 56;
          count &= 7;
          bits |= ((c >> LENGTH_BITS) | ((d >> LENGTH_BITS) << c)) << count;
          count = (count + c + d) & 63;
          store<u64>(out, bits);
          out += <usize>(count >> 3);
          bits >>= count & 56;
          count &= 7;
          p += 16;
          continue;
        }
      }
      // White at most 20 bits, black 26: with what is left of the octet before they fit.
      const stop = ASC_FEATURE_SIMD ? min(p + 16, last) : last;
      for (; p < stop; p += 4) {
        const first = <u32>load<u16>(p), middle = <u32>load<u16>(p, 2), next = <u32>load<u16>(p, 4);
        const white = <u64>load<u32>(WHITE_RUNS + ((middle - first) << 2));
        const black = <u64>load<u32>(BLACK_RUNS + ((next - middle) << 2));
        bits |= ((white >> LENGTH_BITS) | ((black >> LENGTH_BITS) << white)) << count;
        count = (count + white + black) & 63;
        store<u64>(out, bits);
        out += <usize>(count >> 3);
        bits >>= count & 56;
        count &= 7;
      }
    }
  }
  store<u32>(BITS, <u32>bits);
  store<u32>(COUNT, <u32>count);
  return wired(from, out, !(flags & REVERSED), flags);
}

/** Octets on their way out: turned where they stand, then doubled or copied to OUTPUT. Gives how many there are. */
@inline
function wired(from: usize, end: usize, turning: bool, flags: u32): i32 {
  if (turning) turn(from, end);
  if (flags & DOUBLED) return <i32>(doubled(from, end, OUTPUT) - OUTPUT);
  if (from != OUTPUT) memory.copy(OUTPUT, from, end - from);
  return <i32>(end - from);
}

/** Six EOLs (return to control) and the last octet filled with zeros. */
export function faxEncodeFinish(): i32 {
  const flags = load<u32>(FLAGS);
  const from = flags & DOUBLED ? UNDOUBLED : OUTPUT;
  let bits = <u64>load<u32>(BITS);
  let count = <u64>load<u32>(COUNT);
  let out = from;
  for (let n = flags & UNENDED ? 6 : 0; n < 6; n++) {
    bits |= EOL << count;
    count += EOL_BITS;
    store<u64>(out, bits);
    out += <usize>(count >> 3);
    bits >>= count & 56;
    count &= 7;
  }
  if (count) store<u8>(out++, bits);
  store<u32>(BITS, 0);
  store<u32>(COUNT, 0);
  return wired(from, out, !(flags & REVERSED), flags);
}

// A G3 file on its way to the modem, or back: bits turned first, DLE doubled after.
export function faxWireReset(flags: i32): void {
  store<u32>(FAX_WIRE, flags);
}

export function faxWire(octets: i32): i32 {
  const flags = load<u32>(FAX_WIRE);
  return wired(INPUT, INPUT + <usize>chunkLength(octets), (flags & REVERSED) != 0, flags);
}
