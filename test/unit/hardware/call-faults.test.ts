/** What a call can come to, row by row: the line's words, the modem's faults, silence at each step. Told truthfully each time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FaxCallEnd } from '../../../src/core/fax.ts';
import type { FaxScript, Mishap, Step } from '../../../hardware/fax-simulator/script.ts';
import { decodePage } from '../../../hardware/fax-simulator/t4.ts';
import { callTo, HURRY, never, noSocat, openModemBench } from '../../props/fax-modem.ts';
import { drawnPage, pageOf } from '../../props/fax-pages.ts';

const pages = [pageOf(drawnPage(200, 1)), pageOf(drawnPage(200, 2)), pageOf(drawnPage(200, 3))];
const says = (...lines: readonly string[]): Mishap => ({ kind: 'says', lines });
const gone = (...lines: readonly string[]): Mishap => ({ kind: 'says', lines, leaves: 'gone' });
const on = (kind: Step['kind'], mishap: Mishap, page = 1) => (step: Step): Mishap | undefined => (step.kind === kind && (!('page' in step) || step.page === page) ? mishap : undefined);
/** In the middle of a page. */
const midPage = (mishap: Mishap, page = 2) => (step: Step): Mishap | undefined => (step.kind === 'page' && step.page === page && step.octets > 1500 ? mishap : undefined);
const command = (pattern: RegExp, mishap: Mishap) => (step: Step): Mishap | undefined => (step.kind === 'command' && pattern.test(step.text) ? mishap : undefined);
const silence: Mishap = { kind: 'silence' };
const noise = Buffer.from('\x00~\xff{nonsense}\x7f|\r\ndrivel \xfe\r\n', 'latin1');

interface Row {
  readonly what: string;
  readonly script: FaxScript;
  readonly end: FaxCallEnd;
  readonly confirmed?: number;
  readonly uncertain?: true;
}

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
  // Before a page.
  { what: 'silence after AT+FDT', script: { at: on('go', silence) }, end: { kind: 'lost', why: 'silence' } },
  { what: 'ERROR to AT+FDT', script: { at: on('go', says('ERROR')) }, end: { kind: 'lost', why: 'garbage' } },
  { what: '+FHNG:27 at AT+FDT', script: { at: on('go', { kind: 'hangup', code: 27 }) }, end: { kind: 'hangup', code: 27 } },
  { what: '+FHNG:40 at the second AT+FDT', script: { at: on('go', { kind: 'hangup', code: 40 }, 2) }, end: { kind: 'hangup', code: 40 }, confirmed: 1 },
  { what: 'NO CARRIER instead of CONNECT', script: { at: on('go', gone('NO CARRIER'), 2) }, end: { kind: 'lost', why: 'carrier' }, confirmed: 1 },
  { what: 'no DC1 after CONNECT', script: { classes: ['2'], at: on('ready', silence) }, end: { kind: 'lost', why: 'silence' } },
  { what: '+FHNG:43 instead of DC1', script: { classes: ['2'], at: on('ready', { kind: 'hangup', code: 43 }) }, end: { kind: 'hangup', code: 43 } },
  // In a page.
  { what: '+FHNG:50 in the middle of a page', script: { at: midPage({ kind: 'hangup', code: 50 }) }, end: { kind: 'hangup', code: 50 }, confirmed: 1 },
  { what: 'NO CARRIER in the middle of a page', script: { at: midPage(gone('NO CARRIER')) }, end: { kind: 'lost', why: 'carrier' }, confirmed: 1 },
  { what: 'unplugged in the middle of a page', script: { at: midPage({ kind: 'unplug' }) }, end: { kind: 'lost', why: 'unplugged' }, confirmed: 1 },
  { what: 'noise in the middle of a page', script: { at: midPage({ kind: 'octets', octets: noise }) }, end: { kind: 'sent' }, confirmed: 3 },
  { what: 'DC3 and never DC1', script: { at: (step): Mishap | undefined => (step.kind === 'page' && step.page === 2 ? { kind: 'octets', octets: Buffer.from([0x13]) } : undefined) }, end: { kind: 'lost', why: 'silence' }, confirmed: 1 },
  // After a page.
  { what: 'silence after the page', script: { at: on('page-end', silence, 2) }, end: { kind: 'lost', why: 'silence' }, confirmed: 1, uncertain: true },
  { what: '+FHNG:51 after the page', script: { at: on('page-end', { kind: 'hangup', code: 51 }, 2) }, end: { kind: 'hangup', code: 51 }, confirmed: 1, uncertain: true },
  { what: 'silence at the question', script: { at: on('verdict', silence, 2) }, end: { kind: 'lost', why: 'silence' }, confirmed: 1, uncertain: true },
  { what: '+FHNG:52 and OK at the question', script: { at: on('verdict', { kind: 'hangup', code: 52 }, 2) }, end: { kind: 'hangup', code: 52 }, confirmed: 1, uncertain: true },
  { what: 'NO CARRIER at the question', script: { at: on('verdict', gone('NO CARRIER'), 3) }, end: { kind: 'lost', why: 'carrier' }, confirmed: 2, uncertain: true },
  { what: '+FHNG:0 without a verdict', script: { classes: ['2'], at: on('verdict', { kind: 'hangup', code: 0 }, 3) }, end: { kind: 'hangup', code: 0 }, confirmed: 2, uncertain: true },
  { what: 'unplugged at the question', script: { at: on('verdict', { kind: 'unplug' }, 3) }, end: { kind: 'lost', why: 'unplugged' }, confirmed: 2, uncertain: true },
  { what: 'the last verdict and NO CARRIER instead of a hang-up', script: { classes: ['2'], at: on('verdict', gone('+FPTS:1', 'NO CARRIER'), 3) }, end: { kind: 'sent' }, confirmed: 3 },
  { what: 'the last verdict, and then silence', script: { classes: ['2'], at: on('verdict', gone('+FPTS:1'), 3) }, end: { kind: 'sent' }, confirmed: 3 },
  { what: 'a verdict nobody knows', script: { classes: ['2'], at: on('verdict', says('+FPTS:9', 'OK')) }, end: { kind: 'lost', why: 'garbage' }, uncertain: true },
  // Verdicts.
  { what: 'RTP after each page', script: { verdict: () => 3 }, end: { kind: 'sent' }, confirmed: 3 },
  { what: 'PIP after each page', script: { verdict: () => 5 }, end: { kind: 'sent' }, confirmed: 3 },
  { what: 'RTN once', script: { verdict: ({ page, attempt }) => (page === 2 && attempt === 1 ? 2 : 1) }, end: { kind: 'sent' }, confirmed: 3 },
  { what: 'RTN twice on the last page', script: { verdict: ({ page, attempt }) => (page === 3 && attempt < 3 ? 2 : 1) }, end: { kind: 'sent' }, confirmed: 3 },
  { what: 'PIN once', script: { verdict: ({ page, attempt }) => (page === 1 && attempt === 1 ? 4 : 1) }, end: { kind: 'sent' }, confirmed: 3 },
  { what: 'RTN without end', script: { verdict: ({ page }) => (page === 2 ? 2 : 1) }, end: { kind: 'hangup', code: 50 }, confirmed: 1 },
];

/** Rows that speak of one class only name it in the script. */
for (const { what, script, end, confirmed = 0, uncertain = false } of rows) {
  for (const kind of script.classes ?? (['2', '2.0'] as const)) {
    test(`class ${kind}: ${what}`, { skip: noSocat, timeout: 30_000 }, async t => {
      const bench = await openModemBench(t, { ...script, classes: [kind] }, /silence|garbage|no DC1|says nothing|never DC1/.test(what) ? { times: HURRY } : {});
      const report = await bench.openLine().send(callTo('5551234', pages), never);
      assert.deepEqual(report.end, end, `${report.said}\n${bench.journal()}`);
      assert.equal(report.pagesConfirmed, confirmed);
      assert.equal(report.lastPageUncertain, uncertain);
      const [call] = bench.modem.calls;
      for (const [index, page] of (call?.pages ?? []).filter(({ verdict = 0 }) => [1, 3, 5].includes(verdict)).entries()) {
        assert.ok(decodePage(page.coded).bitmap.equals(await pages[index]!.bitmap(never)), `confirmed page ${index + 1}`);
      }
    });
  }
}

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

test('a hang-up in the middle of a page is noticed within two seconds of the line', { skip: noSocat, timeout: 30_000 }, async t => {
  for (const kind of ['2', '2.0'] as const) {
    let at = 0;
    const bench = await openModemBench(t, {
      classes: [kind], lineBits: 14_400,
      at: step => {
        if (step.kind !== 'page' || step.octets < 1500) return undefined;
        at = bench.clock.now();
        return { kind: 'hangup', code: 50 };
      },
    }, { times: 4 });
    const report = await bench.openLine().send(callTo('1', pages), never);
    const noticed = bench.clock.now() - at;
    assert.deepEqual(report.end, { kind: 'hangup', code: 50 });
    assert.ok(noticed < 2000, `${noticed} ms`);
  }
});

test('stopping from outside ends the call in order', { skip: noSocat, timeout: 30_000 }, async t => {
  const stop = new AbortController();
  const bench = await openModemBench(t, { lineBits: 14_400, classes: ['2'], at: step => {
    if (step.kind === 'page' && step.page === 2) stop.abort();
    return undefined;
  } });
  const report = await bench.openLine().send(callTo('1', pages), stop.signal);
  assert.deepEqual(report.end, { kind: 'aborted' });
  assert.equal(report.pagesConfirmed, 1);
  assert.equal(bench.modem.calls[0]?.ended, 'aborted', bench.journal());
});

test('a page refused twice is tried a third time at 9600', { skip: noSocat, timeout: 30_000 }, async t => {
  const wishes: string[] = [];
  const bench = await openModemBench(t, {
    classes: ['2'], verdict: ({ attempt }) => (attempt < 3 ? 2 : 1),
    at: step => {
      if (step.kind === 'command' && step.text.startsWith('+FDIS=')) wishes.push(step.text);
      return undefined;
    },
  });
  const report = await bench.openLine().send(callTo('5551234', pages.slice(0, 1)), never);
  assert.deepEqual(report.end, { kind: 'sent' });
  assert.deepEqual(wishes, ['+FDIS=1,5,0,2,0,0,0,0', '+FDIS=1,3,0,2,0,0,0,0']);
});
