// Quoted-printable (RFC 2045 §6.7), encoding.
import { chunkLength, CR, INPUT, LF, OUTPUT, QP_ENCODE } from '../abi';
import { BLOCK_OCTETS, breakLines, COPIED, copyLiterals, expand, LOOK_PAST, notLiteral, SHORT_BLOCK } from './quoted-printable-blocks';

const EQUALS: u32 = 61, SPACE: u32 = 32, TAB: u32 = 9, DOT: u32 = 46, LETTER_F: u32 = 70;
const CRLF: u32 = 0x0a0d;
const SOFT_BREAK: u32 = 0x0a0d3d; // = CR LF
const ROM_BLANK: u32 = 0x206d6f72; // "rom "

const HEX = memory.data<u8>([48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 65, 66, 67, 68, 69, 70], 16);
const SPLATS = memory.data<u8>([1, 33, 61, 9, 5, 15, 32, 13, 10]);

// State of the encoder.
const COLUMN = QP_ENCODE;
const HELD = QP_ENCODE + 4;
const BINARY = QP_ENCODE + 8;
const HOLD = QP_ENCODE + 16;
const LOOK_AHEAD: usize = 5; // "From "; a hard break needs two

/** Binary: CR and LF are octets like any other, and only the end is a hard break. */
export function qpEncodeReset(binary: i32): void {
  memory.fill(QP_ENCODE, 0, 64);
  store<u32>(BINARY, binary ? 1 : 0);
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
  let column = load<u32>(COLUMN);
  const stop = last ? end : max(p, end - LOOK_AHEAD);

  if (ASC_FEATURE_SIMD) {
    // Every rule looks less far ahead than LOOK_PAST, so that no block ends in a doubt. The more there is to escape,
    // the longer are the blocks.
    let block: usize = SHORT_BLOCK;
    for (let room = end - p; room >= 16 + LOOK_PAST; room = end - p) {
      out = copyLiterals(p, end, out, text);
      const copied = <usize>load<u32>(COPIED);
      block = copied >= 512 ? SHORT_BLOCK : copied < 64 ? min(block << 1, BLOCK_OCTETS) : block;
      p += copied;
      room = end - p;
      if (room < 16 + LOOK_PAST) break;
      const taken = min(room - LOOK_PAST, block) & ~15;
      const expanded = expand(p, taken, text);
      // CR and LF stay together.
      const cut: usize = text && load<u8>(p + taken - 1) == CR && load<u8>(p + taken) == LF ? 1 : 0;
      p += taken - cut;
      out = breakLines(expanded - cut, p, out, text);
    }
    column = load<u32>(COLUMN);
  }
  // The rest, or all without SIMD: one octet, every rule.
  while (p < stop) {
    const octet = <u32>load<u8>(p);
    if (text && octet == CR && load<u8>(p + 1) == LF && p + 1 < end) {
      store<u16>(out, CRLF);
      out += 2;
      p += 2;
      column = 0;
      continue;
    }
    const hard = text ? load<u16>(p + 1) == CRLF : last != 0 && p + 1 == end;
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
  const left = p < end ? end - p : 0;
  memory.copy(HOLD, p, left);
  store<u32>(HELD, <u32>left);
  store<u32>(COLUMN, column);
  return <i32>(out - OUTPUT);
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
