// What one look at content tells: 8-bit, NUL, bare CR, bare LF, the longest line, the end of the header.
// Only CRLF ends a line (RFC 5321 §2.3.8); a bare CR or LF is an octet of its line.
import {
  BARE_CR, BARE_LF, CR, FLAGS, HAS_8BIT, HAS_NUL, HEADER_8BIT, HEADER_END, LAST_FOUR, LF, LINE, LONGEST, SIZE,
} from '../abi';
import { mask64 } from '../mask';

const CR_VECTOR = memory.data<u8>([13]);
const LF_VECTOR = memory.data<u8>([10]);
const FAR: i64 = 1 << 30;
const WITHIN: i32 = 62; // no longer line lies, with its end, wholly in 64 octets
const PIECE: usize = 4096;

export function scanReset(state: usize): void {
  memory.fill(state, 0, 96);
  store<i64>(state + HEADER_END, -1);
  // As if CRLF came before the first octet: an empty header ends at the first CRLF.
  store<u32>(state + LAST_FOUR, (LF << 24) | (CR << 16));
}

/** Overwrites the four octets before `at` with the last four seen, so that no look back meets a chunk's edge. */
export function scanFeed(state: usize, at: usize, octets: i32): void {
  if (octets <= 0) return;
  const end = at + octets;
  store<u32>(at - 4, load<u32>(state + LAST_FOUR));
  let from = at;
  if (load<i64>(state + HEADER_END) < 0) {
    const body = headerEnd(at, end);
    if (body != 0) {
      lines(state, at, body);
      store<i64>(state + HEADER_END, load<i64>(state + SIZE));
      const flags = load<u32>(state + FLAGS);
      if (flags & HAS_8BIT) store<u32>(state + FLAGS, flags | HEADER_8BIT);
      from = body;
    }
  }
  lines(state, from, end);
  store<u32>(state + LAST_FOUR, load<u32>(end - 4));
}

/** The address after the first CRLF CRLF that ends in [at, end), or 0. */
function headerEnd(at: usize, end: usize): usize {
  let p = at;
  if (ASC_FEATURE_SIMD) {
    const lf = v128.load8_splat(LF_VECTOR);
    for (; p + 64 <= end; p += 64) {
      const q = p - 3;
      const a = v128.and(i8x16.eq(v128.load(q, 3), lf), i8x16.eq(v128.load(q, 1), lf));
      const b = v128.and(i8x16.eq(v128.load(q, 19), lf), i8x16.eq(v128.load(q, 17), lf));
      const c = v128.and(i8x16.eq(v128.load(q, 35), lf), i8x16.eq(v128.load(q, 33), lf));
      const d = v128.and(i8x16.eq(v128.load(q, 51), lf), i8x16.eq(v128.load(q, 49), lf));
      if (!v128.any_true(v128.or(v128.or(a, b), v128.or(c, d)))) continue;
      for (let found = mask64(a, b, c, d); found != 0; found &= found - 1) {
        const last = q + <usize>ctz<u64>(found);
        if (load<u32>(last) == 0x0a0d0a0d) return last + 4;
      }
    }
  }
  for (; p < end; p++) if (load<u32>(p - 3) == 0x0a0d0a0d) return p + 1;
  return 0;
}

function lines(state: usize, at: usize, end: usize): void {
  let p = at;
  let flags = load<u32>(state + FLAGS);
  let bareCr = 0, bareLf = 0;
  // Counted in 32 bits, because that is faster. Of a line beyond FAR the rest is put aside: what is measured is then
  // the longest, whatever was known.
  const open = load<i64>(state + LINE), aside = max<i64>(open - FAR, 0);
  const known = load<i64>(state + LONGEST);
  let longest = aside > 0 ? 0 : <i32>min<i64>(known, FAR);
  let line = <i32>min<i64>(open, FAR); // octets before p
  if (ASC_FEATURE_SIMD) {
    const cr = v128.load8_splat(CR_VECTOR), lf = v128.load8_splat(LF_VECTOR);
    // One look for both: an octet above 127 or a NUL makes the smallest one, with its sign, less than 1.
    let least = i8x16.splat(1);
    while (p + 64 <= end) {
      let stop = p + (min<usize>(end - p, PIECE) & ~63);
      if (longest >= WITHIN) {
        // In the hope that every LF ends a line and there is no other CR. Only a line that began before these 64
        // octets, or ends behind them, can be longer than what was seen; without an end, ctz and clz are 64.
        let odd = i8x16.splat(0), most = longest + 1, octets = line;
        const last = stop - 64;
        for (let q = p - 1; q < last; q += 64) {
          const a = v128.load(q, 1), b = v128.load(q, 17), c = v128.load(q, 33), d = v128.load(q, 49);
          const lfA = i8x16.eq(a, lf), lfB = i8x16.eq(b, lf), lfC = i8x16.eq(c, lf), lfD = i8x16.eq(d, lf);
          least = i8x16.min_s(least, i8x16.min_s(i8x16.min_s(a, b), i8x16.min_s(c, d)));
          odd = v128.or(odd, v128.or(
            v128.or(v128.xor(lfA, i8x16.eq(v128.load(q), cr)), v128.xor(lfB, i8x16.eq(v128.load(q, 16), cr))),
            v128.or(v128.xor(lfC, i8x16.eq(v128.load(q, 32), cr)), v128.xor(lfD, i8x16.eq(v128.load(q, 48), cr)))));
          const ends = mask64(lfA, lfB, lfC, lfD);
          most = max(most, octets + <i32>ctz<u64>(ends));
          octets = select(0, octets, ends != 0) + <i32>clz<u64>(ends);
        }
        if (!v128.any_true(odd)) {
          longest = most - 1;
          line = octets;
          p = stop;
          continue;
        }
      } else stop = p + 64;
      for (; p < stop; p += 64) {
        const a = v128.load(p), b = v128.load(p, 16), c = v128.load(p, 32), d = v128.load(p, 48);
        const before = p - 1;
        least = i8x16.min_s(least, i8x16.min_s(i8x16.min_s(a, b), i8x16.min_s(c, d)));
        const lfs = mask64(i8x16.eq(a, lf), i8x16.eq(b, lf), i8x16.eq(c, lf), i8x16.eq(d, lf));
        const crs = mask64(i8x16.eq(v128.load(before), cr), i8x16.eq(v128.load(before, 16), cr),
          i8x16.eq(v128.load(before, 32), cr), i8x16.eq(v128.load(before, 48), cr));
        bareCr += <i32>popcnt<u64>(crs & ~lfs);
        bareLf += <i32>popcnt<u64>(lfs & ~crs);
        for (let ends = lfs & crs; ends != 0; ends &= ends - 1) {
          const place = <i32>ctz<u64>(ends);
          longest = max(longest, line + place - 1);
          line = -1 - place;
        }
        line += 64;
        longest = max(longest, line - 1); // a last CR may be half an end
      }
    }
    if (i8x16.bitmask(i8x16.lt_s(least, i8x16.splat(1))) != 0) flags |= kinds(at, p, flags);
  }
  let previous = load<u8>(p - 1);
  for (; p < end; p++) {
    const octet = load<u8>(p);
    if (octet > 127) flags |= HAS_8BIT;
    else if (octet == 0) flags |= HAS_NUL;
    line++;
    if (octet == LF) {
      if (previous == CR) {
        longest = max(longest, line - 2);
        line = 0;
      } else bareLf++;
    } else if (previous == CR) bareCr++;
    previous = octet;
  }
  store<u32>(state + FLAGS, flags);
  store<i64>(state + LONGEST, max<i64>(known, <i64>longest + aside));
  store<i64>(state + BARE_CR, load<i64>(state + BARE_CR) + bareCr);
  store<i64>(state + BARE_LF, load<i64>(state + BARE_LF) + bareLf);
  store<i64>(state + LINE, <i64>line + (line >= <i32>FAR ? aside : 0));
  store<i64>(state + SIZE, load<i64>(state + SIZE) + <i64>(end - at));
}

/** Which of the two there are in a multiple of 64 octets. */
function kinds(at: usize, end: usize, known: u32): u32 {
  if ((known & (HAS_8BIT | HAS_NUL)) == (HAS_8BIT | HAS_NUL)) return known;
  let high = v128.load(at), low = high;
  for (; at < end; at += 64) {
    const a = v128.load(at), b = v128.load(at, 16), c = v128.load(at, 32), d = v128.load(at, 48);
    high = v128.or(v128.or(high, v128.or(a, b)), v128.or(c, d));
    low = i8x16.min_u(i8x16.min_u(low, i8x16.min_u(a, b)), i8x16.min_u(c, d));
  }
  return (i8x16.bitmask(high) != 0 ? HAS_8BIT : 0) | (i8x16.all_true(low) ? 0 : HAS_NUL);
}

/** What only the end decides: an open line, a CR that nothing followed, a header without an end. */
export function scanFinish(state: usize): void {
  const size = load<i64>(state + SIZE);
  if (size == 0) {
    store<i64>(state + HEADER_END, 0);
    return;
  }
  let line = load<i64>(state + LINE);
  if (load<u32>(state + LAST_FOUR) >>> 24 == CR) {
    store<i64>(state + BARE_CR, load<i64>(state + BARE_CR) + 1);
  }
  store<i64>(state + LONGEST, max<i64>(load<i64>(state + LONGEST), line));
  if (load<i64>(state + HEADER_END) < 0) {
    store<i64>(state + HEADER_END, size);
    const flags = load<u32>(state + FLAGS);
    if (flags & HAS_8BIT) store<u32>(state + FLAGS, flags | HEADER_8BIT);
  }
}
