// ITU-T T.4 one-dimensional coding (MH), read as class 2 modems and G3 files have it.
import { chunkLength, FAX_DECODE, FAX_TABLES, INPUT, OUTPUT } from '../abi';
import { boundedWidth, DLE, DOUBLED, REVERSED, WIDEST } from './bits';
import { BLACK, CODES, WHITE } from './codes';

const ETX: u32 = 3, SUB: u32 = 26;

@inline
function reversed(octet: u32): u32 {
  octet = ((octet & 0xf0) >> 4) | ((octet & 0x0f) << 4);
  octet = ((octet & 0xcc) >> 2) | ((octet & 0x33) << 2);
  return ((octet & 0xaa) >> 1) | ((octet & 0x55) << 1);
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
