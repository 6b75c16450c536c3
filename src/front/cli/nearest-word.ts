import { nearestName, slips } from '../../grammar/config/nearest-name.ts';

/** The word that somebody may have meant: he typed how it begins, as no other does, or slipped no more than twice. */
export function nearestWord(typed: string, words: readonly string[]): string | null {
  const begun = words.filter(word => typed.length >= 2 && word.startsWith(typed));
  if (begun.length === 1) return begun[0] ?? null;
  const near = nearestName(typed, words);
  return near !== undefined && slips(typed.toLowerCase(), near) <= Math.min(2, Math.floor(typed.length / 2)) ? near : null;
}
