/** The modem's words, whole and in pieces. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ear, type Heard } from '../../../hardware/modem/ear.ts';
import { parseParameters, parseWord, stationIdOf } from '../../../hardware/modem/words.ts';
import { createSystemClock } from '../../../src/kit/system-clock.ts';
import fc from '../../props/fast-check.ts';

test('results, reports, and what only looks like them', () => {
  const rows: readonly (readonly [string, object])[] = [
    ['OK', { kind: 'ok' }],
    ['ERROR', { kind: 'error' }],
    ['NO DIALTONE', { kind: 'no-dialtone' }],
    ['NO DIAL TONE', { kind: 'no-dialtone' }],
    ['NO CARRIER', { kind: 'no-carrier' }],
    ['BLACKLISTED', { kind: 'blacklisted' }],
    ['DELAYED 00:05:00', { kind: 'blacklisted' }],
    ['CONNECT', { kind: 'connect', text: 'CONNECT' }],
    ['CONNECT 9600/ARQ', { kind: 'connect', text: 'CONNECT 9600/ARQ' }],
    ['CONNECTION', { kind: 'text', text: 'CONNECTION' }],
    ['RING', { kind: 'ring' }],
    ['+FHNG:50', { kind: 'hangup', code: 50 }],
    ['+FHNG: 11', { kind: 'hangup', code: 11 }],
    ['+FHS:27', { kind: 'hangup', code: 27 }],
    ['+FHS:A1', { kind: 'hangup', code: 101 }],
    ['+FHNG', { kind: 'hangup', code: 10 }],
    ['+FCSI:"BUSY"', { kind: 'report', name: '+FCSI', value: '"BUSY"' }],
    ['+FCON', { kind: 'report', name: '+FCON', value: '' }],
    ['OKAY', { kind: 'text', text: 'OKAY' }],
  ];
  for (const [line, word] of rows) assert.deepEqual(parseWord(line), word, line);
});

test('a station id is at most twenty printable characters', () => {
  assert.equal(stationIdOf('"         +49 89 1234"'), '+49 89 1234');
  assert.equal(stationIdOf('"\u0007rm -rf $HOME; \u009b31m and more of it"'), 'rm -rf $HOME; 31m an');
  assert.equal(stationIdOf(''), '');
});

test('parameters, with whatever is missing', () => {
  assert.deepEqual(parseParameters('1,5,0,2,0,0,0,0'), { fine: true, rate: 14_400, width: 0, coding: 0 });
  assert.deepEqual(parseParameters('0,D,0,2,0,0,0,0').rate, 33_600);
  assert.deepEqual(parseParameters(''), { fine: false, rate: 14_400, width: 0, coding: 0 });
  assert.deepEqual(parseParameters('x,y'), { fine: false, rate: 2400, width: 0, coding: 0 });
});

const stream = Buffer.concat([
  Buffer.from('ATD123\r\r\nRING\r\n\r\n+FCON\r\n\r\n+FCSI:"M\xfcnchen 12"\r\nOK\r\n', 'latin1'),
  Buffer.from('\r\nCONNECT\r\n'), Buffer.from([0, 1, 0x11, 0x13, 0x0d, 0x0a, 0x10, 0x10, 0x55, 0x10, 0x1a, 0x10, 0x42, 0x66, 0x10, 0x03]),
  Buffer.from('\r\n+FPTS:1,100,0,0,0\r\n+FET:2\r\n\r\nOK\r\n'), Buffer.from([0x11]), Buffer.from('\xaa\xbbNO CARRIER\r\n', 'latin1'),
]);

function listen(pieces: readonly Uint8Array[]): { readonly words: readonly Heard[]; readonly page: string; readonly started: boolean } {
  const ear = new Ear(createSystemClock());
  const page: Buffer[] = [];
  ear.expectPage({ octets: chunk => page.push(Buffer.from(chunk)) });
  for (const piece of pieces) ear.feed(piece);
  const words: Heard[] = [];
  for (let word = ear.take(); word !== null; word = ear.take()) words.push(word);
  return { words, page: Buffer.concat(page).toString('hex'), started: ear.started };
}

test('a page between words: DLE undone, flow control left in, what follows is text again', () => {
  const { words, page, started } = listen([stream]);
  assert.equal(page, '000111130d0a1055101066');
  assert.deepEqual(words.map(({ kind }) => kind), ['text', 'ring', 'report', 'report', 'ok', 'connect', 'report', 'report', 'ok', 'no-carrier']);
  assert.ok(started);
});

test('cut anywhere, it says the same', () => {
  const whole = listen([stream]);
  for (let at = 1; at < stream.length; at++) assert.deepEqual(listen([stream.subarray(0, at), stream.subarray(at)]), whole, `cut at ${at}`);
  assert.deepEqual(listen(Array.from(stream, octet => Uint8Array.of(octet))), whole);
});

test('nothing a line can say breaks it', () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), pieces => {
    const { words } = listen(pieces);
    assert.ok(words.length <= 500);
  }));
});
