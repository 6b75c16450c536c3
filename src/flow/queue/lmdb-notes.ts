/** Notes in the queue's environment. What was noted is known at once, and on the disk with the next commit. */
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Note, NoteKind, Notes } from '../../core/notes.ts';
import { keysFrom, type LmdbIndex } from './lmdb-index.ts';
import { MOST_OF_A_KIND, NOTE_KINDS, bareKey, formatNote, noteKey, noteRange, parseNote } from './format/note.ts';

export interface LmdbNotes extends Notes {
  /** What is over goes. */
  purge(): Promise<void>;
}

const STEP = 500;
/** The number of a kind is counted so seldom; other processes add to it too. */
const COUNTED_MS = 600_000;

export function createLmdbNotes(index: LmdbIndex, clock: Clock, log: Log, most = MOST_OF_A_KIND): LmdbNotes {
  /** Written, and not yet to be read. */
  const underWay = new Map<string, Note>();
  const counts = new Map<NoteKind, { readonly at: number; count: number }>();

  function read(name: string): Note | null {
    const note = underWay.get(name) ?? parseNote(index.notes.getBinary(name));
    return note !== null && note.until > clock.now() ? note : null;
  }

  function* names(kind: NoteKind): Generator<string> {
    const [first, end] = noteRange(kind);
    for (let from = first; ; ) {
      const some = keysFrom(index.notes, from, STEP, end);
      yield* some;
      if (some.length < STEP) return;
      from = `${some.at(-1)!}\0`;
    }
  }

  function hasRoom(kind: NoteKind): boolean {
    const now = clock.now();
    let known = counts.get(kind);
    if (known === undefined || Math.abs(now - known.at) > COUNTED_MS) {
      const [start, end] = noteRange(kind);
      known = { at: now, count: index.notes.getKeysCount({ start, end }) };
      counts.set(kind, known);
    }
    if (known.count >= most) return false;
    known.count++;
    return true;
  }

  async function remove(wanted: readonly string[]): Promise<void> {
    for (const name of wanted) underWay.delete(name);
    for (let at = 0; at < wanted.length; at += STEP) await index.transaction(() => wanted.slice(at, at + STEP).forEach(name => void index.notes.remove(name)));
    counts.clear();
  }

  return {
    recall(kind, key) {
      const name = noteKey(kind, key);
      return name === null ? null : read(name);
    },
    note(kind, key, note) {
      const name = noteKey(kind, key);
      if (name === null || (!underWay.has(name) && !index.notes.doesExist(name) && !hasRoom(kind))) return false;
      underWay.set(name, note);
      const settle = (): void => {
        if (underWay.get(name) === note) underWay.delete(name);
      };
      index.settled(index.notes.put(name, formatNote(note))).then(settle, (cause: unknown) => {
        settle();
        log.error('queue', { what: 'a note could not be kept', kind, cause });
      });
      return true;
    },
    all(kind) {
      const found: (Note & { readonly key: string })[] = [];
      for (const name of new Set([...names(kind), ...[...underWay.keys()].filter(one => one.startsWith(noteRange(kind)[0]))])) {
        const note = read(name);
        if (note !== null) found.push({ key: bareKey(name), ...note });
      }
      return found.toSorted((one, other) => other.at - one.at);
    },
    async forget(kind, which) {
      const name = which === 'all' ? null : noteKey(kind, which.key);
      const wanted = which === 'all' ? [...names(kind)] : name !== null && (underWay.has(name) || index.notes.doesExist(name)) ? [name] : [];
      await remove(wanted);
      return wanted.length;
    },
    async purge() {
      for (const kind of NOTE_KINDS) {
        const [first, end] = noteRange(kind);
        for (let from = first; ; ) {
          const some = keysFrom(index.notes, from, STEP, end);
          await remove(some.filter(name => read(name) === null));
          if (some.length < STEP) break;
          from = `${some.at(-1)!}\0`;
          // A hundred thousand of them are nobody's reason to wait.
          await setImmediate();
        }
      }
    },
  };
}
