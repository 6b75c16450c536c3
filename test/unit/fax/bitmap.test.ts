/** Shades and letters on a page of black and white. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAX_PELS, toBitmap } from '../../../src/flow/transport/fax/bitmap.ts';
import { readPortableMaps, type PortableMap } from '../../../src/flow/transport/fax/portable-map.ts';
import fc from '../../props/fast-check.ts';

const ROWS = 128;

function page(pel: (x: number, y: number) => number, rows = ROWS): Uint8Array {
  return Uint8Array.from({ length: rows * FAX_PELS }, (_, at) => pel(at % FAX_PELS, Math.floor(at / FAX_PELS)));
}

function isBlack(bits: Uint8Array, x: number, y: number): boolean {
  return (((bits[y * 216 + (x >> 3)] as number) >> (7 - (x & 7))) & 1) === 1;
}

function black(bits: Uint8Array, from: number, to: number, rows = ROWS): number {
  let count = 0;
  for (let y = 0; y < rows; y++) for (let x = from; x < to; x++) if (isBlack(bits, x, y)) count++;
  return count / ((to - from) * rows);
}

test('letters and lines come through to the pel, however grey the paper is', () => {
  const text = (x: number, y: number) => (x % 11 < 2 && y % 13 < 9 ? 20 : 215);
  const { bits } = toBitmap(page(text), ROWS);
  for (let y = 0; y < ROWS; y += 3) for (let x = 0; x < FAX_PELS; x += 5) assert.equal(isBlack(bits, x, y), text(x, y) < 128, `${x},${y}`);
});

test('shades become dots in their measure: darker is blacker, evenly', () => {
  const { bits } = toBitmap(page(x => (x * 256) / FAX_PELS), ROWS);
  const shares = Array.from({ length: 8 }, (_, n) => black(bits, n * 216, n * 216 + 216));
  for (let n = 1; n < shares.length; n++) assert.ok((shares[n] as number) < (shares[n - 1] as number), shares.join(' '));
  assert.ok((shares[0] as number) > 0.85 && (shares[7] as number) < 0.1, shares.join(' '));
  assert.ok(Math.abs((shares[3] as number) - 0.48) < 0.1, `lightened a little, for printers make dots larger: ${shares.join(' ')}`);
});

test('letters beside a photograph stay letters', () => {
  const both = (x: number, y: number) => (x < 864 ? (x % 11 < 2 && y % 13 < 9 ? 0 : 255) : 100 + ((x * 7 + y * 3) % 60));
  const { bits } = toBitmap(page(both), ROWS);
  for (let y = 0; y < ROWS; y += 3) for (let x = 0; x < 832; x += 5) assert.equal(isBlack(bits, x, y), both(x, y) < 128);
  const share = black(bits, 900, 1700);
  assert.ok(share > 0.3 && share < 0.7, String(share));
});

test('white stays white and black black, and any page has its size', () => {
  assert.ok(toBitmap(page(() => 255), ROWS).bits.every(octet => octet === 0));
  assert.ok(toBitmap(page(() => 0), ROWS).bits.every(octet => octet === 255));
  for (const rows of [1, 31, 33]) assert.equal(toBitmap(page(x => x & 255, rows), rows).bits.length, rows * 216);
});

test('portable maps are read in any pieces, and nonsense is told', async () => {
  const octets = Buffer.concat([Buffer.from('P5\n# made by hand\n4 2\n255\n'), Buffer.from('abcdefgh'), Buffer.from('P4 9 2\n'), Buffer.from('1234')]);
  await fc.assert(fc.asyncProperty(fc.array(fc.nat(octets.length)), async cuts => {
    const at = [0, ...cuts.toSorted((a, b) => a - b), octets.length];
    const pages: (Omit<PortableMap, 'octets'> & { readonly text: string })[] = [];
    await readPortableMaps(pieces(at.slice(1).map((to, n) => octets.subarray(at[n], to))), ({ octets: held, ...rest }) => {
      pages.push({ ...rest, text: Buffer.from(held).toString() });
      return Promise.resolve(true);
    });
    assert.deepEqual(pages, [{ kind: 'grey', width: 4, rows: 2, text: 'abcdefgh' }, { kind: 'bits', width: 9, rows: 2, text: '1234' }]);
  }));
  for (const bad of ['P6\n1 1\n255\nxxx', 'hello', `P5\n${'#'.repeat(1000)}`, 'P5\n99999 99999\n255\n']) await assert.rejects(readPortableMaps(pieces([Buffer.from(bad)]), () => Promise.resolve(true)));
});

async function* pieces(all: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const one of all) yield await Promise.resolve(one);
}
