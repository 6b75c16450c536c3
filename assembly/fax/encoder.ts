// ITU-T T.4 one-dimensional coding (MH), as class 2 modems and G3 files have it.
//
// A row takes two steps without a branch for a run: where does the colour change, then what do the runs between two
// places code to. Bits are gathered the first in the lowest, because octets then leave an accumulator of 64 bits by a
// plain store; what wants the first bit in the highest is turned at the end, sixteen octets at a time.
import { chunkLength, FAX_ENCODE, FAX_OCTETS, FAX_PAIRS, FAX_PLACES, FAX_RUNS, FAX_WIRE, INPUT, OUTPUT } from '../abi';
import { boundedWidth, DOUBLED, doubled, REVERSED, turn, turned, UNENDED } from './bits';
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
/**
 * Fewer than 64 white pels and then fewer than 16 black ones: at most 17 bits, and nearly all of a page. An entry is the
 * code, and two to the power of its length: what is multiplied need not be shifted, which takes more instructions here.
 */
const PAIRS: usize = FAX_PAIRS;
const SHORT_WHITE: u32 = 64, SHORT_BLACK: u32 = 16;
/** For each octet where its bits are, eight octets: the first pel is the highest bit. */
const OCTETS: usize = FAX_OCTETS;

const EIGHT = memory.data<u16>([8, 8, 8, 8, 8, 8, 8, 8], 16);
const SHORT_RUNS = memory.data<u16>([63, 15, 63, 15, 63, 15, 63, 15], 16);
const PAIR_STEPS = memory.data<u16>([8, 512, 8, 512, 8, 512, 8, 512], 16);
const PAIRS_AT = memory.data<u32>([<u32>FAX_PAIRS]);
const FEW: usize = 4;
const BEHIND: usize = 16;
const FAX_PLACES_FULL: usize = FAX_PLACES + 0x2000; // room for one more row of any kind
const FAX_ROWS: usize = FAX_PLACES + 0x3800;

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
      const entry = black ? joined(before, load<u16>(BLACK + (black << 1))) : before;
      store<u32>(PAIRS + ((black * SHORT_WHITE + white) << 3), entry >> LENGTH_BITS);
      store<u32>(PAIRS + ((black * SHORT_WHITE + white) << 3), 1 << (entry & 63), 4);
    }
  }
  store<u64>(PAIRS, (<u64>1) << 32); // no code
  for (let octet: u32 = 0; octet < 256; octet++) {
    let at = OCTETS + (octet << 3);
    for (let bits = octet << 24; bits; bits ^= 0x80000000 >> clz<u32>(bits)) store<u8>(at++, clz<u32>(bits));
  }
}

/** Where 64 pels change, one place after the other; gives the end. Up to 16 octets behind it are spoilt. */
@inline
function places(word: u64, before: u64, mask: u64, base: u32, out: usize): usize {
  if (ASC_FEATURE_SIMD) {
    // Each pel against the one before it: its neighbour's bit, and for an octet's first the last of the octet before.
    const previous = ((word >> 1) & 0x7f7f7f7f7f7f7f7f) | ((word & 0x0101010101010101) << 15) | (before << 7);
    const changes = (word ^ previous) & mask;
    const count = <usize>popcnt<u64>(changes);
    if (count <= FEW) { // rules, edges
      let few = turned(changes);
      store<u16>(out, base + <u32>ctz<u64>(few));
      few &= few - 1;
      store<u16>(out, base + <u32>ctz<u64>(few), 2);
      few &= few - 1;
      store<u16>(out, base + <u32>ctz<u64>(few), 4);
      few &= few - 1;
      store<u16>(out, base + <u32>ctz<u64>(few), 6);
      return out + (count << 1);
    }
      const eight = v128.load(EIGHT);
    let from = i16x8.splat(<i16>base);
    out = octetPlaces(<usize>(changes << 3), from, out);
    out = octetPlaces(<usize>(changes >> 5), (from = i16x8.add(from, eight)), out);
    out = octetPlaces(<usize>(changes >> 13), (from = i16x8.add(from, eight)), out);
    out = octetPlaces(<usize>(changes >> 21), (from = i16x8.add(from, eight)), out);
    out = octetPlaces(<usize>(changes >> 29), (from = i16x8.add(from, eight)), out);
    out = octetPlaces(<usize>(changes >> 37), (from = i16x8.add(from, eight)), out);
    out = octetPlaces(<usize>(changes >> 45), (from = i16x8.add(from, eight)), out);
    out = octetPlaces(<usize>(changes >> 53), (from = i16x8.add(from, eight)), out);
    return out;
  }
  const pels = turned(word);
  for (let changes = (pels ^ ((pels << 1) | before)) & mask; changes; changes &= changes - 1) {
    store<u16>(out, base + <u32>ctz<u64>(changes));
    out += 2;
  }
  return out;
}

/** `octet`: eight times the one that is meant, and other bits. */
@inline
function octetPlaces(octet: usize, from: v128, out: usize): usize {
  octet &= 0x7f8;
  v128.store(out, i16x8.add(from, v128.load8x8_u(OCTETS + octet)));
  return out + (<usize>popcnt<u32>(<u32>octet) << 1);
}

/** A bit for each 64 pels of a row that change or are black: most of a page is paper. */
@inline
function written(row: usize, words: u32): u64 {
  let black: u64 = 0, last: u64 = 0;
  if (ASC_FEATURE_SIMD) {
    const white = i64x2.splat(0);
    for (let n: u32 = 0; n < words; n += 4) {
      const at = row + (n << 3);
      const a = v128.load(at), b = v128.load(at, 16);
      const empty = v128.shuffle<i32>(i64x2.eq(a, white), i64x2.eq(b, white), 0, 2, 4, 6);
      black |= <u64>(i32x4.bitmask(empty) ^ 15) << n;
      last |= <u64>i32x4.bitmask(i32x4.shl(v128.shuffle<i32>(a, b, 1, 3, 5, 7), 7)) << n;
    }
  } else {
    for (let n: u32 = 0; n < words; n++) {
      const word = load<u64>(row + (n << 3));
      black |= <u64>(word != 0) << n;
      last |= ((word >> 56) & 1) << n;
    }
  }
  return (black | (last << 1)) & (((<u64>1) << words) - 1);
}

/** Whole rows (1 is black, first pel in the highest bit). Octets written to OUTPUT. */
export function faxEncode(octets: i32): i32 {
  fillTables();
  const flags = load<u32>(FLAGS);
  const rowOctets = <usize>(load<u32>(WIDTH) >> 3);
  const end = INPUT + <usize>min(chunkLength(octets), MOST_OCTETS);
  const from = flags & DOUBLED ? UNDOUBLED : OUTPUT;
  let out = from;
  // First where several rows change, then their codes: what was just stored in pieces is slow to load as a whole.
  for (let row: usize = INPUT; row + rowOctets <= end;) {
    let list = FAX_PLACES, rows: usize = 0;
    for (; row + rowOctets <= end && list < FAX_PLACES_FULL; row += rowOctets) {
      list = rowPlaces(row, list);
      store<u32>(FAX_ROWS + (rows++ << 2), <u32>list);
    }
    list = FAX_PLACES;
    for (let n: usize = 0; n < rows; n++) {
      const next = <usize>load<u32>(FAX_ROWS + (n << 2));
      out = rowCodes(list, next - BEHIND, out);
      list = next;
    }
  }
  return wired(from, out, !(flags & REVERSED), flags);
}

/** Where a row changes: a zero, an even number of places, and BEHIND octets that repeat the last. Gives the end. */
@inline
function rowPlaces(row: usize, list: usize): usize {
  const width = load<u32>(WIDTH), words = (width + 63) >> 6;
  // The last 64 pels may reach past the row.
  const lastMask: u64 = width & 63 ? (<u64>1 << (width & 63)) - 1 : -1;
  store<u16>(list, 0);
  let last = list + 2;
  for (let marks = written(row, words); marks; marks &= marks - 1) {
    const n = <u32>ctz<u64>(marks);
    const at = row + (n << 3);
    const before: u64 = n ? load<u8>(at - 1) & 1 : 0;
    last = places(load<u64>(at), before, n == words - 1 ? lastMask : -1, n << 6, last);
  }
  // A row that ends in black has white of none behind it.
  store<u16>(last, width);
  last += (last - list - 2) & 2;
  const repeated = load<u16>(last - 2);
  if (ASC_FEATURE_SIMD) {
    v128.store(last, i16x8.splat(<i16>repeated));
  } else {
    store<u64>(last, <u64>repeated * 0x0001000100010001);
    store<u64>(last, <u64>repeated * 0x0001000100010001, 8);
  }
  return last + BEHIND;
}

/** An EOL and the codes of the runs between the places from `p` to `last`; gives where they end. */
@inline
function rowCodes(p: usize, last: usize, out: usize): usize {
  let bits = <u64>load<u32>(BITS);
  let count = load<u32>(COUNT); // below 8 between two flushes
  const margin = load<u32>(WIDTH) - load<u16>(last - 2);
  bits |= EOL << <u64>count;
  count += <u32>EOL_BITS;
  store<u64>(out, bits);
  out += count >> 3;
  bits >>= <u64>(count & 56);
  count &= 7;
  // Margins are long, what stands between them is not: the first pair is looked up alone, and the last run.
  let stop = p + 2 < last ? p + 4 : p;
  while (true) {
    // White at most 20 bits, black 26: with what is left of the octet before they fit.
    for (; p < stop; p += 4) {
      const first = <u32>load<u16>(p), middle = <u32>load<u16>(p, 2), next = <u32>load<u16>(p, 4);
      const white = <u64>load<u32>(WHITE_RUNS + ((middle - first) << 2));
      const black = <u64>load<u32>(BLACK_RUNS + ((next - middle) << 2));
      bits |= ((white >> LENGTH_BITS) | ((black >> LENGTH_BITS) << white)) << <u64>count;
      count = (count + <u32>white + <u32>black) & 63;
      store<u64>(out, bits);
      out += count >> 3;
      bits >>= <u64>(count & 56);
      count &= 7;
    }
    if (ASC_FEATURE_SIMD) {
      for (; p + 2 < last; p += 16) {
        const runs = i16x8.sub(v128.load(p, 2), v128.load(p));
        if (i8x16.bitmask(i16x8.gt_s(runs, v128.load(SHORT_RUNS))) != 0) break;
        const pairs = i32x4.add(i32x4.dot_i16x8_s(runs, v128.load(PAIR_STEPS)), v128.load32_splat(PAIRS_AT));
        const a = <usize>i32x4.extract_lane(pairs, 0), b = <usize>i32x4.extract_lane(pairs, 1);
        const c = <usize>i32x4.extract_lane(pairs, 2), d = <usize>i32x4.extract_lane(pairs, 3);
        const powerA = <u64>load<u32>(a, 4), powerC = <u64>load<u32>(c, 4);
        bits |= (<u64>load<u32>(a) + <u64>load<u32>(b) * powerA) << <u64>count;
        let more = count + <u32>ctz<u64>(powerA * <u64>load<u32>(b, 4));
        store<u64>(out, bits);
        out += more >> 3;
        bits >>= <u64>(more & 56);
        count = more & 7;
        bits |= (<u64>load<u32>(c) + <u64>load<u32>(d) * powerC) << <u64>count;
        more = count + <u32>ctz<u64>(powerC * <u64>load<u32>(d, 4));
        store<u64>(out, bits);
        out += more >> 3;
        bits >>= <u64>(more & 56);
        count = more & 7;
      }
    }
    if (p + 2 >= last) break;
    stop = ASC_FEATURE_SIMD ? min(p + 16, last - 2) : last - 2;
  }
  if (margin != 0) {
    const white = <u64>load<u32>(WHITE_RUNS + (margin << 2));
    bits |= (white >> LENGTH_BITS) << <u64>count;
    count = (count + <u32>white) & 63;
    store<u64>(out, bits);
    out += count >> 3;
    bits >>= <u64>(count & 56);
    count &= 7;
  }
  store<u32>(BITS, <u32>bits);
  store<u32>(COUNT, count);
  return out;
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
