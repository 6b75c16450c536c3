/** Mail under somebody's own recipe, written in the maildrop language: to mailboxes and programs, or to a verdict. */

export interface Maildrop {
  /** Never rejects on purpose; what goes wrong has an exit code, 75 where it may pass. */
  run(job: MaildropJob, signal: AbortSignal): Promise<MaildropEnd>;
  /** Leaves the warning in a Maildir that is full to this part, at most once a day. */
  warnIfFull(maildir: string, warning: { readonly percent: number; readonly template: string }, signal: AbortSignal): Promise<void>;
}

export interface MaildropJob {
  readonly recipe: MaildropRecipe;
  /** HOME; absolute. */
  readonly home: string;
  /** Where relative paths and programs begin; absent: home. */
  readonly folder?: string;
  /** Where mail goes that no recipe places; relative to home, or absolute. */
  readonly defaultMailbox: string;
  readonly login: string;
  /** Owner that home and recipes must have; absent: this process's. */
  readonly uid?: number;
  /** What `import` finds; without the environment of a delivery, LANG and its like are variables from the start. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether all of the environment becomes variables, as it does for a recipe named on a command line. */
  readonly importAll?: boolean;
  /** Variables from the start, over the defaults. */
  readonly variables?: Readonly<Record<string, string>>;
  /** `$1`, `$2` … */
  readonly parameters?: readonly string[];
  /** Absent: what Return-Path says, else MAILER-DAEMON. */
  readonly reversePath?: string;
  /** Lines before the message: `Delivered-To: …`. */
  readonly fields?: readonly string[];
  readonly content: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** Warns the owner of a Maildir whose quota is used up to this part, at most once a day. */
  readonly quotaWarning?: { readonly percent: number; readonly template: string };
  readonly verbose?: number;
  /** Octets of `echo`, and what programs print. */
  output(octets: Uint8Array): void;
  /** A line for people: what is wrong, or what VERBOSE asked for. */
  complain(text: string): void;
}

export type MaildropRecipe =
  /** The system's maildroprc, then `.mailfilter` at home, where they are. */
  | { readonly kind: 'delivery' }
  /** One file; `embedded`: it may look and answer, and deliver nothing. */
  | { readonly kind: 'file'; readonly path: string; readonly embedded: boolean }
  /** Embedded: the best file for the name in `.mailfilters` at home. */
  | { readonly kind: 'named'; readonly name: string }
  /** Read already. */
  | { readonly kind: 'text'; readonly name: string; readonly text: string; readonly embedded: boolean };

export interface MaildropEnd {
  readonly code: number;
  /** Something took the message; an `exit` gives it to nobody. */
  readonly delivered: boolean;
  /** No recipe was there to be asked. */
  readonly unasked?: true;
}
