import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Codec } from '../../src/core/kernels.ts';
import { openKernels } from '../../src/kit/wasm/kernels.ts';
import { cut, seeded } from './random-octets.ts';
import { packed, slowFax, slowRow } from './slow-t4.ts';

const FLAGS = [
  { reversed: false, doubled: false }, { reversed: true, doubled: true }, { reversed: false, doubled: true },
] as const;

for (const build of ['simd', 'relaxed', 'scalar'] as const) {
  describe(`T.4, ${build}`, () => {
    const kernels = openKernels({ build });

    it('every run length in both colours, there and back', () => {
      for (const width of [1728, 2432]) {
        const rows: string[] = [];
        for (let run = 0; run <= width; run++) {
          rows.push('1'.repeat(run) + '0'.repeat(width - run), '0'.repeat(run) + '1'.repeat(width - run));
        }
        const coded = through(kernels.openFaxEncoder({ width }), [packed(rows)]);
        assert.ok(coded.equals(slowFax(rows, false, false)));
        const decoder = kernels.openFaxDecoder({ width });
        assert.ok(through(decoder, [coded]).equals(packed(rows)));
        assert.equal(decoder.faults, 0);
        assert.equal(decoder.ended, true);
      }
    });

    it('random pages, every cut, bits turned and DLE doubled', () => {
      const random = seeded(11);
      for (let round = 0; round < 60; round++) {
        const width = [8, 64, 1728, 2048][round % 4]!;
        const rows = Array.from({ length: 1 + random(20) }, () => randomRow(random, width));
        const options = { width, ...FLAGS[round % FLAGS.length]! };
        const wanted = slowFax(rows, options.reversed, options.doubled);
        for (const step of [1, 7, 0, 1e9]) {
          assert.ok(through(kernels.openFaxEncoder(options), cut(random, packed(rows), step)).equals(wanted), `round ${round}`);
          const decoder = kernels.openFaxDecoder(options);
          assert.ok(through(decoder, cut(random, wanted, step)).equals(packed(rows)), `round ${round}, step ${step}`);
          assert.equal(decoder.faults, 0);
        }
        const plain = slowFax(rows, false, false);
        assert.ok(through(kernels.openFaxWire(options), cut(random, plain, 0)).equals(wanted));
      }
    });

    it('the rows that grow most, window after window, leave the tables alone', () => {
      for (const [width, row] of [[8, '10'.repeat(4)], [1728, '10'.repeat(864)]] as const) {
        const rows = Array.from({ length: Math.ceil((3 * 0x4000) / (width / 8)) }, () => row);
        for (const flags of FLAGS) {
          const options = { width, ...flags };
          const coded = through(kernels.openFaxEncoder(options), [packed(rows)]);
          assert.ok(coded.equals(slowFax(rows, flags.reversed, flags.doubled)));
          const decoder = kernels.openFaxDecoder(options);
          assert.ok(through(decoder, [coded]).equals(packed(rows)));
          assert.equal(decoder.faults, 0);
        }
      }
    });

    it('a spoilt row repeats the one before it and is counted', () => {
      const rows = ['0'.repeat(8) + '1'.repeat(56), '1'.repeat(64), '01'.repeat(32)];
      const spoilt = [slowRow(rows[0]!), `${slowRow(rows[1]!)}0111`, slowRow(rows[2]!), '000000000001'.repeat(6)].join('');
      const decoder = kernels.openFaxDecoder({ width: 64 });
      assert.ok(through(decoder, [bitsToOctets(spoilt)]).equals(packed([rows[0]!, rows[0]!, rows[2]!])));
      assert.equal(decoder.faults, 1);
    });

    it('takes what real encoders do: fill before EOL, a full line closed by a run of zero, more EOLs than six', () => {
      const row = '0'.repeat(60) + '1'.repeat(4);
      const bits = ['0'.repeat(9), slowRow(row), '00110101', '0'.repeat(40), slowRow(row), '000000000001'.repeat(9)].join('');
      const decoder = kernels.openFaxDecoder({ width: 64 });
      assert.ok(through(decoder, [bitsToOctets(bits)]).equals(packed([row, row])));
      assert.equal(decoder.faults, 0);
    });

    it('unescapes as class 2.0 wants: DLE SUB is two DLE, other pairs are dropped, DLE ETX ends', () => {
      const row = '0'.repeat(64);
      const page = slowFax([row, row], false, true);
      const noisy = Buffer.concat([page.subarray(0, 3), Buffer.from([16, 0x41]), page.subarray(3, -6), Buffer.from([16, 3, 0xff])]);
      const decoder = kernels.openFaxDecoder({ width: 64, doubled: true });
      const found = through(decoder, [noisy]);
      assert.ok(found.equals(packed([row, row])));
      assert.equal(decoder.ended, true);
    });

    it('never traps and never gives more rows than octets, whatever comes', () => {
      const random = seeded(3);
      for (let round = 0; round < 300; round++) {
        const octets = Buffer.from(Array.from({ length: random(3000) }, () => (random(3) ? random(256) : 0)));
        const decoder = kernels.openFaxDecoder({ width: 1728, reversed: round % 2 === 0, doubled: round % 3 === 0 });
        const whole = through(decoder, [octets]);
        assert.equal(whole.length % 216, 0);
        assert.ok(whole.length / 216 <= octets.length + 2);
        const again = through(kernels.openFaxDecoder({ reversed: round % 2 === 0, doubled: round % 3 === 0 }), cut(random, octets, 0));
        assert.ok(again.equals(whole));
      }
    });

    it('refuses a width that no page has', () => {
      for (const width of [0, 7, 1729, 2440, -8, 8.5]) assert.throws(() => kernels.openFaxEncoder({ width }), RangeError);
    });
  });
}

function randomRow(random: (below: number) => number, width: number): string {
  let row = '';
  while (row.length < width) row += (random(2) ? '1' : '0').repeat(1 + random(random(4) === 0 ? width : 12));
  return row.slice(0, width);
}

function bitsToOctets(bits: string): Buffer {
  return packed([bits.padEnd(Math.ceil(bits.length / 8) * 8, '0')]);
}

function through(codec: Codec, pieces: readonly Buffer[]): Buffer {
  const out = pieces.map((piece) => Buffer.from(codec.feed(piece)));
  return Buffer.concat([...out, codec.finish()]);
}
