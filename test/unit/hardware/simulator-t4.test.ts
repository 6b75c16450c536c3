/** The simulator's decoder is a witness against ours: it has to read both its own coder and the product's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodePage, encodePage } from '../../../hardware/fax-simulator/t4.ts';
import { openKernels } from '../../../src/kit/wasm/kernels.ts';
import fc from '../../props/fast-check.ts';
import { drawnPage } from '../../props/fax-pages.ts';

const kernels = openKernels();

function ours(bitmap: Uint8Array): Buffer {
  const encoder = kernels.openFaxEncoder();
  return Buffer.concat([encoder.feed(bitmap), encoder.finish()]);
}

test('a page comes out as it went in, coded by either', () => {
  const bitmap = drawnPage(400, 3);
  for (const coded of [encodePage(bitmap), ours(bitmap)]) {
    const page = decodePage(coded);
    assert.equal(page.rows, 400);
    assert.equal(page.badRows, 0);
    assert.ok(page.bitmap.equals(bitmap));
    assert.ok(page.returned);
  }
});

test('any pels at all', () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ minLength: 216, maxLength: 216 }), { minLength: 1, maxLength: 4 }), rows => {
    const bitmap = Buffer.concat(rows);
    assert.ok(decodePage(ours(bitmap)).bitmap.equals(bitmap));
    assert.deepEqual(encodePage(bitmap), ours(bitmap));
  }), { numRuns: 60 });
});

test('a broken row is counted, and costs no other', () => {
  const bitmap = drawnPage(60, 5);
  const coded = encodePage(bitmap);
  coded[Math.floor(coded.length / 2)]! ^= 0x18;
  const page = decodePage(coded);
  assert.ok(page.badRows >= 1 && page.badRows <= 3, `${page.badRows} bad rows`);
  assert.ok(page.bitmap.subarray(0, 20 * 216).equals(bitmap.subarray(0, 20 * 216)));
});
