// What one look at content tells: 8-bit, NUL, bare CR, bare LF, the longest line, the end of the header.
// Only CRLF ends a line (RFC 5321 §2.3.8); a bare CR or LF is an octet of its line.
import {
  BARE_CR, BARE_LF, CR, FLAGS, HAS_8BIT, HAS_NUL, HEADER_8BIT, HEADER_END, LAST_FOUR, LF, LINE, LONGEST, SIZE,
} from '../abi';
import { mask64 } from '../mask';

const CR_VECTOR = memory.data<u8>([13]);
const LF_VECTOR = memory.data<u8>([10]);

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
    const cr = v128.load8_splat(CR_VECTOR), lf = v128.load8_splat(LF_VECTOR);
    for (; p + 16 <= end; p += 16) {
      const found = v128.and(i8x16.eq(v128.load(p), lf), i8x16.eq(v128.load(p - 2), lf));
      if (v128.any_true(found)) {
        const pairs = v128.and(i8x16.eq(v128.load(p - 1), cr), i8x16.eq(v128.load(p - 3), cr));
        const mask = i8x16.bitmask(v128.and(found, pairs));
        if (mask != 0) return p + ctz(mask) + 1;
      }
    }
  }
  for (; p < end; p++) if (load<u32>(p - 3) == 0x0a0d0a0d) return p + 1;
  return 0;
}

function lines(state: usize, at: usize, end: usize): void {
  let p = at;
  let flags = load<u32>(state + FLAGS);
  let longest = load<i64>(state + LONGEST);
  let bareCr: i64 = 0, bareLf: i64 = 0;
  let start = <i64>at - load<i64>(state + LINE); // where the open line would begin if all of it were in memory
  if (ASC_FEATURE_SIMD) {
    const cr = v128.load8_splat(CR_VECTOR), lf = v128.load8_splat(LF_VECTOR);
    // One look for both: an octet above 127 or a NUL makes the smallest one, with its sign, less than 1.
    let least = i8x16.splat(1);
    for (; p + 64 <= end; p += 64) {
      const a = v128.load(p), b = v128.load(p, 16), c = v128.load(p, 32), d = v128.load(p, 48);
      least = i8x16.min_s(i8x16.min_s(least, i8x16.min_s(a, b)), i8x16.min_s(c, d));
      const lfA = i8x16.eq(a, lf), lfB = i8x16.eq(b, lf), lfC = i8x16.eq(c, lf), lfD = i8x16.eq(d, lf);
      const before = p - 1;
      const crA = i8x16.eq(v128.load(before), cr), crB = i8x16.eq(v128.load(before, 16), cr);
      const crC = i8x16.eq(v128.load(before, 32), cr), crD = i8x16.eq(v128.load(before, 48), cr);
      const bare = v128.or(
        v128.or(v128.xor(lfA, crA), v128.xor(lfB, crB)), v128.or(v128.xor(lfC, crC), v128.xor(lfD, crD)));
      let ends = <i64>mask64(lfA, lfB, lfC, lfD);
      if (v128.any_true(bare)) {
        const crs = <i64>mask64(crA, crB, crC, crD);
        bareCr += popcnt<i64>(crs & ~ends);
        bareLf += popcnt<i64>(ends & ~crs);
        ends &= crs;
      }
      // Without an end, ctz is 64, and the line has at least the octets up to here but for a last CR.
      const first = <i64>p + ctz<i64>(ends);
      longest = max<i64>(longest, first - 1 - start);
      if (longest < 62) { // only then can a line that lies wholly in these 64 octets matter
        let from = first + 1;
        for (let rest = ends & (ends - 1); rest != 0; rest &= rest - 1) {
          const next = <i64>p + ctz<i64>(rest);
          longest = max<i64>(longest, next - 1 - from);
          from = next + 1;
        }
      }
      start = select<i64>(<i64>p + 64 - clz<i64>(ends), start, ends != 0);
    }
    if (i8x16.bitmask(i8x16.lt_s(least, i8x16.splat(1))) != 0) flags |= kinds(at, p, flags);
  }
  let previous = load<u8>(p - 1);
  for (; p < end; p++) {
    const octet = load<u8>(p);
    if (octet > 127) flags |= HAS_8BIT;
    else if (octet == 0) flags |= HAS_NUL;
    if (octet == LF) {
      if (previous == CR) {
        longest = max<i64>(longest, <i64>p - 1 - start);
        start = <i64>p + 1;
      } else bareLf++;
    } else if (previous == CR) bareCr++;
    previous = octet;
  }
  store<u32>(state + FLAGS, flags);
  store<i64>(state + LONGEST, longest);
  store<i64>(state + BARE_CR, load<i64>(state + BARE_CR) + bareCr);
  store<i64>(state + BARE_LF, load<i64>(state + BARE_LF) + bareLf);
  store<i64>(state + LINE, <i64>end - start);
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
