/** What is looked at with a browser. Plain data both ways: whoever makes pages never holds a socket. */
import type { Awaitable } from './intake.ts';

export interface Pages {
  /** Null: not one of these pages. */
  answer(request: PageRequest): Awaitable<PageAnswer | null>;
}

export interface PageRequest {
  /** The path between its slashes, percent-decoded; '/' is []. */
  readonly path: readonly string[];
  /** The first value of each name. */
  readonly query: ReadonlyMap<string, string>;
}

export interface PageAnswer {
  readonly status: number;
  readonly type: 'text/html' | 'text/css' | 'text/javascript' | 'text/plain' | 'application/json' | 'image/svg+xml' | 'text/plain; version=0.0.4';
  readonly body: string;
}
