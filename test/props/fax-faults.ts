/** A row of what a call can come to: the script of the modem, and the truth that must be told of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FaxCallEnd } from '../../src/core/fax.ts';
import type { FaxScript, Mishap, Step } from '../../hardware/fax-simulator/script.ts';
import { decodePage } from '../../hardware/fax-simulator/t4.ts';
import { callTo, HURRY, never, noSocat, openModemBench } from './fax-modem.ts';
import { drawnPage, pageOf } from './fax-pages.ts';

export const pages = [pageOf(drawnPage(200, 1)), pageOf(drawnPage(200, 2)), pageOf(drawnPage(200, 3))];
export const says = (...lines: readonly string[]): Mishap => ({ kind: 'says', lines });
export const gone = (...lines: readonly string[]): Mishap => ({ kind: 'says', lines, leaves: 'gone' });
export const on = (kind: Step['kind'], mishap: Mishap, page = 1) => (step: Step): Mishap | undefined => (step.kind === kind && (!('page' in step) || step.page === page) ? mishap : undefined);
/** In the middle of a page. */
export const midPage = (mishap: Mishap, page = 2) => (step: Step): Mishap | undefined => (step.kind === 'page' && step.page === page && step.octets > 1500 ? mishap : undefined);
export const command = (pattern: RegExp, mishap: Mishap) => (step: Step): Mishap | undefined => (step.kind === 'command' && pattern.test(step.text) ? mishap : undefined);
export const silence: Mishap = { kind: 'silence' };
export const noise = Buffer.from('\x00~\xff{nonsense}\x7f|\r\ndrivel \xfe\r\n', 'latin1');

export interface Row {
  readonly what: string;
  readonly script: FaxScript;
  readonly end: FaxCallEnd;
  readonly confirmed?: number;
  readonly uncertain?: true;
}

/** A test for each row and class; rows that speak of one class only name it in the script. */
export function testRows(rows: readonly Row[]): void {
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
}
