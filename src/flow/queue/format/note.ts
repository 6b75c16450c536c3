/** Notes as they are stored: the kind leads the key, so that one kind is one range. */
import type { Note, NoteKind } from '../../../core/notes.ts';

/** Strangers choose the keys, so there are only so many, and none is long. */
export const MOST_OF_A_KIND = 100_000;
const LONGEST_KEY = 1000;
const LONGEST_WHY = 200;

const LETTERS: Readonly<Record<NoteKind, string>> = { 'ban': 'b', 'proven': 'p', 'greylist': 'g', 'reports-refused': 'r', 'broken-tls': 't' };
export const NOTE_KINDS: readonly NoteKind[] = ['ban', 'proven', 'greylist', 'reports-refused', 'broken-tls'];

/** Null: too long to be kept. */
export function noteKey(kind: NoteKind, key: string): string | null {
  return Buffer.byteLength(key) > LONGEST_KEY ? null : `${LETTERS[kind]} ${key}`;
}

/** The range of a kind: from the first, and what is behind all of it. */
export function noteRange(kind: NoteKind): readonly [string, string] {
  return [`${LETTERS[kind]} `, `${LETTERS[kind]}!`];
}

export function bareKey(stored: string): string {
  return stored.slice(2);
}

export function formatNote({ at, until, count, why = '' }: Note): Buffer {
  return Buffer.from(`1 ${at} ${until} ${count} ${why.slice(0, LONGEST_WHY)}`);
}

/** Null: not one of ours. */
export function parseNote(stored: Buffer | undefined): Note | null {
  const [, at, until, count, why = ''] = /^1 (\d+) (\d+) (\d+) (.*)$/s.exec(stored?.toString() ?? '') ?? [];
  return at === undefined ? null : { at: Number(at), until: Number(until), count: Number(count), ...(why === '' ? {} : { why }) };
}
