/** Grey to black and white, so that text stays sharp and pictures can be recognised. Pure. */
import { FAX_ROW_OCTETS } from '../../../core/fax.ts';

export const FAX_PELS = FAX_ROW_OCTETS * 8;

/** FAX_ROW_OCTETS a row, 1 is black. */
export interface Bitmap {
  readonly rows: number;
  readonly bits: Uint8Array;
}

const TILE = 32;
const DARK = 48;
const LIGHT = 208;
/** Of a tile's pels, this share at the ends of the scale makes it text or line art. */
const TEXT_SHARE = 0.72;

/**
 * Tile by tile: where nearly all pels are dark or light, a threshold keeps the edges of letters; where there are
 * shades, the error of each pel is spread over its neighbours (Floyd and Steinberg), there and back again.
 */
export function toBitmap(grey: Uint8Array, rows: number): Bitmap {
  const bits = new Uint8Array(rows * FAX_ROW_OCTETS);
  const tone = toneCurve();
  let error = new Float32Array(FAX_PELS + 2);
  let next = new Float32Array(FAX_PELS + 2);
  for (let top = 0; top < rows; top += TILE) {
    const bottom = Math.min(top + TILE, rows);
    const shaded = shadedTiles(grey, top, bottom);
    if (shaded === null) {
      threshold(grey, top, bottom, bits);
      error.fill(0);
      continue;
    }
    for (let row = top; row < bottom; row++) {
      next.fill(0);
      const leftward = (row & 1) === 1;
      const step = leftward ? -1 : 1;
      for (let n = 0, x = leftward ? FAX_PELS - 1 : 0; n < FAX_PELS; n++, x += step) {
        const value = grey[row * FAX_PELS + x] as number;
        let black: boolean;
        if (shaded[x >> 5] === 0) black = value < 128;
        else {
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
  }
  return { rows, bits };
}

/** Thermal and laser fax printers make dots that are larger than their pels: what is between is lightened. */
function toneCurve(): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, value) => Math.round(255 * Math.max(0, Math.min(1, (value - 10) / 235)) ** 0.8));
}

/** A mark for each tile that has shades; null when none has. */
function shadedTiles(grey: Uint8Array, top: number, bottom: number): Uint8Array | null {
  const tiles = new Uint8Array(FAX_PELS / TILE);
  let any = false;
  for (let tile = 0; tile < tiles.length; tile++) {
    let extreme = 0;
    for (let row = top; row < bottom; row++) {
      const from = row * FAX_PELS + tile * TILE;
      for (let at = from; at < from + TILE; at++) {
        const value = grey[at] as number;
        if (value <= DARK || value >= LIGHT) extreme++;
      }
    }
    if (extreme >= TEXT_SHARE * TILE * (bottom - top)) continue;
    tiles[tile] = 1;
    any = true;
  }
  return any ? tiles : null;
}

function threshold(grey: Uint8Array, top: number, bottom: number, bits: Uint8Array): void {
  let at = top * FAX_PELS;
  for (let octet = top * FAX_ROW_OCTETS; octet < bottom * FAX_ROW_OCTETS; octet++) {
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
