/** What becomes of a part that is to be drawn. */

export type Converted =
  | { readonly kind: 'drawn'; readonly pages: number }
  /** The part's own fault: for good. */
  | { readonly kind: 'unfit'; readonly why: string }
  /** Ours: a program is missing, the disk is full, we are stopping. */
  | { readonly kind: 'trouble'; readonly why: string; readonly cause?: unknown };

export interface Limits {
  /** Of one part: processor time and memory. */
  readonly timeMs: number;
  readonly memoryOctets: number;
  /** Of one message. */
  readonly pages: number;
  /** Of one picture. */
  readonly pixels: number;
}

export function unfit(why: string): Converted {
  return { kind: 'unfit', why };
}

export function trouble(why: string, cause?: unknown): Converted {
  return cause === undefined ? { kind: 'trouble', why } : { kind: 'trouble', why, cause };
}
