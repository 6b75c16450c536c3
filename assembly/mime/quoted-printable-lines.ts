// Quoted-printable's second half: lines of at most 76 out of octets that are escaped already. Lines that fit are copied.
import { CR, LF, LINE_ENDS, QP_ENCODE } from '../abi';
import { copy80 } from '../copy';

export const COLUMN = QP_ENCODE;
/** How many ends of lines, as places of their CRs, the first half noted. */
export const LINES = QP_ENCODE + 12;
export const UNPAIRED = QP_ENCODE + 40;

export const SOFT_BREAK: u32 = 0x0a0d3d; // = CR LF
const CRLF: u32 = 0x0a0d;
const TAB: u32 = 9, SPACE: u32 = 32, DOT: u32 = 46, EQUALS: u32 = 61, LETTER_F: u32 = 70;
const ROM_BLANK: u32 = 0x206d6f72; // "rom "
const ESCAPED_DOT: u32 = 0x45323d, ESCAPED_F: u32 = 0x36343d, ESCAPED_BLANK: u32 = 0x30323d, ESCAPED_TAB: u32 = 0x39303d;

/** 1 for what must not begin a line as it is, in the second half for what must not end one. */
const MARKS = memory.data(512);

export function fillMarks(): void {
  store<u8>(MARKS + DOT, 1);
  store<u8>(MARKS + LETTER_F, 1); // perhaps "From "
  store<u8>(MARKS + 256 + SPACE, 1);
  store<u8>(MARKS + 256 + TAB, 1);
}

@inline
function marked(at: usize, cr: usize): bool {
  return (load<u8>(MARKS + <usize>load<u8>(at)) | load<u8>(MARKS + <usize>load<u8>(cr - 1), 256)) != 0;
}

/** Octets from `at` to `end`, whose lines are noted, to `out`; gives where they end. `literal`: nothing was escaped. */
export function breakLines(at: usize, end: usize, out: usize, literal: bool): usize {
  let list = LINE_ENDS;
  const stop = LINE_ENDS + (<usize>load<u32>(LINES) << 2);
  if (load<u32>(COLUMN) != 0 && list < stop) {
    const cr = <usize>load<u32>(list);
    out = line(at, cr, out);
    at = cr + 2;
    list += 4;
  }
  if (literal) {
    // Nearly every line fits.
    while (list < stop) {
      const cr = <usize>load<u32>(list), octets = cr - at;
      if (marked(at, cr)) {
        out = line(at, cr, out);
      } else {
        copy80(out, at);
        if (octets > 76) {
          store<u32>(out, SOFT_BREAK, 75);
          out += 78;
          at += 75;
          continue;
        }
        store<u16>(out + octets, CRLF);
        out += octets + 2;
      }
      at = cr + 2;
      list += 4;
    }
  } else {
    // A line that comes out a turn, and no branch on whether its break is hard or soft.
    while (list < stop) {
      const cr = <usize>load<u32>(list), left = cr - at;
      if (marked(at, cr)) {
        out = line(at, cr, out);
        at = cr + 2;
        list += 4;
        continue;
      }
      copy80(out, at);
      const hard = <usize>(left <= 76), most = <usize>(75 - splitAt(at + 75));
      const octets = select(left, most, left <= 76);
      at = select(cr + 2, at + most, left <= 76);
      store<u32>(out + octets, SOFT_BREAK >> (<u32>hard << 3));
      out += octets + 3 - hard;
      list += hard << 2;
    }
  }
  return at < end ? run(at, end, 75, out) : out;
}

/** How many octets before `at` belong to an escape that reaches past it. */
@inline
function splitAt(at: usize): i32 {
  const two = <u32>load<u16>(at - 2) ^ 0x3d3d;
  return i32(two < 256) + (i32((two & 255) == 0) << 1);
}

/** A line that ends before `cr`, with its end. White space before a hard break is escaped (RFC 2045 §6.7 rule 3). */
function line(at: usize, cr: usize, out: usize): usize {
  const last = at < cr ? <u32>load<u8>(cr - 1) : 0;
  if (last != SPACE && last != TAB) out = run(at, cr, 76, out);
  else {
    out = run(at, cr - 1, 75, out);
    if (load<u32>(COLUMN) + 3 > 76) {
      store<u32>(out, SOFT_BREAK);
      out += 3;
    }
    store<u32>(out, last == SPACE ? ESCAPED_BLANK : ESCAPED_TAB);
    out += 3;
  }
  store<u16>(out, CRLF);
  store<u32>(COLUMN, 0);
  return out + 2;
}

/** Octets without a hard break, the last of them up to the column `limit`. */
function run(at: usize, end: usize, limit: u32, out: usize): usize {
  let column = load<u32>(COLUMN);
  while (true) {
    if (column == 0 && at < end) {
      // A dot or "From " must not begin a line, one made by a soft break included.
      const first = <u32>load<u8>(at);
      if (first == DOT || (first == LETTER_F && load<u32>(at + 1) == ROM_BLANK)) {
        store<u32>(out, first == DOT ? ESCAPED_DOT : ESCAPED_F);
        out += 3;
        column = 3;
        at++;
      }
    }
    copy80(out, at);
    const left = <u32>(end - at);
    if (column + left <= limit) {
      store<u32>(COLUMN, column + left);
      return out + left;
    }
    const most: usize = <usize>(75 - column), octets = most == 0 ? most : most - <usize>splitAt(at + most);
    at += octets;
    out += octets;
    store<u32>(out, SOFT_BREAK);
    out += 3;
    column = 0;
  }
}
