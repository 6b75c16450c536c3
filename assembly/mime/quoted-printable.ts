// Quoted-printable (RFC 2045 §6.7), encoding.
import { chunkLength, CR, EXPANDED, INPUT, LF, OUTPUT, QP_ENCODE } from '../abi';
import { BLOCK_OCTETS, expand, fillExpansions, literalOctets, notLiteral } from './quoted-printable-expansion';
import { breakLines, COLUMN, fillMarks, SOFT_BREAK, UNPAIRED } from './quoted-printable-lines';

const EQUALS: u32 = 61, SPACE: u32 = 32, TAB: u32 = 9, DOT: u32 = 46, LETTER_F: u32 = 70;
const CRLF: u32 = 0x0a0d;
const ROM_BLANK: u32 = 0x206d6f72; // "rom "

const HEX = memory.data<u8>([48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 65, 66, 67, 68, 69, 70], 16);
const SPLATS = memory.data<u8>([1, 33, 61, 9, 5, 15, 32, 13, 10]);

// State of the encoder.
const HELD = QP_ENCODE + 4;
const BINARY = QP_ENCODE + 8;
const HOLD = QP_ENCODE + 16;
const LOOK_AHEAD: usize = 5; // "From "; a hard break needs two
const REACHED = QP_ENCODE + 44;
const SHORT_BLOCK: usize = 64;
const LOOK_PAST: usize = 24;

/** Binary: CR and LF are octets like any other, and only the end is a hard break. */
export function qpEncodeReset(binary: i32): void {
  memory.fill(QP_ENCODE, 0, 64);
  store<u32>(BINARY, binary ? 1 : 0);
  if (ASC_FEATURE_SIMD) {
    fillExpansions();
    fillMarks();
  }
}

/** Octets written to OUTPUT. With `last` nothing is held back. */
export function qpEncode(octets: i32, last: i32): i32 {
  const held = <usize>load<u32>(HELD);
  const end = INPUT + <usize>chunkLength(octets);
  const text = load<u32>(BINARY) == 0;
  let p = INPUT - held;
  memory.copy(p, HOLD, held);
  // Behind the end stands what counts the same as the end: a hard break in text, nothing of note in binary.
  store<u32>(end, last ? CRLF : 0);
  let out: usize = OUTPUT;
  if (ASC_FEATURE_SIMD) {
    out = blocks(p, end, out, text);
    p = <usize>load<u32>(REACHED);
  }
  out = octetByOctet(p, last ? end : max(p, end - LOOK_AHEAD), end, out, last != 0, text);
  p = <usize>load<u32>(REACHED);
  const left = p < end ? end - p : 0;
  memory.copy(HOLD, p, left);
  store<u32>(HELD, <u32>left);
  return <i32>(out - OUTPUT);
}

/** All but the last octets. Each rule looks less far ahead than LOOK_PAST, so that no block ends in a doubt. */
function blocks(p: usize, end: usize, out: usize, text: bool): usize {
  let block = SHORT_BLOCK, dense = false;
  for (let room = end - p; room >= 16 + LOOK_PAST; room = end - p) {
    if (text) {
      const literal = literalOctets(p, p + min(room - LOOK_PAST, BLOCK_OCTETS));
      // The more there is to escape, the longer are the blocks.
      block = literal >= 512 ? SHORT_BLOCK : literal < 128 ? min(block << 1, BLOCK_OCTETS) : block;
      if (literal != 0) {
        const stop = wholeUnits(p + literal);
        out = breakLines(p, stop, out, true);
        p = stop;
        continue;
      }
    }
    const taken = min(room - LOOK_PAST, text ? block : BLOCK_OCTETS) & ~15;
    const stop = text ? wholeUnits(p + taken) : p + taken;
    let tail = expand(p, taken, text, dense);
    dense = tail - EXPANDED > taken + (taken >> 1);
    if (load<u32>(UNPAIRED)) {
      out = octetByOctet(p, stop, end, out, false, text);
    } else {
      let cut = p + taken - stop;
      if (cut != 0 && load<u8>(p + taken) == LF) {
        tail--;
        cut--;
      }
      if (cut != 0) tail -= load<u8>(tail - 3) == EQUALS ? 3 : 1;
      v128.store(tail, v128.load(stop)); // "From " may stand astride
      out = breakLines(EXPANDED, tail, out, false);
    }
    p = stop;
  }
  store<u32>(REACHED, <u32>p);
  return out;
}

/** Where a block that would end at `stop` has to: CR stays with LF, and with both the octet that may stand in column 76. */
function wholeUnits(stop: usize): usize {
  if (load<u16>(stop - 1) == CRLF) stop--;
  return load<u16>(stop) == CRLF && load<u16>(stop - 2) != CRLF ? stop - 1 : stop;
}

/** The rest, or all without SIMD: every rule for each octet from `p` to `stop`; REACHED is where that ended. */
function octetByOctet(p: usize, stop: usize, end: usize, out: usize, last: bool, text: bool): usize {
  let column = load<u32>(COLUMN);
  while (p < stop) {
    const octet = <u32>load<u8>(p);
    if (text && octet == CR && load<u8>(p + 1) == LF && p + 1 < end) {
      store<u16>(out, CRLF);
      out += 2;
      p += 2;
      column = 0;
      continue;
    }
    const hard = text ? load<u16>(p + 1) == CRLF : last && p + 1 == end;
    const literal = octet == SPACE || octet == TAB ? !hard : octet > 32 && octet < 127 && octet != EQUALS;
    if (column + (literal ? 1 : 3) > (hard ? <u32>76 : <u32>75)) {
      store<u32>(out, SOFT_BREAK);
      out += 3;
      column = 0;
    }
    // A dot or "From " must not begin a line, one made by a soft break included.
    const first = column == 0 && (octet == DOT
      || (octet == LETTER_F && p + 5 <= end && load<u32>(p + 1) == ROM_BLANK));
    if (literal && !first) {
      store<u8>(out++, octet);
      column++;
    } else {
      store<u8>(out, EQUALS);
      store<u8>(out, load<u8>(HEX + (octet >> 4)), 1);
      store<u8>(out, load<u8>(HEX + (octet & 15)), 2);
      out += 3;
      column += 3;
    }
    p++;
  }
  store<u32>(COLUMN, column);
  store<u32>(REACHED, <u32>p);
  return out;
}

/** How many of INPUT's octets quoted-printable has to escape; line ends and tabs not counted. */
export function escapeCount(octets: i32): i32 {
  const end = INPUT + <usize>chunkLength(octets);
  let p: usize = INPUT, count = 0;
  if (ASC_FEATURE_SIMD) {
    const one = v128.load8_splat(SPLATS), blank = v128.load8_splat(SPLATS, 1), equals = v128.load8_splat(SPLATS, 2);
    const tab = v128.load8_splat(SPLATS, 3), lf = v128.load8_splat(SPLATS, 8), cr = v128.load8_splat(SPLATS, 7);
    for (; p + 16 <= end; p += 16) {
      const v = v128.load(p);
      const spared = v128.or(v128.or(i8x16.eq(v, tab), i8x16.eq(v, lf)), i8x16.eq(v, cr));
      count += popcnt(i8x16.bitmask(v128.andnot(notLiteral(v, one, blank, equals), spared)));
    }
  }
  for (; p < end; p++) {
    const octet = <u32>load<u8>(p);
    if ((octet < 32 && octet != TAB && octet != LF && octet != CR) || octet > 126 || octet == EQUALS) count++;
  }
  return count;
}
