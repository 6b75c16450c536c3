/**
 * The WASM kernels beside what else could do their work, in one run: ratios against the goals of the design, a table,
 * JSON in results/ and the picture docs/kernels.svg.
 *
 *   node bench/kernels.ts [--quick] [--build simd|relaxed|scalar]
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Bench } from 'tinybench';
import xxhash from 'xxhash-wasm';
import type { Codec } from '../src/core/kernels.ts';
import { openConversion } from '../src/grammar/mime/convert.ts';
import { openKernels } from '../src/kit/wasm/kernels.ts';
import { makers, random } from './kernel-inputs.ts';
import type { InputName } from './kernel-inputs.ts';
import { barsSvg } from './plot.ts';

const require = createRequire(import.meta.url);
const libqp = require('libqp') as { encode(octets: Buffer): string; wrap(text: string): string; decode(text: string): Buffer };
const libbase64 = require('libbase64') as { encode(octets: Buffer): string; wrap(text: string): string };

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, build: { type: 'string' } } });
const kernels = openKernels(values.build === undefined ? {} : { build: values.build as 'simd' | 'relaxed' | 'scalar' });
const hasher = await xxhash();
const CHUNK = 64 * 1024;
/** What a stream hands libqp at a time: its strings stay in the cache, and it is up to four times as fast as with a whole message. */
const PIECE = 256 * 1024;

const sizes = values.quick ? { '64 KB': 64 * 1024, '10 MB': 10_000_000 } : { '1 KB': 1024, '64 KB': 64 * 1024, '10 MB': 10_000_000 };
const inputs = new Map<string, Buffer>();
function input(name: InputName, octets: number): Buffer {
  const key = `${name} ${octets}`;
  const found = inputs.get(key) ?? makers[name](octets);
  inputs.set(key, found);
  return found;
}

// ——— running ———

/** GB/s of input octets of each task, the tasks taking turns; the best of the rounds, for a neighbour only ever slows one down. */
async function race(octets: number, tasks: Readonly<Record<string, { readonly run: () => void; readonly octets?: number }>>): Promise<Record<string, number>> {
  const bench = new Bench({ time: values.quick ? 60 : 200, warmupTime: 20, warmupIterations: 1, iterations: 3 });
  for (const [name, { run }] of Object.entries(tasks)) bench.add(name, run);
  await bench.run();
  return Object.fromEntries(bench.tasks.map(task => {
    const { result } = task;
    if (result.state !== 'completed') throw new Error(`${task.name}: ${result.state === 'errored' ? String(result.error) : result.state}`);
    return [task.name, (tasks[task.name]?.octets ?? octets) / (result.latency.min / 1000) / 1e9];
  }));
}

function inChunks(octets: Buffer, feed: (chunk: Buffer) => void): void {
  for (let at = 0; at < octets.length; at += CHUNK) feed(octets.subarray(at, at + CHUNK));
}

const arena = Buffer.alloc(4 * CHUNK);
const outside = Buffer.alloc(CHUNK);
const reused = Buffer.alloc(4 * CHUNK);
const ceiling = (octets: Buffer) => ({ run: () => inChunks(octets, chunk => { chunk.copy(arena); arena.copy(outside, 0, 0, chunk.length); }) });

/** Copies out into one buffer again and again, as the ceiling does. */
function codec(octets: Buffer, open: () => Codec) {
  return { run: () => {
    const one = open();
    inChunks(octets, chunk => { one.feed(chunk, reused); });
    one.finish();
  } };
}

interface Goal {
  readonly against: string;
  readonly times: number;
}
interface Row {
  readonly kernel: string;
  readonly input: string;
  readonly size: string;
  readonly gbs: Readonly<Record<string, number>>;
  readonly goals: readonly Goal[];
}
const rows: Row[] = [];
const US = 'posthorn';
const COPY = 'copy in + out';

async function ask(kernel: string, name: InputName, size: string, octets: Buffer, tasks: Parameters<typeof race>[1], goals: readonly Goal[] = []): Promise<void> {
  process.stderr.write(`${kernel}, ${name}, ${size}\n`);
  rows.push({ kernel, input: name, size, gbs: await race(octets.length, tasks), goals: size === '10 MB' ? goals : [] });
}

/** The facts that the kernel finds, the end of the header aside. */
function scanLoop(octets: Buffer): object {
  let [eightBit, nul, bareCr, bareLf, longest, start, previous] = [false, false, false, false, 0, 0, 0];
  for (let at = 0; at < octets.length; at++) {
    const octet = octets[at] as number;
    if (octet > 127) eightBit = true;
    else if (octet === 0) nul = true;
    if (octet === 10) {
      if (previous !== 13) bareLf = true;
      if (at - start > longest) longest = at - start;
      start = at + 1;
    } else if (previous === 13) bareCr = true;
    previous = octet;
  }
  return { eightBit, nul, bareCr: bareCr || previous === 13, bareLf, longest: Math.max(longest, octets.length - start) };
}

function stuffByIndexOf(octets: Buffer): Buffer {
  const out = Buffer.allocUnsafe(octets.length + Math.ceil(octets.length / 2));
  let [from, to] = [0, 0];
  for (let at = octets.indexOf('\r\n.'); at >= 0; at = octets.indexOf('\r\n.', at + 2)) {
    to += octets.copy(out, to, from, at + 2);
    out[to++] = 0x2e;
    from = at + 2;
  }
  to += octets.copy(out, to, from);
  return out.subarray(0, to);
}

for (const [size, n] of Object.entries(sizes)) {
  for (const name of ['ASCII', 'binary'] as const) {
    // As mail has it: a header, or its end would be searched for in all the rest.
    const octets = Buffer.concat([Buffer.from('Subject: a message\r\n\r\n'), input(name, n)]).subarray(0, n);
    await ask('scan', name, size, octets, {
      [US]: { run: () => { const survey = kernels.openSurvey(); inChunks(octets, chunk => survey.feed(chunk)); survey.facts(); } },
      'JS loop': { run: () => void scanLoop(octets) }, [COPY]: ceiling(octets),
    }, [{ against: 'JS loop', times: 20 }]);
  }
  for (const name of ['ASCII', '5 % foreign', '30 % foreign', 'CJK'] as const) {
    const octets = input(name, n);
    const piece = octets.subarray(0, PIECE);
    const ascii = name === 'ASCII';
    await ask('quoted-printable encode', name, size, octets, {
      [US]: codec(octets, () => kernels.openQuotedPrintable()), [COPY]: ceiling(octets),
      libqp: { run: () => void libqp.wrap(libqp.encode(octets)) },
      'libqp, 256 KB at a time': { run: () => void libqp.wrap(libqp.encode(piece)), octets: piece.length },
    }, [{ against: 'libqp', times: ascii ? 150 : 80 }, { against: COPY, times: ascii ? 0.2 : 0.06 }]);
    if (name === 'CJK') continue;
    const coded = Buffer.concat([(() => { const one = kernels.openQuotedPrintable(); return Buffer.concat([one.feed(octets), one.finish()]); })()]);
    const [codedText, codedPiece] = [coded.toString('latin1'), coded.subarray(0, PIECE).toString('latin1')];
    await ask('quoted-printable decode', name, size, coded, {
      [US]: codec(coded, () => kernels.openQuotedPrintableDecoder()), [COPY]: ceiling(coded),
      libqp: { run: () => void libqp.decode(codedText) },
      'libqp, 256 KB at a time': { run: () => void libqp.decode(codedPiece), octets: codedPiece.length },
    }, [{ against: 'libqp', times: 15 }]);
  }
  const binary = input('binary', n);
  await ask('base64 encode, 76 + CRLF', 'binary', size, binary, {
    [US]: codec(binary, () => kernels.openBase64()),
    'toString + JS wrap': { run: () => void binary.toString('base64').replace(/.{76}/g, '$&\r\n') },
    libbase64: { run: () => void libbase64.wrap(libbase64.encode(binary)) },
    'native, no line ends': { run: () => void Buffer.from(binary.toString('base64'), 'latin1') },
    'the same, left as a string': { run: () => void binary.toString('base64') }, [COPY]: ceiling(binary),
  }, [{ against: 'toString + JS wrap', times: 5 }, { against: 'libbase64', times: 5 }, { against: 'native, no line ends', times: 1 }]);
  const lined = Buffer.from(libbase64.wrap(libbase64.encode(binary)));
  await ask('base64 decode', 'binary', size, lined, {
    [US]: codec(lined, () => kernels.openBase64Decoder()),
    'native from latin1': { run: () => void Buffer.from(lined.toString('latin1'), 'base64') }, [COPY]: ceiling(lined),
  }, [{ against: 'native from latin1', times: 0.9 }]);
  const plain = input('ASCII', n);
  const dotted = Buffer.from(plain.toString('latin1').replaceAll(/\r\n(?=.)/g, () => (random(20) === 0 ? '\r\n.' : '\r\n')), 'latin1');
  for (const [what, octets, times] of [['dot-stuff, plain', plain, 1.3], ['dot-stuff, 5 % dotted', dotted, 2]] as const) {
    await ask(what, 'ASCII', size, octets, {
      [US]: codec(octets, () => kernels.openStuffing()), 'indexOf + copy': { run: () => void stuffByIndexOf(octets) }, [COPY]: ceiling(octets),
    }, [{ against: 'indexOf + copy', times }, { against: COPY, times: 0.55 }]);
  }
  const wire = Buffer.concat([dotted.subarray(0, dotted.length - 2), Buffer.from('\r\n.\r\n')]);
  await ask('reception: end, unstuff, scan, digest', 'ASCII', size, wire, {
    [US]: { run: () => { const one = kernels.openReception(); inChunks(wire, chunk => { one.feed(chunk, 0); }); one.close(); } }, [COPY]: ceiling(wire),
  });
  const bare = Buffer.from(plain.toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
  for (const [what, octets, times] of [['CRLF normalise, clean', plain, 0.5], ['CRLF normalise, bare LF', bare, 0.25]] as const) {
    await ask(what, 'ASCII', size, octets, {
      [US]: codec(octets, () => kernels.openNormaliser()), [COPY]: ceiling(octets),
      'JS replace': { run: () => void Buffer.from(octets.toString('latin1').replaceAll(/\r?\n/g, '\r\n'), 'latin1') },
    }, [{ against: COPY, times }]);
  }
  await ask('XXH3-64 and -128', 'binary', size, binary, {
    [US]: { run: () => { const one = kernels.openHash(); inChunks(binary, chunk => one.feed(chunk)); one.finish(); } },
    'xxhash-wasm (XXH64)': { run: () => void hasher.h64Raw(binary) },
  }, [{ against: 'xxhash-wasm (XXH64)', times: 1.2 }]);
}

// ——— whole messages, beside Courier's own converter ———

function message(): Buffer {
  const body = input('5 % foreign', 10_000_000);
  return Buffer.concat([Buffer.from('From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n'), body]);
}
const whole = message();
process.stderr.write('whole message\n');
const wholeRate = (await race(whole.length, { [US]: { run: () => {
  const conversion = openConversion({ to: '7bit', kernels });
  inChunks(whole, chunk => { conversion.feed(chunk); });
  conversion.finish();
} } }))[US] ?? 0;
const started = process.hrtime.bigint();
const reformime = spawnSync('reformime', ['-r7'], { input: whole, maxBuffer: 1e9 });
const theirs = reformime.error === undefined ? whole.length / Number(process.hrtime.bigint() - started) : null;
rows.push({ kernel: 'whole message to 7bit', input: '5 % foreign', size: '10 MB', gbs: { [US]: wholeRate, ...(theirs === null ? {} : { 'reformime -r7': theirs }) }, goals: theirs === null ? [] : [{ against: 'reformime -r7', times: 5 }] });
if (theirs === null) process.stderr.write('without reformime (Debian package maildrop)\n');

// ——— telling ———

const opened = Array.from({ length: 21 }, () => {
  const from = process.hrtime.bigint();
  openKernels({ build: kernels.build });
  return Number(process.hrtime.bigint() - from) / 1e6;
}).toSorted((a, b) => a - b);
const moduleOctets = statSync(join(import.meta.dirname, `../build/wasm/${kernels.build}.wasm`)).size;

let missed = 0;
console.log(`\nWASM build ${kernels.build}; GB/s of input, best of the rounds\n`);
for (const { kernel, input: name, size, gbs, goals } of rows) {
  const others = Object.entries(gbs).filter(([who]) => who !== US).map(([who, value]) => `${who} ${value.toPrecision(2)}`).join(', ');
  const ours = gbs[US] ?? 0;
  const judged = goals.map(({ against, times }) => {
    const ratio = ours / (gbs[against] ?? Number.NaN);
    if (ratio < times) missed++;
    return `${ratio < times ? 'MISSED' : 'holds'} ${ratio.toPrecision(2)}× ${against} (goal ${times}×)`;
  });
  console.log(`${kernel.padEnd(38)} ${name.padEnd(13)} ${size.padEnd(6)} ${ours.toPrecision(3).padStart(6)}   ${others}${judged.length === 0 ? '' : `\n${' '.repeat(60)}${judged.join('; ')}`}`);
}
console.log(`\nmodule ${(moduleOctets / 1024).toFixed(1)} KB (goal 40), read, compiled and instantiated in ${opened[10]?.toFixed(2)} ms (goal 1)`);
console.log(`\n${rows.reduce((n, row) => n + row.goals.length, 0)} goals, ${missed} missed`);
const results = join(import.meta.dirname, 'results');
mkdirSync(results, { recursive: true });
writeFileSync(join(results, 'kernels.json'), `${JSON.stringify({ build: kernels.build, node: process.version, rows }, null, 1)}\n`);
const large = rows.filter(row => row.size === '10 MB');
writeFileSync(join(import.meta.dirname, '../docs/kernels.svg'), barsSvg(large.map(row => ({
  title: `${row.kernel}, ${row.input}`, unit: 'GB/s', bars: Object.entries(row.gbs).map(([name, value]) => ({ name, value })),
}))));
