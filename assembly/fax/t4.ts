// ITU-T T.4 one-dimensional coding (MH), as class 2 modems and G3 files have it.
import { chunkLength, FAX_DECODE, FAX_ENCODE, FAX_RUNS, FAX_TABLES, FAX_WIRE, INPUT, OUTPUT } from '../abi';
import { BLACK, CODES, WHITE } from './codes';

/** The widest page of T.4, in pels; a multiple of 8. */
export const WIDEST: u32 = 2432;
const LONGEST_RUN: u32 = 2560;
const DLE: u32 = 16, ETX: u32 = 3, SUB: u32 = 26;

// Flags of all three streams.
const REVERSED: u32 = 1; // least significant bit first, as a modem wants its octets
const DOUBLED: u32 = 2; // DLE stands twice
const UNENDED: u32 = 4; // encoder: no return to control at the end

// State of the encoder.
const WIDTH = FAX_ENCODE, FLAGS = FAX_ENCODE + 4, BITS = FAX_ENCODE + 8, COUNT = FAX_ENCODE + 12;
// Where octets go: they pass through one door, which reverses and doubles.
const OUT = FAX_ENCODE + 16;

@inline
function boundedWidth(pels: i32): u32 {
  return <u32>min(max(pels, 8), <i32>WIDEST) & ~7;
}

@inline
function reversed(octet: u32): u32 {
  octet = ((octet & 0xf0) >> 4) | ((octet & 0x0f) << 4);
  octet = ((octet & 0xcc) >> 2) | ((octet & 0x33) << 2);
  return ((octet & 0xaa) >> 1) | ((octet & 0x55) << 1);
}

export function faxEncodeReset(width: i32, flags: i32): void {
  memory.fill(FAX_ENCODE, 0, 64);
  store<u32>(WIDTH, boundedWidth(width));
  store<u32>(FLAGS, flags);
}

function putOctet(out: usize, octet: u32, flags: u32): usize {
  if (flags & REVERSED) octet = reversed(octet);
  store<u8>(out++, octet);
  if (octet == DLE && (flags & DOUBLED)) store<u8>(out++, octet);
  return out;
}

/** One code, slowly: for the end of a page. */
function put(code: u32): void {
  const length = 31 - clz<u32>(code);
  let bits = (load<u32>(BITS) << length) | (code ^ (1 << length));
  let count = load<u32>(COUNT) + length;
  let out = <usize>load<u32>(OUT);
  const flags = load<u32>(FLAGS);
  while (count >= 8) {
    count -= 8;
    out = putOctet(out, (bits >> count) & 255, flags);
  }
  bits &= (1 << count) - 1;
  store<u32>(BITS, bits);
  store<u32>(COUNT, count);
  store<u32>(OUT, <u32>out);
}

const EOL: u32 = 0x1001; // eleven zeros and a one, behind the leading one

// Every run as one entry, make-up and terminating code together: 26 bits of code, and their number above them.
const RUNS: usize = FAX_RUNS;
const BLACK_RUNS: usize = FAX_RUNS + <usize>((LONGEST_RUN + 1) << 2);
const LENGTH_AT: u32 = 26;
const CODE_MASK: u32 = (1 << 26) - 1;

function fillRuns(): void {
  if (load<u32>(RUNS)) return; // the white run of none is no zero
  for (let colour: u32 = 0; colour < 2; colour++) {
    const codes = colour ? BLACK : WHITE;
    const table = colour ? BLACK_RUNS : RUNS;
    for (let run: u32 = 0; run <= LONGEST_RUN; run++) {
      let code: u32 = 0, length: u32 = 0;
      if (run > 63) {
        const makeUp = <u32>load<u16>(codes + ((63 + (run >> 6)) << 1));
        length = 31 - clz<u32>(makeUp);
        code = makeUp ^ (1 << length);
      }
      const last = <u32>load<u16>(codes + ((run & 63) << 1));
      const more = 31 - clz<u32>(last);
      code = (code << more) | (last ^ (1 << more));
      store<u32>(table + (run << 2), code | ((length + more) << LENGTH_AT));
    }
  }
}

@inline
function swapped64(v: u64): u64 {
  v = ((v & 0x00ff00ff00ff00ff) << 8) | ((v >> 8) & 0x00ff00ff00ff00ff);
  v = ((v & 0x0000ffff0000ffff) << 16) | ((v >> 16) & 0x0000ffff0000ffff);
  return rotl<u64>(v, 32);
}

@inline
function swapped32(v: u32): u32 {
  return rotl<u32>(v & 0x00ff00ff, 24) | (rotl<u32>(v, 8) & 0x00ff00ff);
}

/**
 * Whole rows (1 is black, first pel in the highest bit). Octets written to OUTPUT. Bits gather in one word and leave
 * it 32 at a time; a row is taken 64 pels at a time, by where its colour changes. No run is longer than the table,
 * because no row is (WIDEST).
 */
export function faxEncode(octets: i32): i32 {
  fillRuns();
  const width = load<u32>(WIDTH);
  const flags = load<u32>(FLAGS);
  const rowOctets = <usize>(width >> 3);
  // At most four and a half bits for a pel, each octet doubled: a quarter of the window at a time is safe.
  const end = INPUT + <usize>min(chunkLength(octets), 0x4000);
  // What is still to be turned or doubled is made above the window's first half.
  const plain = (flags & (REVERSED | DOUBLED)) == 0;
  const from = plain ? OUTPUT : OUTPUT + 0x30000;
  let out = from;
  let bits = <u64>load<u32>(BITS);
  let count = load<u32>(COUNT);
  const tail = width & 63;
  const tailMask: u64 = tail ? ~(<u64>-1 >> tail) : <u64>-1;
  const lastWord = tail ? width - tail : width - 64;
  for (let row: usize = INPUT; row + rowOctets <= end; row += rowOctets) {
    bits = (bits << 12) | 1; // EOL
    count += 12;
    if (count >= 32) {
      count -= 32;
      store<u32>(out, swapped32(<u32>(bits >> count)));
      out += 4;
    }
    let start: u32 = 0;
    let runs = RUNS;
    let before: u64 = 0; // the pel before, in the highest bit
    for (let base: u32 = 0; base < width; base += 64) {
      const raw = load<u64>(row + (base >> 3));
      // Most of a page is paper.
      if ((raw | before) == 0) continue;
      const word = swapped64(raw);
      let changes = word ^ ((word >> 1) | before);
      before = word << 63;
      if (base >= lastWord) changes &= tailMask;
      while (changes) {
        const place = <u32>clz<u64>(changes);
        changes &= ~(<u64>0x8000000000000000 >> place);
        const entry = load<u32>(runs + ((base + place - start) << 2));
        start = base + place;
        runs = RUNS + BLACK_RUNS - runs;
        const length = entry >> LENGTH_AT;
        bits = (bits << length) | <u64>(entry & CODE_MASK);
        count += length;
        if (count >= 32) {
          count -= 32;
          store<u32>(out, swapped32(<u32>(bits >> count)));
          out += 4;
        }
      }
    }
    const entry = load<u32>(runs + ((width - start) << 2));
    const length = entry >> LENGTH_AT;
    bits = (bits << length) | <u64>(entry & CODE_MASK);
    count += length;
    if (count >= 32) {
      count -= 32;
      store<u32>(out, swapped32(<u32>(bits >> count)));
      out += 4;
    }
  }
  while (count >= 8) {
    count -= 8;
    store<u8>(out++, <u32>(bits >> count) & 255);
  }
  store<u32>(BITS, <u32>bits & ((1 << count) - 1));
  store<u32>(COUNT, count);
  if (plain) return <i32>(out - OUTPUT);
  let wire: usize = OUTPUT;
  for (let p = from; p < out; p++) wire = putOctet(wire, <u32>load<u8>(p), flags);
  return <i32>(wire - OUTPUT);
}

/** Six EOLs (return to control) and the last octet filled with zeros. */
export function faxEncodeFinish(): i32 {
  store<u32>(OUT, <u32>OUTPUT);
  if (!(load<u32>(FLAGS) & UNENDED)) for (let i = 0; i < 6; i++) put(EOL);
  const count = load<u32>(COUNT);
  if (count) put(<u32>1 << (8 - count));
  return <i32>(<usize>load<u32>(OUT) - OUTPUT);
}

// A G3 file on its way to the modem, or back: bits turned first, DLE doubled after.
export function faxWireReset(flags: i32): void {
  store<u32>(FAX_WIRE, flags);
}

export function faxWire(octets: i32): i32 {
  const end = INPUT + <usize>chunkLength(octets);
  const flags = load<u32>(FAX_WIRE);
  let out: usize = OUTPUT;
  for (let p: usize = INPUT; p < end; p++) out = putOctet(out, load<u8>(p), flags);
  return <i32>(out - OUTPUT);
}

// State of the decoder; the two rows follow.
const D_WIDTH = FAX_DECODE, D_FLAGS = FAX_DECODE + 4, D_COUNT = FAX_DECODE + 8, D_AT = FAX_DECODE + 12;
const D_BITS = FAX_DECODE + 16; // u64
const D_BLACK = FAX_DECODE + 24, D_MODE = FAX_DECODE + 28, D_EOLS = FAX_DECODE + 32, D_ENDED = FAX_DECODE + 36;
export const D_ROWS = FAX_DECODE + 40, D_BAD = FAX_DECODE + 44; // the host reads these two and D_ENDED
const D_DLE = FAX_DECODE + 48, D_RUN = FAX_DECODE + 52;
const ROW = FAX_DECODE + 64, PREVIOUS = FAX_DECODE + 64 + 512;

// What the decoder expects: a code, the one that ends a fill of zeros, or (twice again) the next EOL
// because the row is spoilt.
const IN_ROW: u32 = 0, IN_FILL: u32 = 1, LOST: u32 = 2, LOST_FILL: u32 = 3;
const LOOK: u32 = 13; // the longest code

export function faxDecodeReset(width: i32, flags: i32): void {
  memory.fill(FAX_DECODE, 0, 1536);
  store<u32>(D_WIDTH, boundedWidth(width));
  store<u32>(D_FLAGS, flags);
  if (load<u16>(FAX_TABLES + 0x7ffe) == 0) {
    buildTable(FAX_TABLES, WHITE);
    buildTable(FAX_TABLES + 0x4000, BLACK);
  }
}

/** For each 13 bits that a code begins: its index plus one, shifted over its length. */
function buildTable(table: usize, codes: usize): void {
  for (let i: u32 = 0; i < <u32>CODES; i++) {
    const code = <u32>load<u16>(codes + (i << 1));
    const length = 31 - clz<u32>(code);
    const first = (code ^ (1 << length)) << (LOOK - length);
    const entry = ((i + 1) << 4) | length;
    for (let n: u32 = 0; n < <u32>1 << (LOOK - length); n++) store<u16>(table + ((first + n) << 1), entry);
  }
}

/**
 * Reads INPUT from `from`; rows go to OUTPUT. Stops early when OUTPUT is full. Gives the octets read; D_ROWS says
 * how many rows were written by this call.
 */
export function faxDecode(octets: i32, from: i32): i32 {
  const length = chunkLength(octets);
  const end = INPUT + <usize>length;
  let p = INPUT + <usize>min(max(from, 0), length);
  const flags = load<u32>(D_FLAGS);
  store<u32>(D_ROWS, 0);
  while (p < end && !load<u32>(D_ENDED) && load<u32>(D_ROWS) < 400) {
    let octet = <u32>load<u8>(p++);
    if (flags & DOUBLED) {
      if (load<u32>(D_DLE)) {
        store<u32>(D_DLE, 0);
        if (octet == ETX) {
          store<u32>(D_ENDED, 1);
          break;
        }
        if (octet == SUB) feedBits(flags & REVERSED ? reversed(DLE) : DLE); // the first of two
        else if (octet != DLE) continue; // any other pair means nothing
        octet = DLE;
      } else if (octet == DLE) {
        store<u32>(D_DLE, 1);
        continue;
      }
    }
    feedBits(flags & REVERSED ? reversed(octet) : octet);
  }
  return <i32>(p - INPUT);
}

function feedBits(octet: u32): void {
  store<u64>(D_BITS, (load<u64>(D_BITS) << 8) | <u64>octet);
  store<u32>(D_COUNT, load<u32>(D_COUNT) + 8);
  while (load<u32>(D_COUNT) >= LOOK && !load<u32>(D_ENDED)) step();
}

/** The end: zeros stand in for what is missing, and a row that is full counts though no EOL follows. */
export function faxDecodeFinish(): i32 {
  store<u32>(D_ROWS, 0);
  if (!load<u32>(D_ENDED)) {
    feedBits(0);
    feedBits(0);
  }
  if (load<u32>(D_MODE) != LOST && load<u32>(D_AT) == load<u32>(D_WIDTH)) endRow();
  else if (load<u32>(D_AT) > 0 && !load<u32>(D_ENDED)) spoil();
  store<u32>(D_AT, 0);
  store<u32>(D_ENDED, 1);
  return <i32>load<u32>(D_ROWS);
}

@inline
function drop(bits: u32): void {
  store<u32>(D_COUNT, load<u32>(D_COUNT) - bits);
}

/** Takes one code, or the bits of a fill, with 13 bits at hand. */
function step(): void {
  const count = load<u32>(D_COUNT);
  const look = <u32>(load<u64>(D_BITS) >> (count - LOOK)) & 0x1fff;
  const mode = load<u32>(D_MODE);
  if (mode == IN_FILL || mode == LOST_FILL) {
    if (look == 0) {
      drop(LOOK);
      return;
    }
    drop(clz<u32>(look) - 19 + 1);
    endOfLine(mode == LOST_FILL);
    return;
  }
  if (look >> 2 == 0) { // eleven zeros: EOL, with any number of zeros before its one
    drop(11);
    store<u32>(D_MODE, mode == LOST ? LOST_FILL : IN_FILL);
    return;
  }
  if (mode == LOST) {
    drop(1);
    return;
  }
  const black = load<u32>(D_BLACK);
  const entry = <u32>load<u16>(FAX_TABLES + (black ? 0x4000 : 0) + (look << 1));
  if (entry == 0) {
    store<u32>(D_EOLS, 0);
    store<u32>(D_MODE, LOST);
    return;
  }
  drop(entry & 15);
  store<u32>(D_EOLS, 0); // only EOLs in a row make the return to control
  const index = (entry >> 4) - 1;
  const run = load<u32>(D_RUN) + (index < 64 ? index : (index - 63) << 6);
  if (index >= 64) {
    store<u32>(D_RUN, min(run, WIDEST + 1));
    return;
  }
  store<u32>(D_RUN, 0);
  const at = load<u32>(D_AT);
  if (at + run > load<u32>(D_WIDTH)) {
    store<u32>(D_MODE, LOST);
    return;
  }
  if (black) for (let i = at; i < at + run; i++) {
    const octet = ROW + (i >> 3);
    store<u8>(octet, <u32>load<u8>(octet) | (128 >> (i & 7)));
  }
  store<u32>(D_AT, at + run);
  store<u32>(D_BLACK, black ^ 1);
}

function startRow(): void {
  memory.fill(ROW, 0, 512);
  store<u32>(D_AT, 0);
  store<u32>(D_BLACK, 0);
  store<u32>(D_RUN, 0);
}

function endOfLine(lost: bool): void {
  store<u32>(D_MODE, IN_ROW);
  const at = load<u32>(D_AT);
  if (lost) spoil();
  else if (at == load<u32>(D_WIDTH)) endRow();
  else if (at > 0 || load<u32>(D_BLACK) || load<u32>(D_RUN)) spoil();
  startRow();
  const eols = load<u32>(D_EOLS) + 1;
  store<u32>(D_EOLS, eols);
  if (eols == 6) store<u32>(D_ENDED, 1); // return to control
}

function endRow(): void {
  emit(ROW);
  memory.copy(PREVIOUS, ROW, 512);
}

/** A spoilt row repeats the one before it. */
function spoil(): void {
  store<u32>(D_BAD, load<u32>(D_BAD) + 1);
  emit(PREVIOUS);
}

function emit(row: usize): void {
  const octets = <usize>(load<u32>(D_WIDTH) >> 3);
  const rows = load<u32>(D_ROWS);
  memory.copy(OUTPUT + <usize>rows * octets, row, octets);
  store<u32>(D_ROWS, rows + 1);
}
