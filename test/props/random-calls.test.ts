/** What holds of each module as a whole: it is small, ready at once, and no call makes it trap. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Exports } from '../../src/kit/wasm/exports.ts';
import { openModule } from '../../src/kit/wasm/module.ts';
import { callAtRandom } from './random-calls.ts';
import { runSeed } from './run-seed.ts';

const CALLS = 100_000;

for (const build of ['simd', 'relaxed', 'scalar'] as const) {
  describe(`module, ${build}`, () => {
    it('is below 40 KB and keeps its tables out of the state blocks', () => {
      const octets = readFileSync(join(import.meta.dirname, `../../build/wasm/${build}.wasm`)).length;
      assert.ok(octets < 40 * 1024, `${octets} octets`);
      assert.ok(openModule<Exports>(build).exports.dataEnd() <= 0x10000);
    });

    it(`takes ${CALLS} random calls without a trap`, () => callAtRandom(build, CALLS, runSeed));
  });
}
