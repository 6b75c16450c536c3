/**
 * T.4 one-dimensional coding for the simulator alone: letters '0' and '1' looked up in the printed tables. Slow and
 * plain on purpose, and nothing of the product's coder is in it, so that the two can contradict each other.
 */
import { BLACK_CODES, WHITE_CODES } from './t4-tables.ts';

const EOL = '000000000001';
const ROW_PELS = 1728;
const LONGEST_CODE = 13;

export interface DecodedPage {
  readonly rows: number;
  /** Rows that did not add up to 1728 pels, or held no code. */
  readonly badRows: number;
  /** 216 octets a row, first pel in the highest bit, 1 is black. */
  readonly bitmap: Buffer;
  /** Six ends of line stood at the end. */
  readonly returned: boolean;
}

/** Highest bit first, nothing doubled. */
export function decodePage(coded: Uint8Array): DecodedPage {
  const white = codeTable(WHITE_CODES);
  const black = codeTable(BLACK_CODES);
  const bits = Array.from(coded, octet => octet.toString(2).padStart(8, '0')).join('');
  const rows: Buffer[] = [];
  let badRows = 0;
  let ends = 0;
  // Fill is zeros before an end of line; a row is what stands between two of them.
  for (const between of bits.split(/0{11,}1/).slice(1)) {
    if (/^0*$/.test(between)) {
      ends++;
      if (ends >= 6) break;
      continue;
    }
    ends = 0;
    const row = decodeRow(between, white, black);
    if (row === null) badRows++;
    rows.push(row ?? rows.at(-1) ?? Buffer.alloc(ROW_PELS / 8));
  }
  return { rows: rows.length, badRows, bitmap: Buffer.concat(rows), returned: ends >= 5 };
}

/** Highest bit first; the six ends of line behind the last row. */
export function encodePage(bitmap: Uint8Array): Buffer {
  let bits = '';
  const parts: Buffer[] = [];
  for (let at = 0; at < bitmap.length; at += ROW_PELS / 8) {
    bits += EOL + encodeRow(Array.from(bitmap.subarray(at, at + ROW_PELS / 8), octet => octet.toString(2).padStart(8, '0')).join(''));
    const whole = bits.length - (bits.length % 8);
    parts.push(octetsOf(bits.slice(0, whole)));
    bits = bits.slice(whole);
  }
  bits += EOL.repeat(6);
  parts.push(octetsOf(bits.padEnd(Math.ceil(bits.length / 8) * 8, '0')));
  return Buffer.concat(parts);
}

function codeTable(codes: readonly string[]): ReadonlyMap<string, number> {
  return new Map(codes.map((code, index) => [code, index < 64 ? index : (index - 63) * 64]));
}

/** Zeros at a row's end went with the fill that was cut off; they are given back. */
function decodeRow(bits: string, white: ReadonlyMap<string, number>, black: ReadonlyMap<string, number>): Buffer | null {
  const padded = `${bits}00000000`;
  let pels = '';
  let colour: '0' | '1' = '0';
  let code = '';
  for (let at = 0; at < padded.length && pels.length < ROW_PELS; at++) {
    code += padded[at]!;
    if (code.length > LONGEST_CODE) return null;
    const run = (colour === '0' ? white : black).get(code);
    if (run === undefined) continue;
    code = '';
    pels += colour.repeat(run);
    if (run < 64) colour = colour === '0' ? '1' : '0';
  }
  return pels.length === ROW_PELS ? octetsOf(pels) : null;
}

function encodeRow(pels: string): string {
  const runs = pels.match(/0+|1+/g) ?? [];
  let bits = pels.startsWith('1') ? WHITE_CODES[0]! : '';
  for (const run of runs) {
    const codes = run.startsWith('1') ? BLACK_CODES : WHITE_CODES;
    if (run.length >= 64) bits += codes[63 + Math.floor(run.length / 64)]!;
    bits += codes[run.length % 64]!;
  }
  return bits;
}

function octetsOf(bits: string): Buffer {
  const octets = Buffer.alloc(bits.length / 8);
  for (let at = 0; at < octets.length; at++) octets[at] = Number.parseInt(bits.slice(at * 8, at * 8 + 8), 2);
  return octets;
}
