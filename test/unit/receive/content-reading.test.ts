import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ContentFacts } from '../../../src/core/content.ts';
import type { ContentWriter, Queued } from '../../../src/core/intake.ts';
import type { MessageId } from '../../../src/core/envelope.ts';
import type { Refusal } from '../../../src/core/status.ts';
import { ContentReading, type ContentPolicy } from '../../../src/flow/receive/content-reading.ts';
import { PIECE_OCTETS } from '../../../src/flow/receive/limits.ts';
import { createLineMender } from '../../../src/flow/receive/line-mender.ts';
import { openCountedKernels } from '../../props/counted-kernels.ts';
import fc from '../../props/fast-check.ts';

const strict: ContentPolicy = { sizeOctets: 0, bareLineEnds: 'reject' };
const queued: Queued = { kind: 'queued', id: 'Q1' as MessageId, refused: new Map() };

function receive(octets: Buffer, chunkOctets: number, policy: ContentPolicy = strict) {
  const kernels = openCountedKernels();
  const pieces: Uint8Array[] = [];
  let facts: ContentFacts | null = null;
  const writer: ContentWriter = {
    kind: 'writer',
    write(chunk) {
      pieces.push(chunk);
      return undefined;
    },
    async end(known) {
      facts = known;
      return queued;
    },
  };
  const content = new ContentReading(kernels, writer, policy);
  let rest = Buffer.alloc(0);
  for (let at = 0; at < octets.length && !content.ended; at += chunkOctets) {
    const chunk = octets.subarray(at, at + chunkOctets);
    assert.equal(content.read(chunk, 0), undefined);
    if (content.ended) rest = Buffer.concat([chunk.subarray(content.position), octets.subarray(at + chunkOctets)]);
  }
  const finish = async (): Promise<Queued | Refusal> => content.finish();
  return { kernels, content, pieces, rest, finish, body: () => Buffer.concat(pieces).toString('latin1'), facts: () => facts };
}

describe('content reading', () => {
  it('is one write for small mail, however many chunks it came in', async () => {
    const small = receive(Buffer.from(`Subject: x\r\n\r\n${'line\r\n'.repeat(500)}.\r\nQUIT\r\n`), 7);
    assert.equal((await small.finish()).kind, 'queued');
    assert.equal(small.pieces.length, 1);
    assert.equal(small.rest.toString(), 'QUIT\r\n');
    assert.equal(small.kernels.open, 0);
  });

  it('hands large mail on in pieces of a bounded size', async () => {
    const text = '0123456789012345678901234567890123456789\r\n'.repeat(20_000);
    const large = receive(Buffer.from(`${text}.\r\n`), 16_384);
    assert.equal((await large.finish()).kind, 'queued');
    assert.equal(large.body(), text);
    assert.ok(large.pieces.every(piece => piece.length < PIECE_OCTETS + 16_384));
    assert.ok(large.pieces.length < text.length / PIECE_OCTETS + 2);
  });

  it('refuses what is larger than allowed, at its end, and has read all of it', async () => {
    const large = receive(Buffer.from(`${'x'.repeat(998)}\r\n.\r\nNOOP\r\n`), 100, { sizeOctets: 999, bareLineEnds: 'reject' });
    const answer = await large.finish();
    assert.deepEqual([answer.kind, 'reply' in answer && answer.reply, 'status' in answer && answer.status], ['refused', 552, '5.3.4']);
    assert.equal(large.rest.toString(), 'NOOP\r\n');
    assert.equal(large.facts(), null);
    assert.equal(large.kernels.open, 0);
  });

  it('gives the facts of what is kept, not of what came, when it mends line ends', async () => {
    const mended = receive(Buffer.from('a\nb\rc\r\n.\r\n'), 1, { sizeOctets: 0, bareLineEnds: 'normalize' });
    assert.equal((await mended.finish()).kind, 'queued');
    assert.equal(mended.body(), 'a\r\nb\r\nc\r\n');
    assert.deepEqual([mended.facts()?.sizeOctets, mended.facts()?.bareLf, mended.facts()?.bareCr], [9, 0, 0]);
  });

  it('rejects when the writer rejects its last piece', async () => {
    const kernels = openCountedKernels();
    const content = new ContentReading(kernels, { kind: 'writer', write: () => Promise.reject(new Error('disk')), end: () => Promise.resolve(queued) }, strict);
    assert.equal(content.read(Buffer.from('x\r\n.\r\n'), 0), undefined);
    await assert.rejects(async () => content.finish(), /disk/);
    assert.equal(kernels.open, 0);
  });
});

describe('line mender', () => {
  it('gives the same however the input is cut, and never a bare CR or LF', () => {
    fc.assert(fc.property(fc.array(fc.constantFrom('\r', '\n', 'a', '\u00e4')), fc.nat(6), (parts, size) => {
      const octets = Buffer.from(parts.join(''), 'latin1');
      const mender = createLineMender();
      const out: Uint8Array[] = [];
      for (let at = 0; at < octets.length; at += size + 1) out.push(mender.mend(octets.subarray(at, at + size + 1)));
      out.push(mender.finish());
      const text = Buffer.concat(out).toString('latin1');
      assert.equal(text, octets.toString('latin1').replaceAll(/\r\n|\r|\n/g, '\r\n'));
    }), { numRuns: 300 });
  });
});
