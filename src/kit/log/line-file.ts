/**
 * A file that lines are appended to, and that may be moved away: reopen() goes on in a new one of the same name, and what
 * was gathered for the old one still gets there. That is all that logrotate and its like need.
 */
import { close, constants, openSync } from 'node:fs';
import { openLineSink, type Gathered, type LineSink } from './line-sink.ts';

export interface LineFile extends LineSink {
  /** Throws what open(2) said; then the old file goes on. */
  reopen(): void;
}

/** The owner writes, the group may read: mail addresses are nobody else's business. */
const MODE = 0o640;

/** Throws what open(2) said. */
export function openLineFile(path: string, blockOctets?: number, gathered?: Gathered): LineFile {
  const open = () => openSync(path, constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | constants.O_NOCTTY, MODE);
  let descriptor = open();
  let sink = openLineSink(descriptor, blockOctets, gathered);
  let droppedBefore = 0;
  const finishing = new Set<Promise<void>>();

  async function finish(old: LineSink, oldDescriptor: number): Promise<void> {
    await old.end();
    droppedBefore += old.dropped;
    close(oldDescriptor, () => undefined);
  }

  return {
    get dropped() { return droppedBefore + sink.dropped; },
    write: line => sink.write(line),
    flush: () => sink.flush(),
    flushNow: () => sink.flushNow(),
    reopen() {
      const next = open();
      const finished = finish(sink, descriptor).finally(() => finishing.delete(finished));
      finishing.add(finished);
      descriptor = next;
      sink = openLineSink(next, blockOctets, gathered);
    },
    async end() {
      await Promise.all([...finishing, finish(sink, descriptor)]);
    },
  };
}
