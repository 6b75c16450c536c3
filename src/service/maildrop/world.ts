/** What the interpreter asks of the world. Texts are octets, one a character; an answer at hand costs no promise. */
import type { Awaitable } from '../../core/intake.ts';
import type { Line } from '../../grammar/maildrop/search-text.ts';

export type Variables = ReadonlyMap<string, string>;

export interface World {
  /** The message as it is now; another after xfilter. */
  message(): View;
  /** `|program`, `!addresses`, a Maildir or an mbox file. Written to the delivery log, if one is open. */
  deliver(mailbox: string, variables: Variables): Awaitable<Delivery>;
  /** Through the shell: the message on its standard input, or nothing; its output here, or onwards. */
  run(command: string, how: 'substitute' | 'system', variables: Variables): Awaitable<Ran>;
  /** The message becomes what the command makes of it. */
  filter(command: string, variables: Variables): Awaitable<Ran>;
  /** Null: it cannot be read. */
  readText(path: string): Awaitable<string | null>;
  echo(text: string): Awaitable<void>;
  openLog(path: string): Awaitable<boolean>;
  log(text: string): Awaitable<void>;
  /** Null: it cannot be had. */
  lock(how: 'dotlock' | 'flock', path: string, variables: Variables): Awaitable<Lock | null>;
  /** Null: it cannot be opened. */
  openMap(path: string, mode: MapMode): Awaitable<TextMap | null>;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Said by the interpreter as it goes, for people; shown when VERBOSE is at least `level`. */
  trace(level: number, text: string): void;
  /** Said in any case: what is wrong with a recipe. */
  complain(text: string): void;
  /** Asked now and then, so that others get their turn; rejects when time is up. */
  breathe(): Promise<void>;
}

export interface View {
  readonly sizeOctets: number;
  readonly lines: number;
  /** Raw values of the top header's fields of these names (lower case), in order, unfolded. */
  fields(names: ReadonlySet<string>): readonly string[];
  /** Searchable lines in batches; null behind the last. `header`: only lines of headers are wanted. */
  batch(index: number, wanted: 'top' | 'header' | 'all'): Awaitable<readonly Line[] | null>;
}

export type Delivery =
  | { readonly kind: 'stored' }
  | { readonly kind: 'ran'; readonly code: number }
  | { readonly kind: 'refused'; readonly why: string };

export type Ran =
  | { readonly kind: 'ran'; readonly code: number; readonly output: string }
  | { readonly kind: 'refused'; readonly why: string };

export interface Lock {
  release(): Promise<void>;
}

export type MapMode = 'R' | 'W' | 'C' | 'N';

export interface TextMap {
  fetch(key: string): string | undefined;
  /** Whether it was opened for writing. */
  store(key: string, value: string): boolean;
  close(): Promise<void>;
}
