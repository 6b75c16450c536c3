/** A modem that falls silent at any command of a call. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callTo, HURRY, lockText, never, noSocat, openModemBench } from '../../props/fax-modem.ts';
import { drawnPage, pageOf } from '../../props/fax-pages.ts';

const pages = [pageOf(drawnPage(60, 1))];

for (const kind of ['2', '2.0'] as const) {
  test(`class ${kind}: silence at each command: an end in every case, the line given back, nothing dialled before the modem is known`, { skip: noSocat, timeout: 120_000 }, async t => {
    const said: string[] = [];
    const good = await openModemBench(t, { classes: [kind], at: step => {
      if (step.kind === 'command') said.push(step.text);
      return undefined;
    } });
    assert.equal((await good.openLine().send(callTo('5551234', pages), never)).end.kind, 'sent');
    const dialledAt = said.findIndex(text => text.startsWith('D'));
    assert.ok(dialledAt > 8, said.join(' '));
    for (const [index, text] of said.entries()) {
      let count = 0;
      const bench = await openModemBench(t, { classes: [kind], at: step => (step.kind === 'command' && count++ === index ? { kind: 'silence' } : undefined) }, { times: HURRY });
      const report = await bench.openLine().send(callTo('5551234', pages), never);
      const wanted = index < dialledAt ? ['silent'] : text === '+FCLASS=0' ? ['sent'] : ['silence', 'sent'];
      const end = report.end.kind === 'lost' || report.end.kind === 'unavailable' ? report.end.why : report.end.kind;
      assert.ok(wanted.includes(end), `class ${kind}, silence at AT${text}: ${end}`);
      assert.equal(lockText(bench.folder, 'LCK..ttyF0'), null, `the lock is left behind after silence at AT${text}`);
      assert.equal(bench.modem.calls.length, index <= dialledAt ? 0 : 1);
      await bench.modem.close();
    }
  });
}
