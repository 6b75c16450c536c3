/**
 * Loads the WASM module. The only file that knows @assemblyscript/loader and where the builds lie.
 * The module's memory is a fixed arena (initial = maximum), so a view of it stays valid for ever.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { instantiateSync } from '@assemblyscript/loader';

/** Node's own; its types come with the DOM library, of which nothing else is wanted here. */
declare const WebAssembly: { validate(octets: Uint8Array): boolean };

export type Build = 'simd' | 'relaxed' | 'scalar';

/** assembly/abi.ts, as the host sees it. `abi` is its number: a module built from another border is refused. */
export const ARENA = {
  abi: 0x67ef915,
  input: 0x12000,
  inputOctets: 0x10000,
  output: 0x22c00,
} as const;

export interface Module<Exports> {
  readonly build: Build;
  readonly exports: Exports;
  readonly memory: Buffer;
  readonly view: DataView;
}

// Two modules of one function each: i32x4 splat and extract_lane, and i8x16.relaxed_swizzle.
const SIMD_PROBE = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
];
const RELAXED_PROBE = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15,
  253, 128, 2, 11,
];

/** The fastest build this machine can run. */
export function detectBuild(): Build {
  if (!WebAssembly.validate(new Uint8Array(SIMD_PROBE))) return 'scalar';
  return WebAssembly.validate(new Uint8Array(RELAXED_PROBE)) ? 'relaxed' : 'simd';
}

export function openModule<Exports>(build: Build = detectBuild(), file: URL = wasmFile(build)): Module<Exports> {
  const { exports, memory } = instantiate(file);
  return { build, exports: exports as Exports, memory: Buffer.from(memory), view: new DataView(memory) };
}

/** A module left over from other sources would write where nobody reads: it ends here, with a word on what to do. */
function instantiate(file: URL): { readonly exports: unknown; readonly memory: ArrayBuffer } {
  const useless = (why: string): Error => new Error(`${fileURLToPath(file)} ${why}; \`make build\` makes it anew`);
  let exports: Record<string, unknown> & { readonly memory?: { readonly buffer: ArrayBuffer } };
  try {
    exports = instantiateSync<Record<string, unknown>>(readFileSync(file), {}).exports;
  } catch (cause) {
    throw useless(`cannot be loaded (${cause instanceof Error ? cause.message : String(cause)})`);
  }
  const { abi, memory } = exports;
  const number: unknown = typeof abi === 'function' ? abi() : undefined;
  if (number !== ARENA.abi || memory === undefined) {
    throw useless(`was built from other sources: its ABI is ${typeof number === 'number' ? hex(number) : 'unnumbered'}, wanted is ${hex(ARENA.abi)}`);
  }
  return { exports, memory: memory.buffer };
}

function hex(number: number): string {
  return `0x${number.toString(16)}`;
}

/** Beside the build: build/wasm, seen from here when run as TypeScript and from build/src when compiled. */
function wasmFile(build: Build): URL {
  const here = import.meta.url;
  return new URL(here.endsWith('.ts') ? `../../../build/wasm/${build}.wasm` : `../../../wasm/${build}.wasm`, here);
}
