/** Compiled patterns, kept for the next message: recipes ask for the same ones again. */
import { compilePattern, type CompiledPattern } from '../../grammar/maildrop/pattern/pattern.ts';
import { decodeUtf8 } from '../../grammar/maildrop/encoded-words.ts';

export interface Patterns {
  /** `text` is octets of UTF-8. */
  compile(text: string, caseSensitive: boolean): CompiledPattern;
}

const MOST_KEPT = 500;
/** Longer ones are compiled again. */
const LONGEST_KEPT = 2000;

export function createPatterns(): Patterns {
  const kept = [new Map<string, CompiledPattern>(), new Map<string, CompiledPattern>()] as const;
  return {
    compile(text, caseSensitive) {
      const known = kept[caseSensitive ? 0 : 1];
      const found = known.get(text);
      if (found !== undefined) return found;
      const decoded = decodeUtf8(text);
      const compiled: CompiledPattern = decoded === null ? { kind: 'wrong', what: 'it is not UTF-8' } : compilePattern(decoded, caseSensitive);
      if (text.length > LONGEST_KEPT) return compiled;
      // The oldest goes; patterns with variables in them come once.
      if (known.size >= MOST_KEPT) known.delete(known.keys().next().value ?? '');
      known.set(text, compiled);
      return compiled;
    },
  };
}
