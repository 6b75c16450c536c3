/** The word that somebody may have meant: at most two letters differ, or what he typed is how just one of them begins. */
export function nearestWord(typed: string, words: readonly string[]): string | null {
  const begun = words.filter(word => typed.length >= 2 && word.startsWith(typed));
  if (begun.length === 1) return begun[0] ?? null;
  const near = words.map(word => ({ word, far: distance(typed.toLowerCase(), word) })).filter(({ word, far }) => far <= Math.min(2, word.length - 2));
  return near.toSorted((a, b) => a.far - b.far)[0]?.word ?? null;
}

/** Letters to put in, take out, change or swap with the next. */
function distance(one: string, other: string): number {
  let before: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const same = one[i - 1] === other[j - 1];
      let least = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]) least = Math.min(least, before[j - 2]! + 1);
      next.push(least);
    }
    before = row;
    row = next;
  }
  return row[other.length]!;
}
