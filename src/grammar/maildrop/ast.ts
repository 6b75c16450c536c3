/** What the parser makes of a recipe. Texts are octets, one a character. */

/** Where it stands: line and column, both counted from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export type Statement = Place & (
  | { readonly kind: 'evaluate'; readonly value: Expression }
  | { readonly kind: 'to' | 'cc' | 'echo' | 'log' | 'logfile' | 'include' | 'xfilter' | 'system' | 'import' | 'unset'; readonly value: Expression }
  | { readonly kind: 'exit' }
  | { readonly kind: 'if'; readonly test: Expression; readonly body: Block; readonly otherwise: Block }
  | { readonly kind: 'while'; readonly test: Expression; readonly body: Block }
  /** Over the message when there is no subject. */
  | { readonly kind: 'foreach'; readonly subject?: Expression; readonly pattern: PatternText; readonly body: Block }
  | { readonly kind: 'dotlock' | 'flock'; readonly path: Expression; readonly body: Block }
  | { readonly kind: 'exception'; readonly body: Block }
  | { readonly kind: 'block'; readonly body: Block }
);
export type Block = readonly Statement[];

export type Expression = Place & (
  | { readonly kind: 'text'; readonly pieces: readonly Piece[] }
  | { readonly kind: 'command'; readonly pieces: readonly Piece[] }
  | { readonly kind: 'join'; readonly parts: readonly Expression[] }
  | { readonly kind: 'assign'; readonly name: Expression; readonly value: Expression }
  | { readonly kind: 'either' | 'both'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'binary'; readonly operator: BinaryOperator; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'not' | 'complement'; readonly value: Expression }
  /** Against the message when there is no subject. */
  | { readonly kind: 'match'; readonly subject?: Expression; readonly pattern: PatternText }
  | { readonly kind: 'call'; readonly name: FunctionName; readonly parameters: readonly Expression[] }
);

/** Literal text, or the variable whose value stands there. */
export type Piece = string | { readonly variable: string };

export type BinaryOperator = '<' | '<=' | '>' | '>=' | '==' | '!=' | 'lt' | 'le' | 'gt' | 'ge' | 'eq' | 'ne' | '|' | '&' | '+' | '-' | '*' | '/';

export interface PatternText extends Place {
  readonly pieces: readonly Piece[];
  /** As written behind the colon. */
  readonly options: PatternOptions;
}

export interface PatternOptions {
  /** Where to look: header fields of all parts, those of the message alone (`H`), text bodies. */
  readonly header: 'all' | 'top' | 'none';
  readonly body: boolean;
  readonly caseSensitive: boolean;
  /** x + x·y + x·y² + …, a term for each line that matches. */
  readonly weight?: { readonly first: number; readonly factor: number };
}

/** Fewest and most parameters. `bare`: one that needs no parentheses, or none at all. */
export const functions = {
  length: { least: 1, most: 1, bare: true },
  substr: { least: 2, most: 3, bare: false },
  tolower: { least: 1, most: 1, bare: true },
  toupper: { least: 1, most: 1, bare: true },
  escape: { least: 1, most: 1, bare: true },
  getaddr: { least: 1, most: 1, bare: true },
  hasaddr: { least: 1, most: 1, bare: true },
  lookup: { least: 2, most: 3, bare: false },
  time: { least: 0, most: 0, bare: true },
  gdbmopen: { least: 1, most: 2, bare: false },
  gdbmfetch: { least: 1, most: 3, bare: false },
  gdbmstore: { least: 2, most: 2, bare: false },
  gdbmclose: { least: 0, most: 0, bare: true },
} as const;
export type FunctionName = keyof typeof functions;
