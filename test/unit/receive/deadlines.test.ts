import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judgeTime, type Waiting } from '../../../src/flow/receive/deadlines.ts';
import { defaultLimits } from '../../../src/flow/receive/limits.ts';
import { createTarpit } from '../../../src/flow/receive/tarpit.ts';

const MINUTE = 60_000;
const peer = (state: 'command' | 'turned away', sinceMs: number): Waiting => ({ kind: 'peer', state, sinceMs });
const us = (state: 'answer' | 'pause' | 'drain' | 'tls', sinceMs: number): Waiting => ({ kind: 'us', state, sinceMs });
const content = (sinceMs: number, elapsedMs: number, octets: number): Waiting => ({ kind: 'peer', state: 'content', sinceMs, elapsedMs, octets });

describe('deadlines', () => {
  const rows: [string, Waiting, number, string][] = [
    ['a command in ten minutes', peer('command', 10 * MINUTE), 0, 'fine'],
    ['and not later', peer('command', 10 * MINUTE + 1), 0, '421 Waited too long for you'],
    ['content in five minutes', content(5 * MINUTE, 5 * MINUTE, 1e6), 0, 'fine'],
    ['and not later', content(5 * MINUTE + 1, 5 * MINUTE, 1e6), 0, '421 Waited too long for you'],
    ['slow content within a minute', content(0, MINUTE, 1), 0, 'fine'],
    ['slow content after a minute', content(0, MINUTE + 1, 1), 0, '421 This transaction takes too long'],
    ['content just fast enough', content(0, 100_000, 10_000), 0, 'fine'],
    ['a transaction too long', content(0, 1000, 1e6), 4 * 60 * MINUTE + 1, '421 This transaction takes too long'],
    ['a transaction too long between commands', peer('command', 0), 4 * 60 * MINUTE + 1, '421 This transaction takes too long'],
    ['the peer is not blamed while we are slow', us('answer', 10 * MINUTE), 5 * 60 * MINUTE, 'fine'],
    ['but we do not hang for ever', us('answer', 10 * MINUTE + 1), 0, 'unanswered'],
    ['the tarpit has its own time', us('pause', 60 * MINUTE), 0, 'fine'],
    ['replies nobody reads', us('drain', 5 * MINUTE + 1), 0, 'cut'],
    ['a handshake of a minute', us('tls', MINUTE), 0, 'fine'],
    ['and not longer', us('tls', MINUTE + 1), 0, 'cut'],
    ['turned away, and still there', peer('turned away', 30_001), 0, 'cut'],
  ];
  for (const [name, waiting, transactionMs, expected] of rows) {
    it(`${name}: ${expected}`, () => {
      const overdue = judgeTime(waiting, transactionMs, defaultLimits);
      assert.equal(overdue.kind === 'refused' ? `${overdue.reply} ${overdue.text}` : overdue.kind, expected);
    });
  }
});

describe('tarpit', () => {
  it('waits 8 s, doubles to 128 s, and forgets', () => {
    const tarpit = createTarpit();
    assert.deepEqual(Array.from({ length: 6 }, () => tarpit.next()), [8, 16, 32, 64, 128, 128].map(seconds => seconds * 1000));
    tarpit.reset();
    assert.equal(tarpit.next(), 8000);
  });
});
