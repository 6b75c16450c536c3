/** A pattern to search texts with; never for longer than texts deserve. */
import { createMachine, runMachine, type Machine } from './machine.ts';
import { createNative, type Native } from './native.ts';
import { parsePattern } from './syntax.ts';

export interface Pattern {
  search(text: string, from?: number): Search;
}

export type Search =
  /** `groups[0]` is the whole match. */
  | { readonly kind: 'found'; readonly start: number; readonly end: number; readonly groups: readonly (string | undefined)[] }
  | { readonly kind: 'none' }
  /** Given up: nobody knows whether it is in there. */
  | { readonly kind: 'costly' };

export type CompiledPattern = { readonly kind: 'pattern'; readonly pattern: Pattern } | { readonly kind: 'wrong'; readonly what: string };

/** A longer program is built again for each search: whoever keeps many patterns keeps no large ones. */
const KEPT_STEPS = 1000;
const NONE: Search = { kind: 'none' };
/** Characters that fold to ASCII letters, where the two engines see classes differently. */
const FOLDS_TO_ASCII = /[\u017f\u212a]/;

/** `engine` is for the tests that compare the two. */
export function compilePattern(text: string, caseSensitive: boolean, engine: 'best' | 'machine' = 'best'): CompiledPattern {
  const parsed = parsePattern(text, caseSensitive);
  if (parsed.kind === 'wrong') return { kind: 'wrong', what: `${parsed.what}, at character ${parsed.at + 1}` };
  const native = engine === 'machine' ? null : createNative(parsed.tree);
  let machine: Machine | null = null;
  const slow = (): Machine | null => {
    const built = machine ?? createMachine(parsed.tree, parsed.groups, parsed.hasBack);
    if (built !== null && built.steps.length <= KEPT_STEPS) machine = built;
    return built;
  };
  // The machine is built when it is needed; without another engine it must be known now that it can be.
  if (native === null && slow() === null) return { kind: 'wrong', what: 'the pattern is too large' };
  return {
    kind: 'pattern',
    pattern: {
      search(text, from = 0) {
        if (native !== null && native.affords(text.length) && !FOLDS_TO_ASCII.test(text)) return searchNative(native, text, from);
        const program = slow();
        return program === null ? { kind: 'costly' } : searchMachine(program, text, from);
      },
    },
  };
}

function searchNative({ expression }: Native, text: string, from: number): Search {
  expression.lastIndex = from;
  const found = expression.exec(text);
  return found === null ? NONE : { kind: 'found', start: found.index, end: expression.lastIndex, groups: [...found] };
}

function searchMachine(machine: Machine, text: string, from: number): Search {
  const ran = runMachine(machine, text, from);
  if (ran.kind !== 'found') return ran;
  const [start = 0, end = 0, ...rest] = ran.offsets;
  const groups: (string | undefined)[] = [text.slice(start, end)];
  for (let at = 0; at < rest.length; at += 2) groups.push(rest[at]! < 0 || rest[at + 1]! < 0 ? undefined : text.slice(rest[at], rest[at + 1]));
  return { kind: 'found', start, end, groups };
}
