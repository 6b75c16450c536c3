import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Session } from '../../../src/flow/receive/session.ts';
import { createSetup } from '../../../src/flow/receive/setup.ts';
import type { Wire } from '../../../src/flow/receive/wire.ts';
import { openCountedKernels } from '../../props/counted-kernels.ts';
import fc from '../../props/fast-check.ts';
import { boxOptions, createCountingMetrics, createKeepingIntake, createManualClock, createOneAccount, type Kept } from '../../props/receive-box.ts';

/** A session on a wire of paper: what it said, what was queued, and whether it ended. */
async function hold(chunks: readonly Buffer[], device = false) {
  const kept: Kept[] = [];
  const bugs: unknown[] = [];
  const kernels = openCountedKernels();
  const intake = createKeepingIntake(kept);
  const log = { info: () => undefined, warn: () => undefined, error: (_: string, fields?: object) => void bugs.push(fields) };
  const setup = createSetup(boxOptions({ auth: createOneAccount(), listener: { forDevices: device, mechanisms: ['PLAIN', 'LOGIN', 'SCRAM-SHA-256', 'XOAUTH2'], xclientFrom: { has: () => true }, xforwardFrom: { has: () => true }, limits: { errors: 1000, idleCommands: 1000 } } },
    { intake, clock: createManualClock(), log, metrics: createCountingMetrics(), kernels }));
  let said = '';
  let ended = false;
  const wire: Wire = {
    tls: null,
    write(text) {
      said += text;
      return true;
    },
    resume: () => undefined,
    startTls: () => assert.fail('TLS was not offered'),
    end: () => { ended = true; },
    destroy: () => { ended = true; },
  };
  const session = new Session(setup, wire, { peer: { remoteAddress: '192.0.2.1', remotePort: 1, localAddress: '192.0.2.2', localPort: 25 }, admit: () => ({ kind: 'admitted', variables: new Map() }), variables: new Map(device ? [['DEVICE_BARE_LF', '1']] : []) }, () => undefined);
  session.start();
  for (const chunk of chunks) {
    if (!ended) session.read(chunk);
    // Now and then let promises settle, so that some chunks come while an answer is waited for and some do not.
    if (chunk.length % 3 === 0) await new Promise(resolve => setImmediate(resolve));
  }
  for (let turn = 0; turn < 400; turn++) await new Promise(resolve => setImmediate(resolve));
  session.closed();
  return { said, kept, bugs, ended, open: kernels.open, intake };
}

function cut(octets: Buffer, cuts: readonly number[]): Buffer[] {
  const edges = [...new Set([0, ...cuts.map(at => at % (octets.length + 1)), octets.length])].toSorted((a, b) => a - b);
  return edges.slice(1).map((edge, n) => octets.subarray(edges[n], edge));
}

const piece = fc.constantFrom(
  'BDAT 3\r\n', 'BDAT 0\r\n', 'BDAT 4 LAST\r\n', 'BDAT 9999\r\n', 'XCLIENT ADDR=192.0.2.9 LOGIN=tim\r\n', 'XFORWARD NAME=x\r\n', 'AUTH XOAUTH2 dXNlcj10aW0BYXV0aD1CZWFyZXIgYmFkAQE=\r\n',
  'EHLO c\r\n', 'MAIL FROM:<a@c.example>\r\n', 'MAIL FROM:<slow@c.example>\r\n', 'RCPT TO:<b@h.example>\r\n', 'RCPT TO:<slow@h.example>\r\n', 'RCPT TO:<unknown@h.example>\r\n',
  'DATA\r\n', 'hello\r\n', '.\r\n', '..\r\n', '\r\n.\r\n', '\n', '\r', '.', 'RSET\r\n', 'NOOP\r\n', 'STARTTLS\r\n', 'AUTH LOGIN\r\n', 'AUTH PLAIN =\r\n', '*\r\n', 'dGlt\r\n', '\0', 'ä\r\n', 'x'.repeat(3000));

describe('session, fuzzed', () => {
  it('says and queues the same however its input is cut, and nothing of it is our bug', async () => {
    await fc.assert(fc.asyncProperty(fc.array(piece, { maxLength: 25 }), fc.array(fc.nat(5000), { maxLength: 12 }), async (pieces, cuts) => {
      const octets = Buffer.from(['EHLO c\r\n', ...pieces].join(''));
      const whole = await hold([octets]);
      const inParts = await hold(cut(octets, cuts));
      assert.deepEqual(inParts.said, whole.said);
      assert.deepEqual(inParts.kept.map(one => one.body.toString('latin1')), whole.kept.map(one => one.body.toString('latin1')));
      for (const { bugs, open } of [whole, inParts]) assert.deepEqual([bugs, open], [[], 0]);
    }), { numRuns: 150 });
  });

  it('says and queues the same to a device that ends its lines with LF, however its input is cut', async () => {
    const sloppy = fc.oneof(piece, fc.constantFrom('HELO\n', 'MAIL FROM: a@c.example\n', 'RCPT TO:b@h.example SIZE=1\n', 'DATA\n', 'hello\n', '.\n', '\n.\n', 'QUI', 'RSET\n', '\r\n\n', 'EHLO \xfc\n'));
    await fc.assert(fc.asyncProperty(fc.array(sloppy, { maxLength: 25 }), fc.array(fc.nat(5000), { maxLength: 12 }), async (pieces, cuts) => {
      const octets = Buffer.from(['MAIL FROM:a@c.example\n', ...pieces].join(''));
      const whole = await hold([octets], true);
      const inParts = await hold(cut(octets, cuts), true);
      assert.deepEqual(inParts.said, whole.said);
      assert.deepEqual(inParts.kept.map(one => one.body.toString('latin1')), whole.kept.map(one => one.body.toString('latin1')));
      for (const { bugs, open, kept } of [whole, inParts]) {
        assert.deepEqual([bugs, open], [[], 0]);
        // What goes on has line ends of CRLF and no others.
        for (const { body } of kept) assert.doesNotMatch(body.toString('latin1'), /(?<!\r)\n|\r(?!\n)/);
      }
    }), { numRuns: 150 });
  });

  it('survives any octets', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 }), async chunks => {
      const { bugs, open, kept } = await hold(chunks.map(chunk => Buffer.from(chunk)));
      assert.deepEqual([bugs, open, kept], [[], 0, []]);
    }), { numRuns: 100 });
  });
});
