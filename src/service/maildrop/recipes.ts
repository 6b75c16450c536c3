/** Parsed recipes, kept by their text: an account's recipe is read for each message and changes seldom. */
import { parseRecipe, type ParsedRecipe } from '../../grammar/maildrop/parser.ts';

export interface Recipes {
  parse(text: string): ParsedRecipe;
}

const MOST_KEPT = 64;
const LONGEST_KEPT = 256 * 1024;

export function createRecipes(): Recipes {
  const kept = new Map<string, ParsedRecipe>();
  return {
    parse(text) {
      const found = kept.get(text);
      if (found !== undefined) return found;
      const parsed = parseRecipe(text);
      if (text.length > LONGEST_KEPT) return parsed;
      if (kept.size >= MOST_KEPT) kept.delete(kept.keys().next().value ?? '');
      kept.set(text, parsed);
      return parsed;
    },
  };
}
