/** That a WASM module left over from other sources is refused, instead of working on the wrong addresses. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { ARENA, openModule } from '../../../src/kit/wasm/module.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';

const source = (name: string): string => readFileSync(new URL(`../../../assembly/${name}.ts`, import.meta.url), 'utf8');

test('the number of the ABI follows its sources, here and there', () => {
  const line = /^export const ABI: i32 = (0x[0-9a-f]+);$/m;
  const border = source('abi');
  const digest = createHash('sha256').update(border.replace(line, '')).update(source('index')).digest();
  const number = `0x${(digest.readUInt32BE() >>> 4).toString(16)}`;
  assert.equal(line.exec(border)?.[1], number, `the border changed: ABI in assembly/abi.ts has to be ${number}`);
  assert.equal(ARENA.abi, Number(number), `the border changed: ARENA.abi in src/kit/wasm/module.ts has to be ${number}`);
});

test('each build tells the number', () => {
  for (const build of ['scalar', 'simd', 'relaxed'] as const) {
    assert.equal(openModule<{ abi(): number }>(build).exports.abi(), ARENA.abi);
  }
});

/** A memory of one page, and `abi()` giving 7 where it is wanted. */
function module(numbered: boolean): Uint8Array {
  const memory = [6, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 2, 0];
  const abi = [3, 0x61, 0x62, 0x69, 0, 0];
  const section = (id: number, ...octets: number[]): number[] => [id, octets.length, ...octets];
  return Uint8Array.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, 1, 0x60, 0, 1, 0x7f),
    ...section(3, 1, 0),
    ...section(5, 1, 0, 1),
    ...section(7, ...(numbered ? [2, ...memory, ...abi] : [1, ...memory])),
    ...section(10, 1, 4, 0, 0x41, 7, 0x0b),
  ]);
}

test('a module with another number, with none, cut short or missing is refused by name', () => {
  const file = join(scratchFolder('abi'), 'simd.wasm');
  const refused = (octets: Uint8Array | null, why: RegExp): void => {
    if (octets !== null) writeFileSync(file, octets);
    assert.throws(() => openModule('simd', pathToFileURL(file)), (cause: Error) => {
      assert.ok(cause.message.startsWith(`${file} `), cause.message);
      assert.match(cause.message, why);
      assert.match(cause.message, /; `make build` makes it anew$/);
      return true;
    });
  };
  refused(null, /cannot be loaded \(ENOENT/);
  refused(module(true), new RegExp(`was built from other sources: its ABI is 0x7, wanted is 0x${ARENA.abi.toString(16)};`));
  refused(module(false), /was built from other sources: its ABI is unnumbered/);
  refused(module(true).subarray(0, 30), /cannot be loaded \(/);
});
