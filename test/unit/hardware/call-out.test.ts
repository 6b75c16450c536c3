/** Sending through the native driver: pages arrive pel for pel, whatever the class, the buffer or the cut of the answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodePage } from '../../../hardware/fax-simulator/t4.ts';
import type { FaxScript, SimulatedPage } from '../../../hardware/fax-simulator/script.ts';
import { FAX_ROW_OCTETS } from '../../../src/core/fax.ts';
import { callTo, never, noSocat, openModemBench } from '../../props/fax-modem.ts';
import { drawnPage, pageOf } from '../../props/fax-pages.ts';

const first = drawnPage(400, 1);
const second = drawnPage(300, 2);

for (const kind of ['2', '2.0'] as const) {
  const orders: readonly (readonly [string, FaxScript, number?])[] = [
    ['a line as fast as it comes', {}],
    ['a line of 14400 and a buffer of 4 KiB', { lineBits: 14_400, bufferOctets: 4096 }, 8],
    ['a slower line than agreed and a buffer of 4 KiB', { lineBits: 7200, bufferOctets: 4096 }, 8],
    ['answers three octets at a time', { cutOctets: 3 }],
  ];
  for (const [what, script, times] of orders) {
    test(`class ${kind}: two pages over ${what}`, { skip: noSocat, timeout: 30_000 }, async t => {
      const bench = await openModemBench(t, { ...script, classes: [kind] }, times === undefined ? {} : { times });
      const report = await bench.openLine().send(callTo('5551234', [pageOf(first), pageOf(second)]), never);
      assert.deepEqual(report.end, { kind: 'sent' }, bench.journal());
      assert.equal(report.pagesConfirmed, 2);
      assert.equal(report.lastPageUncertain, false);
      assert.equal(report.remoteId, '+49 89 1234');
      const [call] = bench.modem.calls;
      assert.equal(call?.number, '5551234');
      assert.equal(call.stationId, '+49 30 555');
      assert.equal(call.ended, 'hangup 0');
      assert.equal(call.pages.length, 2);
      for (const [index, bitmap] of [first, second].entries()) {
        const sent: SimulatedPage = call.pages[index]!;
        assert.equal(sent.lostOctets, 0, 'the buffer ran over');
        const page = decodePage(sent.coded);
        assert.equal(page.badRows, 0);
        assert.ok(page.returned, 'six ends of line');
        assert.ok(page.bitmap.equals(bitmap), `page ${index + 1}`);
      }
    });
  }
}

test('a modem that runs dry says so', { skip: noSocat, timeout: 30_000 }, async t => {
  const bench = await openModemBench(t, { classes: ['2'], underflowMs: 5000, at: step => (step.kind === 'page' ? { kind: 'octets', octets: Buffer.from([0x13]) } : undefined) });
  const report = await bench.openLine().send(callTo('1', [pageOf(first)]), never);
  assert.deepEqual([report.end, report.pagesConfirmed], [{ kind: 'hangup', code: 43 }, 0]);
});

test('RTS/CTS: the system waits, nothing is paced', { skip: noSocat, timeout: 30_000 }, async t => {
  const said: string[] = [];
  const bench = await openModemBench(t, { classes: ['2.0'], at: step => {
    if (step.kind === 'command') said.push(step.text);
    return undefined;
  } });
  const report = await bench.openLine({ flow: 'hardware' }).send(callTo('1', [pageOf(first)]), never);
  assert.deepEqual(report.end, { kind: 'sent' }, `${report.said}\n${bench.journal()}`);
  assert.ok(said.includes('+FLO=2'), said.join(' '));
  assert.ok(decodePage(bench.modem.calls[0]!.pages[0]!.coded).bitmap.equals(first));
});

test('a far side without fine resolution gets rows in pairs, no black pel lost', { skip: noSocat, timeout: 30_000 }, async t => {
  const bench = await openModemBench(t, { classes: ['2'], capabilities: '0,5,0,2,0,0,0,0', agreed: '0,5,0,2,0,0,0,0' });
  const report = await bench.openLine().send(callTo('1', [pageOf(first)]), never);
  assert.equal(report.end.kind, 'sent');
  const page = decodePage(bench.modem.calls[0]!.pages[0]!.coded);
  assert.equal(page.rows, 200);
  for (const row of [0, 7, 199]) {
    for (let at = 0; at < FAX_ROW_OCTETS; at++) assert.equal(page.bitmap[row * FAX_ROW_OCTETS + at], first[2 * row * FAX_ROW_OCTETS + at]! | first[(2 * row + 1) * FAX_ROW_OCTETS + at]!);
  }
});

test('a page in normal resolution between fine ones keeps its height', { skip: noSocat, timeout: 30_000 }, async t => {
  const bench = await openModemBench(t, { classes: ['2'] });
  const report = await bench.openLine().send(callTo('1', [pageOf(second, 'normal'), pageOf(first)]), never);
  assert.equal(report.pagesConfirmed, 2);
  assert.deepEqual(bench.modem.calls[0]!.pages.map(({ coded }) => decodePage(coded).rows), [600, 400]);
});
