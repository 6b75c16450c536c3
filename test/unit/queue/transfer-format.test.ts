/** A queue export as octets: however it is cut, what is read is what was written, and half of it is known to be half. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatTransferEnd, formatTransferHead, formatTransferStart, NotATransfer, openTransfer, transferGap, type TransferHead } from '../../../src/flow/queue/format/transfer.ts';
import fc from '../../props/fast-check.ts';

async function* pieces(octets: Buffer, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const to of [...cuts.map((cut) => cut % (octets.length + 1)).toSorted((a, b) => a - b), octets.length]) {
    if (to > from) yield octets.subarray(from, to);
    from = Math.max(from, to);
    await Promise.resolve();
  }
}

interface Message {
  readonly head: TransferHead;
  readonly content: Buffer;
}

/** Reads all; `skip` names contents that nobody wants. */
async function read(octets: Buffer, cuts: readonly number[], skip: (n: number) => boolean = () => false): Promise<{ readonly messages: Message[]; readonly ended: boolean }> {
  const reader = await openTransfer(pieces(octets, cuts));
  const messages: Message[] = [];
  for (;;) {
    const next = await reader.next();
    if (next === null) return { messages, ended: false };
    if ('end' in next) return { messages, ended: true };
    const parts: Uint8Array[] = [];
    if (!skip(messages.length)) for await (const part of reader.content()) parts.push(Buffer.from(part));
    messages.push({ head: next, content: Buffer.concat(parts) });
  }
}

function write(contents: readonly Buffer[]): Buffer {
  const all = contents.flatMap((content, n) => [
    formatTransferHead({ id: `ID${n}`, state: n % 2 === 0 ? 'waiting' : 'quarantined', record: Buffer.from([n]).toString('base64'), contentOctets: content.length, to: ['a\nb'] }), content, transferGap,
  ]);
  return Buffer.concat([formatTransferStart(), ...all, formatTransferEnd({ end: true, messages: contents.length, claimed: 0 })]);
}

const contents = fc.array(fc.uint8Array({ maxLength: 300 }).map((octets) => Buffer.from(octets)), { maxLength: 6 });

describe('queue export', () => {
  it('is read as it was written, however it is cut, also when some contents are passed over', async () => {
    await fc.assert(fc.asyncProperty(contents, fc.array(fc.nat()), fc.array(fc.boolean()), async (written, cuts, skipped) => {
      const { messages, ended } = await read(write(written), cuts, (n) => skipped[n] === true);
      assert.ok(ended);
      assert.deepEqual(messages.map(({ head }) => head.id), written.map((_, n) => `ID${n}`));
      for (const [n, { content }] of messages.entries()) if (skipped[n] !== true) assert.deepEqual(content, written[n]);
    }), { numRuns: 200 });
  });

  it('cut short anywhere: never an end, never a content that is longer or other than it was', async () => {
    const written = [Buffer.from('one\n{"end":true,"messages":0,"claimed":0}\n'), Buffer.from('two'), Buffer.alloc(0)];
    const whole = write(written);
    for (let size = formatTransferStart().length; size < whole.length; size++) {
      const { messages, ended } = await read(whole.subarray(0, size), []).catch((error: unknown) => {
        assert.ok(error instanceof NotATransfer);
        return { messages: [], ended: false };
      });
      assert.ok(!ended, `after ${size} octets`);
      for (const [n, { content }] of messages.entries()) assert.ok(written[n]!.subarray(0, content.length).equals(content));
    }
  });

  it('what is none is said to be none', async () => {
    for (const text of ['', 'hello\n', '{}\n', '{"posthorn":"queue export","version":9}\n', '\0\0\0\n', 'x'.repeat(5000)]) {
      await assert.rejects(openTransfer(pieces(Buffer.from(text), [])), NotATransfer, text.slice(0, 40));
    }
    for (const line of ['[]', '{"id":"A"}', '{"id":"A","record":"","contentOctets":-1,"state":"waiting"}', '{"id":"A","record":"","contentOctets":1e99,"state":"waiting"}', '{"id":"A","record":"","contentOctets":1,"state":"claimed"}']) {
      await assert.rejects(read(Buffer.concat([formatTransferStart(), Buffer.from(`${line}\n`)]), []), NotATransfer, line);
    }
  });
});
