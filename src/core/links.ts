/** Ways out that are not always there: a line dialled at noon, a satellite, a neighbour who is on air in the evening. */
import type { Instant } from './clock.ts';
import type { Route } from './transport.ts';

export interface Links {
  /** The link that a route needs, while it is down; null: nothing stands in the way. Asked for every delivery: cheap. */
  down(route: Route): DownLink | null;
  /** How long it was down between the two, as far as is remembered. */
  downMs(route: Route, from: Instant, to: Instant): number;
}

export interface DownLink {
  readonly name: string;
  /** When it is expected; null: nobody knows. */
  readonly until: Instant | null;
  /** Mail waits for it no longer than that after it was accepted. */
  readonly longestMs: number;
  /** Senders are warned of the delay all the same. */
  readonly warns: boolean;
}

/** As an operator sees one. */
export interface LinkView {
  readonly name: string;
  readonly state: 'up' | 'down';
  readonly since: number;
  /** What decides: a timetable, a signal, a program; or an operator's word over it. */
  readonly by: 'timetable' | 'signal' | 'program' | 'operator';
  /** Of a timetable: when it changes next. */
  readonly until?: number;
  /** What the program said last, or why it could not be asked. */
  readonly why?: string;
  /** Messages that wait for it; where somebody counted them. */
  readonly waiting?: number;
}
