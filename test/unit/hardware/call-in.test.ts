/** Calls that come in: pages equal to what was sent, kept before they are confirmed, and nothing lost by whatever ends the call. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { FaxScript, IncomingCall, IncomingResult } from '../../../hardware/fax-simulator/script.ts';
import { decodePage, encodePage } from '../../../hardware/fax-simulator/t4.ts';
import { createListening } from '../../../hardware/modem/listening.ts';
import { FAX_ROW_OCTETS } from '../../../src/core/fax.ts';
import type { ArrivedPage, FaxArrivals } from '../../../src/core/fax-arrival.ts';
import { silent } from '../../../src/core/log.ts';
import { callTo, kernels, never, noSocat, openModemBench, rememberArrivals, type KeptFax, type ModemBench } from '../../props/fax-modem.ts';
import { drawnPage, pageOf } from '../../props/fax-pages.ts';
import { createWatch, within } from '../../props/within.ts';

const pages = [drawnPage(300, 1), drawnPage(200, 2)];

interface Taken {
  readonly bench: ModemBench;
  readonly result: IncomingResult;
  readonly fax: KeptFax | undefined;
}

async function take(t: TestContext, script: FaxScript, call: IncomingCall, arrivals?: FaxArrivals): Promise<Taken> {
  const watch = createWatch();
  const bench = await openModemBench(t, script);
  const kept = rememberArrivals(watch.happened);
  const listen = createListening({ clock: bench.clock, kernels, log: silent, arrivals: arrivals ?? kept });
  const line = bench.openLine({ answerAfterRings: 2 }, { listen });
  await untilListening(line);
  const result = await within(20_000, 'the end of the call', bench.modem.ring(call));
  if (arrivals === undefined && result.answered) await watch.until(20_000, 'the fax to be kept', () => kept.faxes[0]?.end !== undefined);
  return { bench, result, fax: kept.faxes[0] };
}

async function untilListening(line: { readonly modems: readonly { readonly state: string }[] }): Promise<void> {
  for (let waited = 0; line.modems[0]?.state !== 'listening'; waited++) {
    assert.ok(waited < 500, 'the modem never listens');
    await new Promise(next => setTimeout(next, 10));
  }
}

for (const kind of ['2', '2.0'] as const) {
  test(`class ${kind}: a fax of two pages`, { skip: noSocat, timeout: 30_000 }, async t => {
    const { result, fax, bench } = await take(t, { classes: [kind] }, { pages, farId: '+1 212 555 0000', callerId: '2125550000' });
    assert.deepEqual(result, { answered: true, verdicts: [1, 1], ended: 'hangup 0' }, bench.journal());
    assert.equal(fax?.call.modem, 'ttyF0');
    assert.equal(fax.call.callerId, '2125550000');
    assert.equal(fax.end?.complete, true);
    assert.equal(fax.end.senderId, '+1 212 555 0000');
    assert.equal(fax.pages.length, 2);
    for (const [index, bitmap] of pages.entries()) {
      const page: ArrivedPage = fax.pages[index]!;
      assert.deepEqual([page.rows, page.badRows, page.verdict, page.whole, page.resolution], [bitmap.length / FAX_ROW_OCTETS, 0, 'confirmed', true, 'fine']);
      assert.ok(decodePage(page.coded).bitmap.equals(bitmap));
    }
  });

  test(`class ${kind}: answers in pieces, page data split anywhere`, { skip: noSocat, timeout: 60_000 }, async t => {
    const small = drawnPage(60, 7);
    const { fax, bench } = await take(t, { classes: [kind], cutOctets: 3 }, { pages: [small] });
    assert.equal(fax?.end?.complete, true, bench.journal());
    assert.ok(decodePage(fax.pages[0]!.coded).bitmap.equals(small));
  });
}

test('a page is kept before its sender hears that it is good', { skip: noSocat, timeout: 30_000 }, async t => {
  const steps: string[] = [];
  const arrivals: FaxArrivals = {
    open: () => Promise.resolve({
      async page() {
        steps.push('page begins');
        await new Promise(next => setTimeout(next, 50));
        steps.push('page kept');
        return 'kept';
      },
      end: () => Promise.resolve(),
    }),
  };
  await take(t, { classes: ['2'], at: step => {
    if (step.kind === 'command' && step.text === '+FDR') steps.push('AT+FDR');
    return undefined;
  } }, { pages }, arrivals);
  assert.deepEqual(steps, ['AT+FDR', 'page begins', 'page kept', 'AT+FDR', 'page begins', 'page kept', 'AT+FDR']);
});

test('a disk that is full confirms nothing', { skip: noSocat, timeout: 30_000 }, async t => {
  const full: FaxArrivals = { open: () => Promise.resolve({ page: () => Promise.resolve('full'), end: () => Promise.resolve() }) };
  const { result } = await take(t, { classes: ['2'] }, { pages }, full);
  assert.deepEqual(result.verdicts, []);
  assert.notEqual(result.ended, 'hangup 0');
});

test('no room at all: the telephone rings on', { skip: noSocat, timeout: 30_000 }, async t => {
  const { result } = await take(t, { classes: ['2'] }, { pages, rings: 4 }, { open: () => Promise.resolve(null) });
  assert.equal(result.answered, false);
});

test('octets the other way round are turned', { skip: noSocat, timeout: 30_000 }, async t => {
  // A class 2 modem that keeps to the draft instead of to Rockwell.
  const { turned } = await import('../../../hardware/fax-simulator/octet-order.ts');
  const { fax } = await take(t, { classes: ['2'] }, { pages: [], coded: [turned(encodePage(pages[0]!))] });
  assert.ok(decodePage(fax!.pages[0]!.coded).bitmap.equals(pages[0]!));
});

test('a few broken rows are mended, and counted', { skip: noSocat, timeout: 30_000 }, async t => {
  const coded = encodePage(pages[0]!);
  for (const at of [1000, 2000, 3000]) coded[at]! ^= 0x18;
  const { fax, result } = await take(t, { classes: ['2'] }, { pages: [], coded: [coded] });
  const [page] = fax!.pages;
  assert.ok(page!.badRows > 0 && page!.badRows < 8, `${page!.badRows} bad rows`);
  assert.equal(page!.verdict, 'confirmed');
  assert.equal(decodePage(page!.coded).badRows, 0, 'kept rows are whole');
  assert.deepEqual(result.verdicts, [1]);
});

test('a page nobody can read is refused twice, then taken as it is', { skip: noSocat, timeout: 30_000 }, async t => {
  const coded = encodePage(pages[0]!);
  for (let at = 20; at < coded.length; at += 40) coded[at]! ^= 0x3c;
  const { fax, result, bench } = await take(t, { classes: ['2'] }, { pages: [], coded: [coded] });
  assert.deepEqual(result.verdicts, [2, 2, 1], bench.journal());
  assert.deepEqual(fax!.pages.map(({ verdict }) => verdict), ['refused', 'refused', 'confirmed']);
  assert.equal(fax!.end!.complete, true);
});

test('+FHNG in the middle of the second page: both are kept, the fax is partial', { skip: noSocat, timeout: 30_000 }, async t => {
  for (const kind of ['2', '2.0'] as const) {
    const { fax, bench } = await take(t, { classes: [kind], at: step => (step.kind === 'arriving' && step.page === 2 && step.octets > 1000 ? { kind: 'hangup', code: 91 } : undefined) }, { pages });
    assert.equal(fax?.end?.complete, false, bench.journal());
    assert.equal(fax.end.hangup, 91);
    assert.equal(fax.pages.length, 2);
    assert.equal(fax.pages[1]!.verdict, 'refused');
    assert.ok(fax.pages[1]!.rows < 200 && fax.pages[1]!.rows > 0);
  }
});

test('silence and unplugging in a page end it, too', { skip: noSocat, timeout: 60_000 }, async t => {
  for (const mishap of [{ kind: 'silence' }, { kind: 'unplug' }] as const) {
    const watch = createWatch();
    const bench = await openModemBench(t, { classes: ['2'], at: step => (step.kind === 'arriving' && step.page === 2 && step.octets > 1000 ? mishap : undefined) });
    const kept = rememberArrivals(watch.happened);
    await untilListening(bench.openLine({ answerAfterRings: 1 }, { listen: createListening({ clock: bench.clock, kernels, log: silent, arrivals: kept }) }));
    void bench.modem.ring({ pages });
    await watch.until(20_000, `the fax to be kept after ${mishap.kind}`, () => kept.faxes[0]?.end !== undefined);
    assert.equal(kept.faxes[0]!.end!.complete, false);
    // What was in the cable when it was pulled is nobody's.
    assert.ok(kept.faxes[0]!.pages.length === 2 || mishap.kind === 'unplug');
    assert.ok(decodePage(kept.faxes[0]!.pages[0]!.coded).bitmap.equals(pages[0]!));
  }
});

test('a data call is no fax, and the next call is taken again', { skip: noSocat, timeout: 30_000 }, async t => {
  const watch = createWatch();
  const bench = await openModemBench(t, { classes: ['2'] });
  const kept = rememberArrivals(watch.happened);
  await untilListening(bench.openLine({ answerAfterRings: 1 }, { listen: createListening({ clock: bench.clock, kernels, log: silent, arrivals: kept }) }));
  const data = await within(20_000, 'the data call', bench.modem.ring({ kind: 'data', pages: [] }));
  assert.equal(data.ended, 'data');
  await watch.until(20_000, 'the end of the data call', () => kept.faxes[0]?.end !== undefined);
  assert.equal(kept.faxes[0]!.pages.length, 0);
  const fax = await within(20_000, 'the fax', bench.modem.ring({ pages: [pages[1]!], rings: 30 }));
  assert.deepEqual(fax.verdicts, [1], bench.journal());
});

test('stopping in the middle of a call lets it come to its end', { skip: noSocat, timeout: 30_000 }, async t => {
  const watch = createWatch();
  let stopping: Promise<void> | undefined;
  let stop = () => undefined as void;
  const bench = await openModemBench(t, { classes: ['2'], lineBits: 64_000, at: step => {
    if (step.kind === 'arriving' && step.page === 1 && step.octets > 1000) stop();
    return undefined;
  } }, { times: 10 });
  const kept = rememberArrivals(watch.happened);
  const line = bench.openLine({ answerAfterRings: 1 }, { listen: createListening({ clock: bench.clock, kernels, log: silent, arrivals: kept }) });
  await untilListening(line);
  stop = () => { stopping ??= line.close(); };
  const result = await within(20_000, 'the call', bench.modem.ring({ pages: [pages[0]!] }));
  assert.deepEqual(result, { answered: true, verdicts: [1], ended: 'hangup 0' }, bench.journal());
  await stopping;
  assert.equal(kept.faxes[0]?.end?.complete, true);
});

test('pulled out while it listens, put back, and called', { skip: noSocat, timeout: 30_000 }, async t => {
  const watch = createWatch();
  const bench = await openModemBench(t, {});
  const kept = rememberArrivals(watch.happened);
  const line = bench.openLine({ answerAfterRings: 1 }, { listen: createListening({ clock: bench.clock, kernels, log: silent, arrivals: kept }) });
  await untilListening(line);
  await bench.modem.unplug();
  for (let waited = 0; line.modems[0]?.trouble?.kind !== 'absent'; waited++) {
    assert.ok(waited < 500, 'nobody notices');
    await new Promise(next => setTimeout(next, 10));
  }
  await bench.modem.plug();
  await untilListening(line);
  assert.equal((await within(20_000, 'the call', bench.modem.ring({ pages: [pages[1]!] }))).ended, 'hangup 0');
});

test('while it rings nothing is dialled', { skip: noSocat, timeout: 30_000 }, async t => {
  const watch = createWatch();
  const bench = await openModemBench(t, {});
  const kept = rememberArrivals(watch.happened);
  const line = bench.openLine({ answerAfterRings: 3 }, { listen: createListening({ clock: bench.clock, kernels, log: silent, arrivals: kept }) });
  await untilListening(line);
  const ringing = bench.modem.ring({ pages: [pages[1]!] });
  for (let waited = 0; line.modems[0]?.state !== 'receiving'; waited++) {
    assert.ok(waited < 500, 'it does not hear the bell');
    await new Promise(next => setTimeout(next, 5));
  }
  const sending = line.send(callTo('5551234', [pageOf(pages[0]!)]), never);
  assert.equal((await within(20_000, 'the call', ringing)).ended, 'hangup 0');
  assert.deepEqual((await sending).end, { kind: 'sent' });
});

test('between two calls in, one out: the modem listens, sends, and listens again', { skip: noSocat, timeout: 30_000 }, async t => {
  const watch = createWatch();
  const bench = await openModemBench(t, {});
  const kept = rememberArrivals(watch.happened);
  const line = bench.openLine({ answerAfterRings: 1 }, { listen: createListening({ clock: bench.clock, kernels, log: silent, arrivals: kept }) });
  await untilListening(line);
  assert.equal((await within(20_000, 'the first call', bench.modem.ring({ pages: [pages[1]!] }))).ended, 'hangup 0');
  const report = await line.send(callTo('5551234', [pageOf(pages[0]!)]), never);
  assert.deepEqual(report.end, { kind: 'sent' }, bench.journal());
  await untilListening(line);
  assert.equal((await within(20_000, 'the second call', bench.modem.ring({ pages: [pages[1]!] }))).ended, 'hangup 0');
});
