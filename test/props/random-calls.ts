/**
 * Calls of the kernels in any order, with any octets and any length: nothing may trap, no result may pass its window,
 * and no static table may change. A trap throws by itself (WebAssembly.RuntimeError).
 */
import assert from 'node:assert/strict';
import type { Exports } from '../../src/kit/wasm/exports.ts';
import { ARENA, openModule } from '../../src/kit/wasm/module.ts';
import type { Build } from '../../src/kit/wasm/module.ts';
import { randomOctets, seeded } from './random-octets.ts';

const SAMPLE_OCTETS = 1 << 18;
/** Up to the fax decoder's tables. */
const OUTPUT_OCTETS = 0x69000 - ARENA.output;
/** Static data, and the tables that a first use builds. */
const TABLES = [[0, 0x10000], [0x69000, 0x79000], [0x7d000, 0x80000]] as const;
type Result = number | bigint | void;
const WIDTHS = [8, 64, 1728, 2048, 2432];

export function callAtRandom(build: Build, calls: number, seed: number): void {
  const { exports, memory } = openModule<Exports>(build);
  const random = seeded(seed);
  const samples = [randomOctets(random, SAMPLE_OCTETS), Buffer.from(Uint8Array.from({ length: SAMPLE_OCTETS }, () => random(256)))];
  let width = 1728;
  const flag = (): number => random(2);
  const length = (): number => lengthOf(random);
  const resets: readonly (() => Result)[] = [
    () => exports.receptionReset(), () => exports.contentReset(), () => exports.stuffingReset(), () => exports.normaliseReset(),
    () => exports.digestReset(BigInt(random(3)) * 0x9e37_79b9_7f4a_7c15n), () => exports.qpEncodeReset(flag()),
    () => exports.qpDecodeReset(), () => exports.base64EncodeReset(), () => exports.base64DecodeReset(),
    () => exports.faxWireReset(random(4)),
    () => {
      width = WIDTHS[random(WIDTHS.length)] ?? 8;
      exports.faxEncodeReset(width, random(4));
      exports.faxDecodeReset(width, random(4));
    },
  ];
  /** A number is how many octets of the output window a call says it wrote, or a count that is smaller. */
  const feeds: readonly (() => Result)[] = [
    () => exports.receptionFeed(length()), () => exports.contentFeed(length()), () => exports.scanOnly(length()),
    () => exports.stuffingFeed(length()), () => exports.normalise(length()), () => exports.digestFeed(length()),
    () => exports.escapeCount(length()),
    () => exports.qpEncode(length(), flag()), () => exports.qpDecode(length(), flag()),
    () => exports.base64Encode(length(), flag()), () => exports.base64Decode(length()), () => exports.faxWire(length()),
    () => exports.faxEncode(random(1 + Math.floor(0x4000 / (width / 8))) % 40 * (width / 8)),
    () => exports.faxDecode(random(3000), random(3000)),
  ];
  const finishes: readonly (() => Result)[] = [
    () => exports.receptionFinish(), () => exports.contentFinish(), () => exports.stuffingFinish(),
    () => exports.normaliseFinish(), () => exports.digest64(), () => exports.digest128(),
    () => exports.base64DecodeFinish(), () => exports.faxEncodeFinish(), () => exports.faxDecodeFinish(),
  ];
  for (const reset of resets) reset();
  exports.faxEncode(0);
  const tables = TABLES.map(([from, end]) => Buffer.from(memory.subarray(from, end)));
  const kinds = [resets, feeds, feeds, feeds, feeds, finishes];
  for (let call = 0; call < calls; call++) {
    if (call % 16 === 0) {
      const at = random(SAMPLE_OCTETS - 3000);
      memory.set(samples[random(2)]!.subarray(at, at + 3000), ARENA.input);
    }
    const kind = kinds[random(kinds.length)] ?? feeds;
    const wrote = kind[random(kind.length)]!();
    if (typeof wrote === 'number' && (wrote < -1 || wrote > OUTPUT_OCTETS)) assert.fail(`${build}, seed ${seed}, call ${call}: ${wrote} octets`);
  }
  for (const [n, [from, end]] of TABLES.entries()) assert.ok(tables[n]!.equals(memory.subarray(from, end)), `${build}, seed ${seed}: a table was written over`);
}

/** Short as a rule, now and then a whole window, more than that, or less than nothing. */
function lengthOf(random: (below: number) => number): number {
  const kind = random(2000);
  if (kind === 0) return ARENA.inputOctets;
  if (kind === 1) return [-1, -0x8000_0000, 0x7fff_ffff, ARENA.inputOctets + 1][random(4)] ?? 0;
  return kind < 200 ? random(3000) : random(130);
}
