/** What a call can come to once pages are sent, row by row: hang-ups, silence, verdicts. No page counts that was not confirmed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mishap } from '../../../hardware/fax-simulator/script.ts';
import { gone, midPage, noise, on, pages, says, silence, testRows, type Row } from '../../props/fax-faults.ts';
import { callTo, never, noSocat, openModemBench } from '../../props/fax-modem.ts';

const rows: readonly Row[] = [
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

testRows(rows);

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
