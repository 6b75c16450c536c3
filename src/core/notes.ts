/** What is remembered of strangers beyond one message: it survives a restart, every process sees it, and it is bounded. */
export interface Notes {
  /** Null: nothing is known, or it is over. From memory, without a wait. */
  recall(kind: NoteKind, key: string): Note | null;
  /** In the place of an earlier one. Never waits, never throws. False: there is no room for one more of its kind. */
  note(kind: NoteKind, key: string, note: Note): boolean;
  /** The latest first. */
  all(kind: NoteKind): readonly (Note & { readonly key: string })[];
  /** How many were forgotten. */
  forget(kind: NoteKind, which: 'all' | { readonly key: string }): Promise<number>;
}

export type NoteKind =
  /** Whom nobody listens to for a while. */
  | 'ban'
  /** Logins, and the neighbourhood from which somebody has proved to be their owner. */
  | 'proven'
  /** Sender, recipient and neighbourhood that have been here before. */
  | 'greylist'
  /** Domains that take no delivery reports. */
  | 'reports-refused'
  /** Hosts whose STARTTLS breaks. */
  | 'broken-tls';

export interface Note {
  readonly at: number;
  /** Then it is over. */
  readonly until: number;
  readonly count: number;
  readonly why?: string;
}

/** For whoever keeps nothing. */
export const noNotes: Notes = {
  recall: () => null,
  note: () => false,
  all: () => [],
  forget: () => Promise.resolve(0),
};
