/**
 * Each kernel alone, without the copying around it: cycles for 16 octets. A window of 64 KB takes some microseconds, so
 * that the best of its rounds is the same on a busy machine; the sum of all windows is told. `bench/kernels.ts` is the
 * judge; this says where the time goes, and what stays when neighbours are loud.
 *
 *   node bench/kernel-windows.ts [--build simd|relaxed|scalar] [--ghz 3.66]
 */
import { parseArgs } from 'node:util';
import type { Exports } from '../src/kit/wasm/exports.ts';
import { ARENA, detectBuild, openModule } from '../src/kit/wasm/module.ts';
import type { Build } from '../src/kit/wasm/module.ts';
import { makers } from './kernel-inputs.ts';

const ROUNDS = 12;
const OCTETS = 4_000_000;
const WINDOW = ARENA.inputOctets;

const { values } = parseArgs({ options: { build: { type: 'string' }, ghz: { type: 'string', default: '3.66' } } });
const { exports, memory, build } = openModule<Exports>((values.build as Build | undefined) ?? detectBuild());
const GHZ = Number(values.ghz);
const outside = Buffer.alloc(4 * WINDOW);

/** `feed` gives how many octets are in the output window; none: the kernel only looks. */
function measure(name: string, octets: Buffer, reset: () => void, feed: (octets: number) => number): void {
  const windows = Math.floor(octets.length / WINDOW);
  const best = [new Float64Array(windows).fill(Infinity), new Float64Array(windows).fill(Infinity), new Float64Array(windows).fill(Infinity)] as const;
  for (let round = 0; round < ROUNDS; round++) {
    reset();
    for (let n = 0; n < windows; n++) {
      const chunk = octets.subarray(n * WINDOW, (n + 1) * WINDOW);
      const from = performance.now();
      memory.set(chunk, ARENA.input);
      const copiedIn = performance.now();
      const made = feed(WINDOW);
      const done = performance.now();
      if (made > 0) outside.set(memory.subarray(ARENA.output, ARENA.output + made));
      const copiedOut = performance.now();
      for (const [part, took] of [copiedIn - from, done - copiedIn, copiedOut - done].entries()) best[part]![n] = Math.min(best[part]![n]!, took);
    }
  }
  const [copyIn, kernel, copyOut] = best.map(times => (times.reduce((sum, time) => sum + time, 0) * 1e6 * GHZ) / (windows * (WINDOW / 16))) as [number, number, number];
  const gbs = (16 * GHZ) / (copyIn + kernel + copyOut);
  console.log(`${name.padEnd(38)} ${kernel.toFixed(1).padStart(5)}  ${copyIn.toFixed(1).padStart(4)} ${copyOut.toFixed(1).padStart(4)}  ${gbs.toFixed(1).padStart(5)}`);
}

console.log(`WASM build ${build}; cycles for 16 octets at ${GHZ} GHz, GB/s with both copies\n\n${''.padEnd(38)} kernel in  out    GB/s`);
const ascii = makers.ASCII(OCTETS);
const headed = (body: Buffer): Buffer => Buffer.concat([Buffer.from('Subject: a message\r\n\r\n'), body]);
for (const name of ['ASCII', 'binary'] as const) {
  measure(`scan, ${name}`, headed(makers[name](OCTETS)), () => exports.contentReset(), octets => {
    exports.scanOnly(octets);
    return 0;
  });
}
for (const name of ['ASCII', '5 % foreign', '30 % foreign', 'CJK'] as const) {
  measure(`quoted-printable encode, ${name}`, makers[name](OCTETS), () => exports.qpEncodeReset(0), octets => exports.qpEncode(octets, 0));
}
measure('base64 encode', makers.binary(OCTETS), () => exports.base64EncodeReset(), octets => exports.base64Encode(octets, 0));
measure('dot-stuff, plain', ascii, () => exports.stuffingReset(), octets => exports.stuffingFeed(octets));
measure('dot-stuff, a dot every twelfth line', Buffer.from(ascii.toString('latin1').replaceAll(/\r\n[a-c]/g, '\r\n.'), 'latin1'), () => exports.stuffingReset(), octets => exports.stuffingFeed(octets));
measure('CRLF normalise, bare LF', Buffer.from(ascii.toString('latin1').replaceAll('\r\n', '\n'), 'latin1'), () => exports.normaliseReset(), octets => exports.normalise(octets));
measure('copy in and out', ascii, () => undefined, octets => octets);
