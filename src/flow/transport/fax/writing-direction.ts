/**
 * The order of glyphs on the page (UAX 9), for lines that have letters from right to left. The only file that knows
 * bidi-js. What is said of Arabic joining is the font's business; here it is only about order.
 */

/** Its own types do not say that the module is a factory. */
interface Bidi {
  getEmbeddingLevels(text: string, base: 'ltr' | 'rtl'): { readonly levels: Uint8Array };
  getMirroredCharacter(character: string): string | null;
}
type OpenBidi = () => Bidi;

export interface Stretch {
  /** In logical order; where it runs leftward, brackets are mirrored already. */
  readonly text: string;
  readonly leftward: boolean;
}

export interface WritingDirection {
  /** The line's stretches from left to right on the page. */
  arrange(line: string, base: 'ltr' | 'rtl'): readonly Stretch[];
  /** Of a paragraph: its first letter with a direction decides. */
  baseOf(paragraph: string): 'ltr' | 'rtl';
}

const RIGHT_TO_LEFT = /[\u0590-\u08ff\u200f\u202b\u202e\u2067\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** Loaded with the first text that is drawn. */
export async function createWritingDirection(): Promise<WritingDirection> {
  const bidi = ((await import('bidi-js')) as unknown as { readonly default: OpenBidi }).default();
  return {
    baseOf(paragraph) {
      if (!RIGHT_TO_LEFT.test(paragraph)) return 'ltr';
      const first = /[\p{L}]/u.exec(paragraph)?.[0] ?? '';
      return RIGHT_TO_LEFT.test(first) ? 'rtl' : 'ltr';
    },
    arrange(line, base) {
      if (base === 'ltr' && !RIGHT_TO_LEFT.test(line)) return [{ text: line, leftward: false }];
      const { levels } = bidi.getEmbeddingLevels(line, base);
      return inVisualOrder(runsOf(line, levels)).map(({ text, level }) => ({
        leftward: (level & 1) === 1,
        text: (level & 1) === 1 ? Array.from(text, one => bidi.getMirroredCharacter(one) ?? one).join('') : text,
      }));
    },
  };
}

interface Run {
  text: string;
  readonly level: number;
}

function runsOf(line: string, levels: Uint8Array): Run[] {
  const runs: Run[] = [];
  let at = 0;
  for (const character of line) {
    const level = levels[at] ?? 0;
    const last = runs.at(-1);
    if (last !== undefined && last.level === level) last.text += character;
    else runs.push({ text: character, level });
    at += character.length;
  }
  return runs;
}

/** UAX 9, rule L2. */
function inVisualOrder(runs: Run[]): readonly Run[] {
  const highest = Math.max(0, ...runs.map(({ level }) => level));
  for (let level = highest; level >= 1; level--) {
    for (let from = 0; from < runs.length; from++) {
      if ((runs[from] as Run).level < level) continue;
      let to = from;
      while (to < runs.length && (runs[to] as Run).level >= level) to++;
      runs.splice(from, to - from, ...runs.slice(from, to).toReversed());
      from = to;
    }
  }
  return runs;
}
