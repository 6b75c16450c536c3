/** What a call can come to before its first page, row by row: the line's words, the modem's faults. Told truthfully each time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { command, noise, on, pages, says, silence, testRows, type Row } from '../../props/fax-faults.ts';
import { callTo, never, noSocat, openModemBench } from '../../props/fax-modem.ts';

const rows: readonly Row[] = [
  // Phase A: the telephone network's and the far side's first words.
  ...(['BUSY', 'NO ANSWER', 'NO CARRIER', 'NO DIALTONE', 'NO DIAL TONE', 'VOICE', 'BLACKLISTED'] as const).map((word): Row => ({
    what: `${word} to the dial command`, script: { at: on('dial', says(word)) },
    end: { kind: ({ BUSY: 'busy', 'NO ANSWER': 'no-answer', 'NO CARRIER': 'no-carrier', 'NO DIALTONE': 'no-dialtone', 'NO DIAL TONE': 'no-dialtone', VOICE: 'voice', BLACKLISTED: 'blacklisted' } as const)[word] },
  })),
  { what: 'ERROR to the dial command', script: { at: on('dial', says('ERROR')) }, end: { kind: 'unavailable', why: 'refuses' } },
  { what: 'a data modem answers', script: { at: on('dial', says('CONNECT 9600')) }, end: { kind: 'voice' } },
  { what: 'BUSY in a station id is no result', script: { farId: 'BUSY' }, end: { kind: 'sent' }, confirmed: 3 },
  { what: 'RING while dialling', script: { at: on('dial', says('RING', 'RING', 'NO ANSWER')) }, end: { kind: 'no-answer' } },
  ...[1, 3, 4, 5, 10, 11, 20, 21, 25, 27].map((code): Row => ({ what: `+FHNG:${code} while dialling`, script: { at: on('dial', { kind: 'hangup', code }) }, end: { kind: 'hangup', code } })),
  { what: 'silence after the dial command', script: { at: on('dial', silence) }, end: { kind: 'lost', why: 'silence' } },
  { what: 'garbage after the dial command', script: { at: on('dial', { kind: 'octets', octets: noise }) }, end: { kind: 'lost', why: 'garbage' } },
  { what: 'OK to the dial command and nothing about a fax', script: { at: on('dial', says('OK')) }, end: { kind: 'lost', why: 'garbage' } },
  // Set-up.
  { what: 'a modem that says nothing at all', script: { at: command(/./, silence) }, end: { kind: 'unavailable', why: 'silent' } },
  { what: 'a modem that refuses its station id', script: { at: command(/^\+FLI/, says('ERROR')) }, end: { kind: 'unavailable', why: 'refuses' } },
  { what: 'a modem that can 9600 only', script: { at: command(/^\+FC?DCC?=1,5|^\+FCC=1,5/, says('ERROR')) }, end: { kind: 'sent' }, confirmed: 3 },
  { what: 'a modem that refuses its capabilities', script: { at: command(/^\+FDCC=|^\+FCC=/, says('ERROR')) }, end: { kind: 'unavailable', why: 'refuses' } },
  { what: 'silence in the set-up', script: { at: command(/^\+FCLASS=2/, silence) }, end: { kind: 'unavailable', why: 'silent' } },
  { what: 'unplugged in the set-up', script: { at: command(/^\+FLI/, { kind: 'unplug' }) }, end: { kind: 'unavailable', why: 'unplugged' } },
];

testRows(rows);

test('without a fax class there is nothing to dial with', { skip: noSocat, timeout: 30_000 }, async t => {
  const bench = await openModemBench(t, { classes: [] });
  const report = await bench.openLine().send(callTo('5551234', pages), never);
  assert.deepEqual(report.end, { kind: 'unavailable', why: 'refuses' });
  assert.equal(bench.modem.calls.length, 0);
});

test('what is no number never reaches the modem', { skip: noSocat, timeout: 30_000 }, async t => {
  for (const number of ['123;+FK', '1\rATH', '12 34', '5551234\n', '', '1&F', '1"']) {
    const bench = await openModemBench(t);
    const report = await bench.openLine().send(callTo(number, pages), never);
    assert.equal(report.end.kind, 'unavailable', JSON.stringify(number));
    assert.equal(bench.modem.calls.length, 0, JSON.stringify(number));
    assert.doesNotMatch(bench.journal(), /\+FK;|&F/);
  }
});
