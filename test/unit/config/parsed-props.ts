/** Shared by the grammar tests: what is right or wrong with a text, in one line. */
import type { Parsed } from '../../../src/grammar/config/parsed.ts';

export function valueOf<T>(parsed: Parsed<T>): T {
  if (parsed.kind === 'wrong') throw new Error(parsed.problems.map(({ line, what }) => `${line}: ${what}`).join('\n'));
  return parsed.value;
}

/** The lines complained about. */
export function linesOf(parsed: Parsed<unknown>): readonly number[] {
  return parsed.kind === 'read' ? [] : parsed.problems.map(({ line }) => line);
}
