/** What the parts of the interpreter share: turns that may wait, the options, the two ways to end early. */
import type { Expression } from '../../grammar/maildrop/ast.ts';
import type { Patterns } from './patterns.ts';
import type { Recipes } from './recipes.ts';
import type { TextMap, World } from './world.ts';

export type Turn<T> = Generator<Promise<unknown>, T, unknown>;

export interface InterpreterOptions {
  readonly world: World;
  readonly variables: Map<string, string>;
  /** The environment as it was given, for `import`. */
  readonly original: Readonly<Record<string, string | undefined>>;
  /** What does more than look and answer is refused. */
  readonly embedded: boolean;
  /** Recipes below this folder are the operator's: nothing is refused there. */
  readonly trusted: string;
  /** Set again when such a recipe is entered. */
  readonly initial: ReadonlyMap<string, string>;
  readonly patterns: Patterns;
  readonly recipes: Recipes;
}

/** One recipe file under way. */
export interface Frame {
  readonly file: string;
  readonly restricted: boolean;
  map: TextMap | null;
}

/** The interpreter, as its functions and searches need it. */
export interface Interpretation {
  readonly options: InterpreterOptions;
  readonly variables: ReadonlyMap<string, string>;
  value(expression: Expression, frame: Frame): Turn<string>;
  set(name: string, value: string): void;
  /** Counts work done; now and then it lets others have their turn. */
  step(weight: number): Turn<void>;
}

/** The exit code that asks for another attempt. */
export const TRY_LATER = 75;

/** Ends the recipe, unless an `exception` stands around it. Never leaves the interpreter. */
export class Trouble extends Error {
  readonly code: number;
  constructor(why: string, code = TRY_LATER) {
    super(why);
    this.code = code;
  }
}

/** Time is up: nothing traps that. */
export class Overtime extends Error {}

/** What a World's answer costs: nothing when it is at hand. */
export function* wait<T>(answer: T | Promise<T>): Turn<T> {
  return answer instanceof Promise ? ((yield answer) as T) : answer;
}
