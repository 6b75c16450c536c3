/** Encoders and decoders on every build: chunked = one-shot = the slow reference, and the formats' own rules. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Codec, Decoder } from '../../src/core/kernels.ts';
import { openKernels } from '../../src/kit/wasm/kernels.ts';
import { cut, randomOctets, seeded, STEPS } from './random-octets.ts';
import {
  slowBase64, slowBase64Decode, slowEscapes, slowFacts, slowNormalise, slowQuotedPrintable, slowQuotedPrintableDecode,
} from './slow-kernels.ts';
import { slowXxh128, slowXxh64 } from './slow-xxh3.ts';

const ROUNDS = 120;
const LONG_ROUNDS = 12;

for (const build of ['simd', 'relaxed', 'scalar'] as const) {
  describe(`codecs, ${build}`, () => {
    const kernels = openKernels({ build });

    for (const as of ['text', 'binary'] as const) {
      it(`quoted-printable, ${as}`, () => {
        each((octets, pieces, seed) => {
          const encoded = through(kernels.openQuotedPrintable(as), pieces);
          same(encoded, slowQuotedPrintable(octets, as), seed);
          checkQuotedPrintable(encoded, seed);
          const decoded = through(kernels.openQuotedPrintableDecoder(), [encoded]);
          same(decoded, octets, `${seed}, decoded`);
        });
      });
    }

    it('quoted-printable decoder, on anything', () => {
      each((octets, pieces, seed) => {
        const decoder = kernels.openQuotedPrintableDecoder();
        const wanted = slowQuotedPrintableDecode(octets);
        same(through(decoder, pieces), wanted.octets, seed);
        assert.equal(decoder.faults, wanted.faults, seed);
      });
    });

    it('quoted-printable decoder, at the bound of blanks it holds back', () => {
      for (const blanks of [996, 997, 998, 999, 1000, 3000]) {
        for (const text of [' '.repeat(blanks) + '\r\n', `=${'\t'.repeat(blanks)}\r\n`, `${' '.repeat(blanks)}\r`, ' '.repeat(blanks)]) {
          for (const step of [1, 500, 998, 999, 1e9]) {
            const octets = Buffer.from(`x${text}y`.slice(0, text.endsWith(' ') ? -1 : undefined), 'latin1');
            const decoded = through(kernels.openQuotedPrintableDecoder(), cut(seeded(1), octets, step));
            same(decoded, slowQuotedPrintableDecode(octets).octets, `${blanks} blanks, step ${step}`);
          }
        }
      }
    });

    it('base64', () => {
      each((octets, pieces, seed) => {
        const encoded = through(kernels.openBase64(), pieces);
        same(encoded, slowBase64(octets), seed);
        same(through(kernels.openBase64Decoder(), [encoded]), octets, `${seed}, decoded`);
      });
    });

    it('base64 decoder, on anything', () => {
      each((octets, pieces, seed) => {
        const decoder: Decoder = kernels.openBase64Decoder();
        const wanted = slowBase64Decode(octets);
        same(through(decoder, pieces), wanted.octets, seed);
        assert.equal(decoder.faults, wanted.faults, seed);
      });
    });

    it('normaliser', () => {
      each((octets, pieces, seed) => same(through(kernels.openNormaliser(), pieces), slowNormalise(octets), seed));
    });

    it('normaliser, where all of a window is bare and where runs end at the edges of a copy or block', () => {
      const run = (octets: number): string => 'x'.repeat(octets);
      for (const text of [
        '\n'.repeat(65_536), '\r'.repeat(65_536), '\n\r'.repeat(40_000), '\r\r\n'.repeat(5000), `${run(65_535)}\n${run(100)}`,
        ...[63, 64, 79, 80, 81, 159, 160, 161, 1967, 1968, 2047, 2048, 2049].map(octets => `\n${run(octets)}\n${run(octets)}\r\n${run(octets)}\r${run(octets)}`),
      ]) {
        const octets = Buffer.from(text, 'latin1');
        for (const step of [0, 1e9]) {
          same(through(kernels.openNormaliser(), cut(seeded(1), octets, step)), slowNormalise(octets), `${JSON.stringify(text.slice(0, 3))}, ${text.length} octets, step ${step}`);
        }
      }
    });

    it('survey, escape count, streaming hash', () => {
      each((octets, pieces, seed) => {
        const survey = kernels.openSurvey();
        const hash = kernels.openHash(9n);
        for (const piece of pieces) {
          survey.feed(piece);
          hash.feed(piece);
        }
        const { digest, ...facts } = slowFacts(octets);
        assert.deepEqual(survey.facts(), facts, seed);
        assert.equal(digest.length, 16);
        assert.equal(kernels.countEscapes(octets), slowEscapes(octets), seed);
        const { short, long } = hash.finish();
        assert.equal(short, slowXxh64(octets, 9n), seed);
        assert.deepEqual(long, slowXxh128(octets, 9n), seed);
      });
    });

    it('a result written into the caller\'s octets is the same one, whether they have room or not', () => {
      const random = seeded(91);
      const octets = randomOctets(random, 200_000);
      const open: (() => Codec)[] = [
        () => kernels.openQuotedPrintable(), () => kernels.openQuotedPrintableDecoder(), () => kernels.openBase64(),
        () => kernels.openBase64Decoder(), () => kernels.openNormaliser(), () => kernels.openStuffing(),
      ];
      for (const one of open) {
        const wanted = through(one(), [octets]);
        for (const step of [700, 65_536, 150_000]) {
          for (const room of [0, 1000, 70_000, 1_000_000]) {
            const into = Buffer.alloc(room);
            const codec = one();
            const out = cut(random, octets, step).map((piece) => Buffer.from(codec.feed(piece, into)));
            same(Buffer.concat([...out, codec.finish()]), wanted, `step ${step}, room ${room}`);
          }
        }
      }
    });

    it('streams of one codec that are open at the same time do not mix', () => {
      const random = seeded(77);
      const open: (() => Codec)[] = [
        () => kernels.openQuotedPrintable(), () => kernels.openQuotedPrintableDecoder(), () => kernels.openBase64(),
        () => kernels.openBase64Decoder(), () => kernels.openNormaliser(), () => kernels.openStuffing(),
      ];
      for (const one of open) {
        const streams = Array.from({ length: 12 }, () => {
          const octets = randomOctets(random, random(2000));
          return { octets, codec: one(), pieces: cut(random, octets, 0), out: [] as Buffer[] };
        });
        while (streams.some(({ pieces }) => pieces.length > 0)) {
          const stream = streams[random(streams.length)]!;
          const piece = stream.pieces.shift();
          if (piece !== undefined) stream.out.push(Buffer.from(stream.codec.feed(piece)));
        }
        for (const { octets, codec, out } of streams) {
          out.push(Buffer.from(codec.finish()));
          same(Buffer.concat(out), through(one(), [octets]), 'interleaved');
        }
      }
    });
  });
}

/** RFC 2045 §6.7: lines of at most 76, no blank at a line's end, nothing but printables, no escape cut in two. */
function checkQuotedPrintable(encoded: Buffer, seed: string): void {
  for (const line of encoded.toString('latin1').split('\r\n')) {
    assert.ok(line.length <= 76, `${seed}: ${line.length} columns`);
    assert.doesNotMatch(line, /[ \t]$/, seed);
    assert.match(line, /^(?:[\t -<>-~]|=[0-9A-F]{2})*=?$/, seed);
    assert.doesNotMatch(line, /^\.|^From /, seed);
  }
}

function through(codec: Codec, pieces: readonly Buffer[]): Buffer {
  const out = pieces.map((piece) => Buffer.from(codec.feed(piece)));
  return Buffer.concat([...out, codec.finish()]);
}

function same(found: Buffer, wanted: Buffer, seed: string): void {
  if (found.equals(wanted)) return;
  assert.equal(JSON.stringify(found.toString('latin1')), JSON.stringify(wanted.toString('latin1')), seed);
}

function each(check: (octets: Buffer, pieces: Buffer[], seed: string) => void): void {
  for (let round = 1; round <= ROUNDS; round++) {
    const random = seeded(round * 104729);
    const octets = randomOctets(random, round < 40 ? round : random(1500));
    for (const step of [...STEPS, 1e9]) check(octets, cut(random, octets, step), `round ${round}, step ${step}`);
  }
  // Long enough for what is done by the block, and past a window.
  for (let round = 1; round <= LONG_ROUNDS; round++) {
    const random = seeded(round * 15485863);
    const octets = randomOctets(random, round === 1 ? 150_000 : 4000 + random(16_000));
    for (const step of [0, 4096, 1e9]) check(octets, cut(random, octets, step), `long round ${round}, step ${step}`);
  }
}
