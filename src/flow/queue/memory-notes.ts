/** Notes that end with the process: for tests, and for reading first. */
import type { Clock } from '../../core/clock.ts';
import type { Note, Notes } from '../../core/notes.ts';
import { MOST_OF_A_KIND, bareKey, noteKey, noteRange } from './format/note.ts';

export function createMemoryNotes(clock: Clock, most = MOST_OF_A_KIND): Notes {
  const notes = new Map<string, Note>();
  const ofKind = (prefix: string): string[] => [...notes.keys()].filter(key => key.startsWith(prefix));
  const stands = (note: Note | undefined): note is Note => note !== undefined && note.until > clock.now();

  return {
    recall(kind, key) {
      const note = notes.get(noteKey(kind, key) ?? '');
      return stands(note) ? note : null;
    },
    note(kind, key, note) {
      const name = noteKey(kind, key);
      if (name === null) return false;
      const [prefix] = noteRange(kind);
      if (!notes.has(name) && ofKind(prefix).length >= most) {
        for (const old of ofKind(prefix)) if (!stands(notes.get(old))) notes.delete(old);
        if (ofKind(prefix).length >= most) return false;
      }
      notes.set(name, note);
      return true;
    },
    all(kind) {
      return ofKind(noteRange(kind)[0]).flatMap(name => {
        const note = notes.get(name);
        return stands(note) ? [{ key: bareKey(name), ...note }] : [];
      }).toSorted((one, other) => other.at - one.at);
    },
    forget(kind, which) {
      const names = which === 'all' ? ofKind(noteRange(kind)[0]) : [noteKey(kind, which.key) ?? ''];
      return Promise.resolve(names.filter(name => notes.delete(name)).length);
    },
  };
}
