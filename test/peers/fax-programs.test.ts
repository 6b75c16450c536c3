/** sendfax, mgetty and efax as Debian has them, against the simulated modem: pages come out as they went in. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openFaxSimulator, type FaxSimulator } from '../../hardware/fax-simulator/simulator.ts';
import { decodePage, encodePage } from '../../hardware/fax-simulator/t4.ts';
import type { FaxScript } from '../../hardware/fax-simulator/script.ts';
import { FAX_ROW_OCTETS } from '../../src/core/fax.ts';
import { createSystemClock } from '../../src/kit/system-clock.ts';
import { runProgram, type Ran } from '../../src/kit/run-program.ts';
import { silent } from '../../src/core/log.ts';
import { openFaxLine } from '../../hardware/fax-line.ts';
import { kernels } from '../props/fax-modem.ts';
import { drawnPage, pageOf } from '../props/fax-pages.ts';
import { scratchFor } from '../props/scratch.ts';
import { eventually } from '../props/within.ts';

function peer(name: string): string | null {
  const found = spawnSync('/bin/sh', ['-c', `PATH="$PATH:/usr/sbin:/sbin" command -v ${name}`], { encoding: 'utf8' });
  return found.status === 0 ? found.stdout.trim() : null;
}

const socat = peer('socat');
const missing = (name: string) => (peer(name) === null ? `${name} is not here` : socat === null ? 'socat is not here' : false);

interface Bench {
  readonly folder: string;
  readonly modem: FaxSimulator;
  run(program: string, args: readonly string[], timeoutMs: number): Promise<Ran>;
}

async function bench(t: TestContext, name: string, script: FaxScript = {}): Promise<Bench> {
  const folder = scratchFor(t, name);
  const modem = await openFaxSimulator({ path: join(folder, 'ttyF0'), clock: createSystemClock(), script });
  t.after(() => modem.close());
  return { folder, modem, run: (program, args, timeoutMs) => runProgram(peer(program)!, args, { signal: new AbortController().signal, timeoutMs }) };
}

const pages = [drawnPage(300, 1), drawnPage(420, 2)];

function writePages(folder: string): readonly string[] {
  mkdirSync(join(folder, 'pages'));
  return pages.map((bitmap, index) => {
    const path = join(folder, 'pages', `page${index + 1}.g3`);
    writeFileSync(path, encodePage(bitmap));
    return path;
  });
}

for (const kind of ['2', '2.0'] as const) {
  test(`sendfax sends two pages in class ${kind}`, { skip: missing('sendfax'), timeout: 60_000 }, async t => {
    const { folder, modem, run } = await bench(t, 'sendfax', { classes: [kind] });
    const ran = await run('sendfax', ['-v', '-l', modem.device, '-C', kind === '2' ? 'cls2' : 'c2.0', '5551234', ...writePages(folder)], 50_000);
    assert.equal(ran.kind === 'exited' ? ran.code : ran.kind, 0, ran.kind === 'exited' ? ran.stdout + ran.stderr : '');
    const [call] = modem.calls;
    assert.equal(call?.number, '5551234');
    assert.equal(call.ended, 'hangup 0');
    assert.equal(call.pages.length, 2);
    for (const [index, bitmap] of pages.entries()) assert.ok(decodePage(call.pages[index]!.coded).bitmap.equals(bitmap), `page ${index + 1}`);
  });
}

test('efax sends two pages', { skip: missing('efax'), timeout: 60_000 }, async t => {
  // A page in less than a second makes it divide by nothing; a pseudo-terminal has up to 12 KiB under way when it is told to stop.
  const { folder, modem, run } = await bench(t, 'efax', { classes: ['2'], lineBits: 64_000, bufferOctets: 32_768 });
  const ran = await run('efax', ['-d', modem.path, '-o2', '-h', '', '-v', 'chewmainrxtf', '-t', '5551234', ...writePages(folder)], 50_000);
  assert.equal(ran.kind === 'exited' ? ran.code : ran.kind, 0, ran.kind === 'exited' ? ran.stdout + ran.stderr : '');
  const [call] = modem.calls;
  assert.equal(call?.pages.length, 2);
  for (const [index, bitmap] of pages.entries()) {
    const found = decodePage(call.pages[index]!.coded);
    // It puts twenty rows of its own above each page.
    assert.ok(found.bitmap.subarray(20 * FAX_ROW_OCTETS).equals(bitmap), `page ${index + 1}: ${found.rows} rows, ${found.badRows} bad`);
  }
});

for (const kind of ['2', '2.0'] as const) {
  test(`our driver around sendfax, class ${kind}: sent, and a page that is refused for ever`, { skip: missing('sendfax'), timeout: 60_000 }, async t => {
    const { modem } = await bench(t, 'sendfax-driver', { classes: [kind], verdict: ({ call, page }) => (call === 2 && page === 2 ? 2 : 1) });
    const line = openFaxLine('fax', [{
      name: 'ttyF0', device: modem.device, driver: 'sendfax', baud: 38_400, fax: kind, flow: 'software', init: [], dial: 'DT', stationId: '+49 30 555', lockFolder: '/var/lock', answerAfterRings: 0,
    }], { clock: createSystemClock(), kernels, log: silent, sendfax: peer('sendfax')! });
    t.after(() => line.close());
    const call = { number: '5551234', stationId: '+49 30 555', pages: pages.map(bitmap => pageOf(bitmap)) };
    const report = await line.send(call, new AbortController().signal);
    assert.deepEqual([report.end, report.pagesConfirmed, report.modem], [{ kind: 'sent' }, 2, 'ttyF0'], report.said);
    for (const [index, bitmap] of pages.entries()) assert.ok(decodePage(modem.calls[0]!.pages[index]!.coded).bitmap.equals(bitmap));
    assert.equal(modem.calls[0]!.stationId.trim(), '+49 30 555');
    const refused = await line.send(call, new AbortController().signal);
    assert.deepEqual([refused.end, refused.pagesConfirmed], [{ kind: 'hangup', code: 50 }, 1], refused.said);
  });
}

for (const kind of ['2', '2.0'] as const) {
  test(`mgetty takes a fax of two pages in class ${kind}`, { skip: missing('mgetty'), timeout: 60_000 }, async t => {
    const spool = '/var/spool/fax/incoming';
    const before = new Set(readdirSync(spool));
    const { modem, folder } = await bench(t, 'mgetty', { classes: [kind] });
    // The last letters of the device stand in the names: another run on this machine has another.
    const line = `${modem.device.replaceAll('/', '').slice(-2)}-`;
    const ours = (name: string): boolean => !before.has(name) && name.slice(9).startsWith(line);
    const mgetty = spawn(peer('mgetty')!, ['-x', '4', '-F', '-n', '1', '-s', '38400', '-C', kind === '2' ? 'cls2' : 'c2.0', modem.device.replace('/dev/', '')], { cwd: folder, stdio: 'ignore' });
    const ended = new Promise(done => mgetty.once('exit', done));
    t.after(async () => {
      mgetty.kill();
      await ended;
      for (const name of readdirSync(spool)) if (ours(name)) rmSync(join(spool, name));
    });
    // It sets the modem up in its own time; until then nobody is there, and the telephone rings on.
    const result = await modem.ring({ pages, rings: 8, farId: '+49 89 1234' });
    assert.deepEqual(result, { answered: true, verdicts: [1, 1], ended: 'hangup 0' });
    const kept = () => readdirSync(spool).filter(ours).toSorted();
    await eventually(10_000, 'the pages in the spool', () => kept().length === 2);
    for (const [index, name] of kept().entries()) {
      assert.match(name, /^ff.*-49-89-1234\.0[12]$/);
      assert.ok(decodePage(readFileSync(join(spool, name))).bitmap.equals(pages[index]!), name);
    }
  });
}

test('efax takes a fax of two pages', { skip: missing('efax'), timeout: 60_000 }, async t => {
  const { folder, modem, run } = await bench(t, 'efax-in', { classes: ['2'] });
  const efax = run('efax', ['-d', modem.path, '-o2', '-w', '-iS0=1', '-r', join(folder, 'fax')], 50_000);
  const result = await modem.ring({ pages, rings: 8, farId: '+49 89 1234' });
  assert.deepEqual(result, { answered: true, verdicts: [1, 1], ended: 'hangup 0' });
  const ran = await efax;
  assert.equal(ran.kind === 'exited' ? ran.code : ran.kind, 0, ran.kind === 'exited' ? ran.stderr : '');
  for (const [index, bitmap] of pages.entries()) {
    // A TIFF with the T.4 octets behind its head.
    const octets = readFileSync(join(folder, `fax.00${index + 1}`));
    const { bitmap: found } = decodePage(octets.subarray(octets.readUInt32LE(4) > 8 ? 8 : 0));
    assert.ok(found.includes(bitmap), `page ${index + 1}`);
  }
});

test('mgetty waits on the line, and we send', { skip: missing('mgetty'), timeout: 90_000 }, async t => {
  const said: string[] = [];
  const { modem, folder } = await bench(t, 'mgetty-shared', { classes: ['2'], at: step => {
    if (step.kind === 'command') said.push(step.text);
    return undefined;
  } });
  const mgetty = spawn(peer('mgetty')!, ['-x', '4', '-F', '-n', '1', '-s', '38400', '-C', 'cls2', modem.device.replace('/dev/', '')], { cwd: folder, stdio: 'ignore' });
  const ended = new Promise(done => mgetty.once('exit', done));
  t.after(async () => {
    mgetty.kill();
    await ended;
  });
  await eventually(20_000, 'mgetty to have set the modem up', () => said.some(text => text.startsWith('+FDCC=')));
  const clock = createSystemClock();
  const line = openFaxLine('fax', [{
    name: 'ttyF0', device: modem.device, driver: 'native', baud: 38_400, fax: '2', flow: 'software', init: [], dial: 'DT', stationId: '+49 30 555', lockFolder: '/var/lock', answerAfterRings: 0,
  }], { clock, kernels, log: silent });
  t.after(() => line.close());
  const report = await line.send({ number: '5551234', stationId: '+49 30 555', pages: [pageOf(drawnPage(60, 1))] }, new AbortController().signal);
  assert.deepEqual(report.end, { kind: 'sent' }, report.said);
  assert.ok(decodePage(modem.calls[0]!.pages[0]!.coded).bitmap.equals(drawnPage(60, 1)));
});
