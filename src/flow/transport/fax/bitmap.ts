/** Grey to black and white, so that text stays sharp and pictures can be recognised. Pure. */
import { FAX_ROW_OCTETS } from '../../../core/fax.ts';

export const FAX_PELS = FAX_ROW_OCTETS * 8;

/** FAX_ROW_OCTETS a row, 1 is black. */
export interface Bitmap {
  readonly rows: number;
  readonly bits: Uint8Array;
}

const TILE = 32;
const TILES = FAX_PELS / TILE;
const DARK = 48;
const LIGHT = 208;
/** A tile of letters or lines is mostly paper, and nearly all its pels are at the ends of the scale. */
const TEXT_SHARE = 0.72;
const PAPER_SHARE = 0.5;
/** Nothing but paper, or nothing but ink. */
const BLANK_SHARE = 0.985;
const PAPER = 236;
const INK = 20;
/** So near to white or black that no error is worth spreading. */
const WHITE = 250;
const BLACK = 5;
/** A tile between so many shaded ones belongs to their picture. */
const NEIGHBOURS = 2;

/**
 * Letters keep their edges by a threshold; where there are shades, the error of each pel is spread over its neighbours
 * (Floyd and Steinberg), there and back again. Which is which is decided tile by tile.
 */
export function toBitmap(grey: Uint8Array, rows: number): Bitmap {
  const bits = new Uint8Array(rows * FAX_ROW_OCTETS);
  const shaded = shadedTiles(grey, rows);
  const tone = toneCurve();
  let error = new Float32Array(FAX_PELS + 2);
  let next = new Float32Array(FAX_PELS + 2);
  for (let row = 0; row < rows; row++) {
    const tiles = shaded === null ? null : shaded.subarray(Math.floor(row / TILE) * TILES, Math.floor(row / TILE) * TILES + TILES);
    if (tiles === null || !tiles.includes(1)) {
      threshold(grey, row, bits);
      error.fill(0);
      continue;
    }
    next.fill(0);
    const leftward = (row & 1) === 1;
    const step = leftward ? -1 : 1;
    for (let n = 0, x = leftward ? FAX_PELS - 1 : 0; n < FAX_PELS; n++, x += step) {
      const value = grey[row * FAX_PELS + x] as number;
      let black = value < 128;
      if (tiles[x >> 5] === 1 && value < WHITE && value > BLACK) {
        const wanted = (tone[value] as number) + (error[x + 1] as number);
        black = wanted < 128;
        const rest = wanted - (black ? 0 : 255);
        error[x + 1 + step] = (error[x + 1 + step] as number) + (rest * 7) / 16;
        next[x + 1 - step] = (next[x + 1 - step] as number) + (rest * 3) / 16;
        next[x + 1] = (next[x + 1] as number) + (rest * 5) / 16;
        next[x + 1 + step] = (next[x + 1 + step] as number) + rest / 16;
      }
      if (black) {
        const octet = row * FAX_ROW_OCTETS + (x >> 3);
        bits[octet] = (bits[octet] as number) | (128 >> (x & 7));
      }
    }
    [error, next] = [next, error];
  }
  return { rows, bits };
}

/** Thermal and laser fax printers make dots that are larger than their pels: what is between is lightened. */
function toneCurve(): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, value) => Math.round(255 * Math.max(0, Math.min(1, (value - 10) / 235)) ** 0.8));
}

/** A mark for each tile that has shades; null when none has. */
function shadedTiles(grey: Uint8Array, rows: number): Uint8Array | null {
  const high = Math.ceil(rows / TILE);
  const first = new Uint8Array(high * TILES);
  let any = false;
  for (let tile = 0; tile < first.length; tile++) {
    if (isPlain(grey, Math.floor(tile / TILES) * TILE, (tile % TILES) * TILE, rows)) continue;
    first[tile] = 1;
    any = true;
  }
  if (!any) return null;
  return first.map((mark, tile) => {
    if (mark === 1) return 1;
    let around = 0;
    for (let down = -1; down <= 1; down++) {
      for (let right = -1; right <= 1; right++) {
        const column = (tile % TILES) + right;
        if (column >= 0 && column < TILES) around += first[tile + down * TILES + right] ?? 0;
      }
    }
    return around >= NEIGHBOURS ? 1 : 0;
  });
}

function isPlain(grey: Uint8Array, top: number, left: number, rows: number): boolean {
  const bottom = Math.min(top + TILE, rows);
  let [dark, light, paper, ink] = [0, 0, 0, 0];
  for (let row = top; row < bottom; row++) {
    const from = row * FAX_PELS + left;
    for (let at = from; at < from + TILE; at++) {
      const value = grey[at] as number;
      if (value >= LIGHT) {
        light++;
        if (value >= PAPER) paper++;
      } else if (value <= DARK) {
        dark++;
        if (value <= INK) ink++;
      }
    }
  }
  const all = TILE * (bottom - top);
  if (paper >= all * BLANK_SHARE || ink >= all * BLANK_SHARE) return true;
  return dark + light >= all * TEXT_SHARE && light >= all * PAPER_SHARE && dark > 0;
}

function threshold(grey: Uint8Array, row: number, bits: Uint8Array): void {
  let at = row * FAX_PELS;
  for (let octet = row * FAX_ROW_OCTETS; octet < (row + 1) * FAX_ROW_OCTETS; octet++) {
    let value = 0;
    for (let bit = 0; bit < 8; bit++) value = (value << 1) | ((grey[at++] as number) < 128 ? 1 : 0);
    bits[octet] = value;
  }
}

/** One above the other. */
export function stacked(above: Bitmap, below: Bitmap): Uint8Array {
  const out = new Uint8Array(above.bits.length + below.bits.length);
  out.set(above.bits);
  out.set(below.bits, above.bits.length);
  return out;
}
