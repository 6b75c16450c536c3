import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openKernels } from '../../../src/kit/wasm/kernels.ts';
import { slowXxh128, slowXxh64 } from '../../props/slow-xxh3.ts';
import { vectorInput, XXH3_VECTORS } from './xxh3-vectors.ts';

const hex = (n: bigint): string => n.toString(16).padStart(16, '0');

describe('XXH3 against the vectors of the reference implementation', () => {
  const input = vectorInput(5000);
  for (const build of ['simd', 'relaxed', 'scalar'] as const) {
    it(build, () => {
      const kernels = openKernels({ build });
      for (const [octets, seed, short, long] of XXH3_VECTORS) {
        const part = input.subarray(0, octets);
        assert.equal(hex(kernels.hash(part, seed)), short, `${octets} octets, seed ${seed}`);
        if (seed === 0n) assert.equal(Buffer.from(kernels.digest(part)).toString('hex'), long, `${octets} octets`);
      }
    });
  }
  it('the oracle', () => {
    for (const [octets, seed, short, long] of XXH3_VECTORS) {
      assert.equal(hex(slowXxh64(input.subarray(0, octets), seed)), short, `${octets} octets, seed ${seed}`);
      assert.equal(slowXxh128(input.subarray(0, octets), seed).toString('hex'), long, `${octets} octets, seed ${seed}`);
    }
  });
});
