/** Every build, every way of cutting: chunked = one-shot = the slow reference. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Kernels } from '../../src/core/kernels.ts';
import { openKernels } from '../../src/kit/wasm/kernels.ts';
import { cut, randomOctets, seeded, STEPS } from './random-octets.ts';
import { slowFacts, slowReceive, slowStuff } from './slow-kernels.ts';
import { slowXxh64, slowXxh128 } from './slow-xxh3.ts';

const ROUNDS = 150;
const LONG_ROUNDS = 12;

for (const build of ['simd', 'relaxed', 'scalar'] as const) {
  describe(`kernels, ${build}`, () => {
    const kernels = openKernels({ build });

    it('receives as the reference does, however the data is cut', () => {
      each((wire, pieces, seed) => {
        const wanted = slowReceive(wire);
        const reception = kernels.openReception();
        const content: Uint8Array[] = [];
        let position = 0;
        for (const piece of pieces) {
          content.push(Buffer.from(reception.feed(piece, 0)));
          position += reception.position;
          if (reception.ended) break;
        }
        const facts = reception.facts();
        reception.close();
        assert.deepEqual(Buffer.concat(content), wanted.content, seed);
        assert.equal(reception.ended, wanted.ended, seed);
        assert.equal(position, wanted.position, seed);
        assert.deepEqual(facts, slowFacts(wanted.content), seed);
        assert.equal(reception.sizeOctets, wanted.content.length, seed);
      });
    });

    it('scans as the reference does', () => {
      each((octets, pieces, seed) => {
        const scan = kernels.openScan();
        for (const piece of pieces) scan.feed(piece);
        assert.deepEqual(scan.facts(), slowFacts(octets), seed);
      });
    });

    it('measures a line past a gigabyte, and the lines after it', () => {
      const piece = Buffer.alloc(65_536, 'a');
      const survey = kernels.openSurvey();
      survey.feed(Buffer.from('To: a\r\n\r\nfirst\r\n'));
      for (let n = 0; n < 16_400; n++) survey.feed(piece);
      for (const rest of ['b\r', `\n${'c'.repeat(200)}\r\n`]) survey.feed(Buffer.from(rest));
      const { longestLine, bareCr, bareLf, headerEnd } = survey.facts();
      assert.deepEqual({ longestLine, bareCr, bareLf, headerEnd }, { longestLine: 16_400 * 65_536 + 1, bareCr: 0, bareLf: 0, headerEnd: 9 });
    });

    it('stuffs as the reference does, and what is stuffed is received again', () => {
      each((octets, pieces, seed) => {
        const stuffed = stuff(kernels, pieces);
        assert.deepEqual(stuffed, slowStuff(octets), seed);
        const reception = kernels.openReception();
        const content = Buffer.from(reception.feed(stuffed, 0));
        reception.close();
        assert.equal(reception.position, stuffed.length, seed);
        assert.deepEqual(content.subarray(0, octets.length), octets, seed);
      });
    });

    it('stuffs where a window is full of dots or of what resembles them', () => {
      for (const line of ['\r\n.', '\r\n..', '.\r\n', '\n.', '\t/\r\n.', '+\r\n.']) {
        const full = Buffer.from(line.repeat(30_000), 'latin1').subarray(0, 65_536);
        assert.deepEqual(stuff(kernels, [full]), slowStuff(full), JSON.stringify(line));
      }
    });

    it('stuffs and receives where dots of an earlier window lie behind the end', () => {
      const full = Buffer.from('\r\n.'.repeat(30_000)).subarray(0, 65_536);
      for (let octets = 0; octets <= 130; octets++) {
        const short = Buffer.from(`${'x'.repeat(octets)}\r\n`);
        stuff(kernels, [full]);
        assert.deepEqual(stuff(kernels, [short]), slowStuff(short), `${octets} octets`);
        stuff(kernels, [full]);
        const reception = kernels.openReception();
        assert.deepEqual(Buffer.from(reception.feed(short, 0)), short, `${octets} octets, received`);
        assert.equal(reception.ended, false);
        reception.close();
      }
    });

    it('hashes as the reference does', () => {
      each((octets, _, seed) => {
        assert.deepEqual(kernels.digest(octets), slowXxh128(octets), seed);
        assert.equal(kernels.hash(octets, 77n), slowXxh64(octets, 77n), seed);
      });
    });

    it('keeps streams apart that are open at the same time', () => {
      const random = seeded(5);
      const streams = Array.from({ length: 40 }, () => {
        const octets = randomOctets(random, random(3000));
        const reception = kernels.openReception();
        const scan = kernels.openScan();
        return { octets, reception, scan, pieces: cut(random, octets, 0), content: [] as Buffer[] };
      });
      for (let busy = true; busy;) {
        busy = false;
        for (const stream of streams) {
          const piece = stream.pieces.shift();
          if (piece === undefined) continue;
          busy = true;
          stream.scan.feed(piece);
          if (!stream.reception.ended) stream.content.push(Buffer.from(stream.reception.feed(piece, 0)));
        }
      }
      for (const { octets, reception, scan, content } of streams) {
        const wanted = slowReceive(octets);
        assert.deepEqual(Buffer.concat(content), wanted.content);
        assert.deepEqual(reception.facts(), slowFacts(wanted.content));
        assert.deepEqual(scan.facts(), slowFacts(octets));
        reception.close();
      }
    });
  });
}

function stuff(kernels: Kernels, pieces: readonly Buffer[]): Buffer {
  const stuffing = kernels.openStuffing();
  const out = pieces.map((piece) => Buffer.from(stuffing.feed(piece)));
  return Buffer.concat([...out, stuffing.finish()]);
}

function each(check: (octets: Buffer, pieces: Buffer[], seed: string) => void): void {
  for (let round = 1; round <= ROUNDS; round++) {
    const random = seeded(round * 7919);
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
