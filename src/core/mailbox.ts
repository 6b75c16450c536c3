/** Where mail lies. The writer knows Maildir, Maildir++ quota and mbox; who chooses the place is not its business. */

export interface Mailboxes {
  /**
   * `path` names a Maildir (a folder with tmp, new and cur, or a path that ends in `/`) or an mbox file, and is absolute.
   * File and folder are synced before 'stored'; nothing of the message is left otherwise.
   */
  deliver(path: string, message: MailboxMessage, signal: AbortSignal): Promise<Stored>;
}

export interface MailboxMessage {
  /** Put before the message: Delivered-To, Return-Path; LF line ends. */
  readonly fields: Uint8Array;
  /** CRLF or LF line ends; written with LF. As StoredContent reads it: small mail costs no stream. */
  content(): readonly Uint8Array[] | AsyncIterable<Uint8Array>;
  /** mbox's From_ line; '' is the null reverse-path. */
  readonly reversePath: string;
  /** Folder of a Maildir++ in maildrop's writing (`.Drafts.2026`); absent: INBOX. */
  readonly folder?: string;
  /** Maildir++ quota as `10000000S,1000C`; absent: what `maildirsize` says. */
  readonly quota?: string;
  /** Letters of a Maildir's flags, `DFRS`: the message lies in cur then. */
  readonly flags?: string;
  /** IMAP keywords, for a Maildir. */
  readonly keywords?: readonly string[];
  /** Of a file that is made; absent: 0600. */
  readonly mode?: number;
}

export type Stored =
  | { readonly kind: 'stored'; readonly octets: number }
  | { readonly kind: 'refused'; readonly why: 'quota' | 'disk-full' | 'denied' | 'absent' | 'locked' | 'unsafe' | 'trouble'; readonly text: string };
