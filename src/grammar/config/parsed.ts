/** What every parser of the configuration languages answers: a value, or everything that is wrong with the text. */
export type Parsed<T> = { readonly kind: 'read'; readonly value: T } | Wrong;

export interface Wrong {
  readonly kind: 'wrong';
  readonly problems: readonly Problem[];
}

export interface Problem {
  /** Counted from 1. */
  readonly line: number;
  readonly what: string;
  /** An example that would be accepted in its place. */
  readonly right: string;
}

export function read<T>(value: T): Parsed<T> {
  return { kind: 'read', value };
}

export function wrong(what: string, right: string, line = 1): Wrong {
  return { kind: 'wrong', problems: [{ line, what, right }] };
}

/** The value when nothing was wrong, else all the problems. */
export function settle<T>(value: T, problems: readonly Problem[]): Parsed<T> {
  return problems.length === 0 ? read(value) : { kind: 'wrong', problems };
}

/** The value, its problems noted as those of `line` when there are some. */
export function noting<T>(parsed: Parsed<T>, line: number, problems: Problem[]): T | undefined {
  if (parsed.kind === 'read') return parsed.value;
  // One by one: a file with a hundred thousand wrong lines is more than a call has room for arguments.
  for (const problem of parsed.problems) problems.push({ ...problem, line: problem.line + line - 1 });
  return undefined;
}

/** Foreign text inside a message of ours: on one line, and not endless. */
export function shown(text: string): string {
  const clean = text.replace(/[\p{C}\u2028\u2029]/gu, '?');
  return `'${clean.length > 60 ? `${clean.slice(0, 57)}...` : clean}'`;
}
