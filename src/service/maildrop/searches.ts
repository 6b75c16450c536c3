/** Patterns against the message and against texts: hits, scores, MATCH. */
import type { PatternText } from '../../grammar/maildrop/ast.ts';
import { decodeUtf8, encodeUtf8 } from '../../grammar/maildrop/encoded-words.ts';
import { expand } from '../../grammar/maildrop/literal.ts';
import { formatNumber, truth } from '../../grammar/maildrop/numbers.ts';
import type { Search } from '../../grammar/maildrop/pattern/pattern.ts';
import type { Line } from '../../grammar/maildrop/search-text.ts';
import { Trouble, wait, type Frame, type Interpretation, type Turn } from './turn.ts';

const MOST_MATCHES = 100_000;

export class Searches {
  readonly #interpretation: Interpretation;

  constructor(interpretation: Interpretation) {
    this.#interpretation = interpretation;
  }

  /** Null: the pattern is none; it was said, and it is found nowhere. */
  #patternOf(pattern: PatternText, frame: Frame): ((text: string, from?: number) => Search) | null {
    const text = expand(pattern.pieces, this.#interpretation.variables);
    const compiled = this.#interpretation.options.patterns.compile(text, pattern.options.caseSensitive);
    if (compiled.kind === 'wrong') {
      this.#interpretation.options.world.complain(`${frame.file}:${pattern.line}:${pattern.column}: /${text}/ is no pattern: ${compiled.what}`);
      return null;
    }
    return (subject, from) => {
      const found = compiled.pattern.search(subject, from);
      if (found.kind === 'costly') this.#interpretation.options.world.complain(`${frame.file}:${pattern.line}:${pattern.column}: /${text}/ takes too long on a line of ${subject.length} characters and was given up`);
      return found;
    };
  }

  searchText(subject: string, pattern: PatternText, frame: Frame): string {
    const search = this.#patternOf(pattern, frame);
    const text = decodeUtf8(subject);
    if (search === null || text === null) return '0';
    const { weight } = pattern.options;
    if (weight === undefined) {
      const found = search(text);
      this.keep(found);
      return truth(found.kind === 'found');
    }
    const score = scorer(weight);
    for (const _ of everyMatch(search, text)) score.add();
    return score.value();
  }

  *searchMessage(pattern: PatternText, frame: Frame): Turn<string> {
    const search = this.#patternOf(pattern, frame);
    if (search === null) return '0';
    const { weight } = pattern.options;
    const score = weight === undefined ? null : scorer(weight);
    const view = this.#interpretation.options.world.message();
    for (let index = 0, lines = yield* wait(view.batch(0, wantedBy(pattern))); lines !== null; lines = yield* wait(view.batch(++index, wantedBy(pattern)))) {
      for (const line of lines) {
        if (!isWanted(line, pattern)) continue;
        const found = search(line.text);
        if (found.kind !== 'found') continue;
        if (score === null) {
          this.keep(found);
          return '1';
        }
        score.add();
      }
      yield* this.#interpretation.step(lines.length >> 4);
    }
    return score?.value() ?? '0';
  }

  *matchesInMessage(pattern: PatternText, frame: Frame): Turn<readonly Search[]> {
    const search = this.#patternOf(pattern, frame);
    const matches: Search[] = [];
    if (search === null) return matches;
    const view = this.#interpretation.options.world.message();
    for (let index = 0, lines = yield* wait(view.batch(0, wantedBy(pattern))); lines !== null; lines = yield* wait(view.batch(++index, wantedBy(pattern)))) {
      for (const line of lines) {
        if (!isWanted(line, pattern)) continue;
        const found = search(line.text);
        if (found.kind === 'found') matches.push(found);
      }
      if (matches.length > MOST_MATCHES) throw new Trouble(`More than ${MOST_MATCHES} matches for one foreach.`);
      yield* this.#interpretation.step(lines.length >> 4);
    }
    return matches;
  }

  matchesIn(subject: string, pattern: PatternText, frame: Frame): readonly Search[] {
    const search = this.#patternOf(pattern, frame);
    const text = decodeUtf8(subject);
    if (search === null || text === null) return [];
    const matches: Search[] = [];
    for (const found of everyMatch(search, text)) {
      matches.push(found);
      if (matches.length > MOST_MATCHES) throw new Trouble(`More than ${MOST_MATCHES} matches for one foreach.`);
    }
    return matches;
  }

  /** MATCH, and MATCH1… for the groups; what an earlier match left in higher numbers stays. */
  keep(found: Search): void {
    if (found.kind !== 'found') return;
    found.groups.forEach((group, index) => this.#interpretation.set(index === 0 ? 'MATCH' : `MATCH${index}`, encodeUtf8(group ?? '')));
  }
}

function wantedBy({ options }: PatternText): 'top' | 'header' | 'all' {
  return options.body ? 'all' : options.header === 'top' ? 'top' : 'header';
}

function isWanted({ where }: Line, { options }: PatternText): boolean {
  if (where === 'body') return options.body;
  return options.header === 'all' || (options.header === 'top' && where === 'top');
}

function* everyMatch(search: (text: string, from?: number) => Search, text: string): Generator<Search> {
  for (let from = 0; from <= text.length;) {
    const found = search(text, from);
    if (found.kind !== 'found') return;
    yield found;
    // An empty match is found once, not for ever.
    from = found.end > found.start ? found.end : found.end + 1;
  }
}

function scorer({ first, factor }: { readonly first: number; readonly factor: number }): { add(): void; value(): string } {
  let sum = 0;
  let next = first;
  return {
    add() {
      sum += next;
      next *= factor;
    },
    value: () => formatNumber(sum),
  };
}
