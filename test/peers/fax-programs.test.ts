/** sendfax, mgetty and efax as Debian has them, against the simulated modem: pages come out as they went in. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openFaxSimulator, type FaxSimulator } from '../../hardware/fax-simulator/simulator.ts';
import { decodePage, encodePage } from '../../hardware/fax-simulator/t4.ts';
import type { FaxScript } from '../../hardware/fax-simulator/script.ts';
import { FAX_ROW_OCTETS } from '../../src/core/fax.ts';
import { createSystemClock } from '../../src/kit/system-clock.ts';
import { runProgram, type Ran } from '../../src/kit/run-program.ts';
import { drawnPage } from '../props/fax-pages.ts';
import { scratchFor } from '../props/scratch.ts';

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
