/**
 * Mutated input for parsers that strangers reach. A parser survives when it throws nothing, no input keeps it longer than
 * the bound, and what it read leaves nothing behind. test/hostile has the inputs that once did harm, or well could: each
 * is given as it stands, and is a seed for what is made of it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createLuck, type Luck } from './luck.ts';

export interface Subject {
  readonly name: string;
  readonly seeds: readonly string[];
  /** Octets are Latin-1 characters, as a wire has them. Throws where a promise is broken. */
  read(input: string): void;
}

export interface Survival {
  readonly inputs: number;
  readonly slowestMs: number;
  readonly grownOctets: number;
}

/** A pure parser that needs so long has found input that makes it need longer yet. */
export const BOUND_MS = 50;
/** What a run of any length may leave: compiled code and caches. */
const GROWTH_OCTETS = 8 * 1024 * 1024;
const LONGEST_OCTETS = 16 * 1024;
const SHORT_OCTETS = 500;
const WARM_UP = 2_000;

export function survive(subject: Subject, inputs: number, seed: number): Survival {
  const luck = createLuck(seed);
  const seeds = [...subject.seeds, ...readHostile(subject.name)];
  let slowestMs = 0;
  let before = 0;
  let at = 0;
  function give(input: string): void {
    const began = performance.now();
    try {
      subject.read(input);
    } catch (cause) {
      throw new Error(`${subject.name}, seed ${seed}, input ${at}: ${shown(input)}`, { cause });
    }
    const ms = performance.now() - began;
    if (ms > BOUND_MS) slowestMs = Math.max(slowestMs, leastOf(subject, input));
    if (slowestMs > BOUND_MS) throw new Error(`${subject.name}, seed ${seed}, input ${at} takes ${Math.round(slowestMs)} ms: ${shown(input)}`);
  }
  for (const input of seeds) give(input);
  for (; at < inputs; at++) {
    if (at === Math.min(WARM_UP, inputs >> 1)) before = heapOctets();
    give(mutated(luck, seeds));
  }
  const grownOctets = heapOctets() - before;
  if (grownOctets > GROWTH_OCTETS) throw new Error(`${subject.name}, seed ${seed}: ${inputs} inputs left ${grownOctets} octets behind`);
  return { inputs, slowestMs, grownOctets };
}

/** On a busy machine anything may be late once; what is slow of itself is slow every time. */
function leastOf(subject: Subject, input: string): number {
  let least = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < 5; turn++) {
    const began = process.cpuUsage();
    subject.read(input);
    const { user, system } = process.cpuUsage(began);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}

export function readHostile(name: string): readonly string[] {
  const folder = join(import.meta.dirname, '../hostile', name);
  return readdirSync(folder).toSorted().map(file => readFileSync(join(folder, file), 'latin1'));
}

const SPICE = [
  '\0', '\r', '\n', '\r\n', '\r\n ', '\t', ' ', '"', '\\', '\\"', '<', '>', '@', ':', ';', ',', '.', '..', '(', ')', '((', '[', ']', '%', '!', '+', '=', '==', '--',
  '/', '*', '~', '\u007f', '\u00c3', '\u00c3\u00a4', '\u00e2\u0080\u00a8', '\u00f0\u009f\u0098\u0080', '\u00ff', '\u00ef\u00bf\u00bd', '\u00ed\u00a0\u0080', 'xn--', 'xn--a', '[IPv6:', '[::1]', '::', '=?utf-8?Q?', '?=', '\\x{', '+41',
  'boundary="', 'multipart/mixed', 'message/rfc822', '9'.repeat(25), '-1', '1e9', '__proto__', 'constructor',
];

/** A seed, or two spliced, with a few things done to it. */
function mutated(luck: Luck, seeds: readonly string[]): string {
  let text = oneOf(luck, seeds);
  // Long ones take their time, so few of them are long.
  if (text.length > SHORT_OCTETS && luck.between(0, 15) > 0) text = text.slice(0, luck.between(1, SHORT_OCTETS));
  for (let times = luck.between(1, 4); times > 0; times--) text = changed(luck, text, seeds);
  return text.slice(0, LONGEST_OCTETS);
}

function changed(luck: Luck, text: string, seeds: readonly string[]): string {
  const at = luck.between(0, text.length);
  const end = Math.min(text.length, at + luck.between(0, 12));
  switch (luck.between(0, 7)) {
    case 0:
      return text.slice(0, at) + oneOf(luck, SPICE) + text.slice(at);
    case 1:
      return text.slice(0, at) + String.fromCharCode(luck.between(0, 255)) + text.slice(at + 1);
    case 2:
      return text.slice(0, at) + text.slice(end);
    case 3:
      return text.slice(0, end) + text.slice(at);
    case 4: { // what grows faster than its input shows itself in repetition
      const piece = luck.between(0, 1) === 0 ? oneOf(luck, SPICE) : text.slice(at, end);
      return text.slice(0, at) + piece.repeat(luck.between(2, luck.between(0, 9) === 0 ? 2000 : 20)) + text.slice(at);
    }
    case 5:
      return text.slice(0, at) + oneOf(luck, seeds).slice(luck.between(0, 30));
    case 6:
      return text.slice(0, at);
    default:
      return text.slice(0, at) + text.slice(at, end).replaceAll(/[a-z]/g, letter => letter.toUpperCase()) + text.slice(end);
  }
}

function oneOf(luck: Luck, list: readonly string[]): string {
  return list[luck.between(0, list.length - 1)] as string;
}

function shown(input: string): string {
  return `${input.length} octets, base64 ${Buffer.from(input.slice(0, 3000), 'latin1').toString('base64')}`;
}

function heapOctets(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
