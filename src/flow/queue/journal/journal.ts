/**
 * What is durable before it is in the index: a file of two segments, written in turn from front to end, each write
 * through to the disk. One wait for it, where a commit of the index waits twice; and what is finished soon, as most mail
 * is, never gets there.
 *
 * All that comes while a write is under way is the next one. A segment is used again when nothing that it holds is
 * alive: finished, or in the index. What is gone is noted with the next write, or after a short linger, as a deletion
 * in the index is. After a crash, journal/replay.ts brings what was not gone into the index.
 *
 * The file is made at the first message, in the background: zeros, so that no later write has to find room. At an
 * orderly end it is left as a spare, empty, and the next one who opens the queue has it from the start.
 */
import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../../../core/clock.ts';
import { after } from '../../../core/clock.ts';
import type { MessageId } from '../../../core/envelope.ts';
import type { FileSystem, FolderSync, OpenFile } from '../../../kit/file/durable-file.ts';
import type { JournalFormat } from './journal-format.ts';
import { entryOctets, goneOctets, HEADER_OCTETS, NUMBER_OCTETS } from './journal-format.ts';

const STEP_OCTETS = 64;
const ZEROS_OCTETS = 256 * 1024;
/** Larger messages would leave too much of a segment's end unused. */
const SHARE_OF_SEGMENT = 8;
/** After a rest so long, another process may have believed us dead and taken the file (journal/replay.ts). */
export const REST_MS = 60_000;
/** The other segment is needed soon when so much of one is written. */
const CROWDED = 3 / 4;
const padding = Buffer.alloc(STEP_OCTETS);

export interface Journal {
  /** Whether append() has room for it now; false also until the file is made. */
  takes(recordOctets: number, contentOctets: number): boolean;
  /** After takes(). */
  append(record: Buffer, content: readonly Uint8Array[], contentOctets: number, appended: Appended): void;
  /** Finished, or in the index: need not be read again. */
  gone(id: MessageId, segment: SegmentNumber): void;
  /** Writes what is to be noted. Nothing may be appended any more. */
  close(): Promise<void>;
}

export type SegmentNumber = 0 | 1;

/** One of them is called, once. */
export interface Appended {
  /** It is on the disk, in this segment. */
  readonly written: (segment: SegmentNumber) => void;
  /** Nobody holds it. */
  readonly failed: () => void;
}

export interface JournalOptions {
  readonly folder: string;
  /** The file's name in it. */
  readonly tag: string;
  readonly files: FileSystem;
  readonly folders: FolderSync;
  readonly format: JournalFormat;
  readonly clock: Clock;
  /** A multiple of 64. */
  readonly segmentOctets: number;
  readonly lingerMs: number;
  /** Whether the disk has room for so much. */
  readonly mayGrow: (octets: number) => boolean;
  /** The other segment is needed soon: what is alive in this one should go into the index. */
  readonly crowded: (segment: SegmentNumber) => void;
  /** Nothing is appended any more; what is alive should go into the index. */
  readonly failed: (cause: unknown) => void;
}

interface OpenSegment {
  /** Where it begins in the file. */
  readonly start: number;
  /** Drawn anew for each use. */
  number: Buffer;
  /** Behind its last entry, from its start on. */
  end: number;
  /** Messages in it that are not gone. */
  live: number;
}

interface Waiting {
  readonly record: Buffer;
  readonly content: readonly Uint8Array[];
  readonly contentOctets: number;
  readonly octets: number;
  readonly appended: Appended;
}

export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { folder, files, folders, format, clock, tag, segmentOctets } = options;
  const capacity = segmentOctets - HEADER_OCTETS;
  const closing = new AbortController();
  let state: 'resting' | 'making' | 'ready' | 'over' = 'resting';
  let making: Promise<void> = Promise.resolve();
  let file: OpenFile | null = null;
  const segments: readonly [OpenSegment, OpenSegment] = [unused(0), unused(segmentOctets)];
  let current: SegmentNumber = 0;
  let batch = 0;
  let waiting: Waiting[] = [];
  let waitingOctets = 0;
  let goneIds: MessageId[] = [];
  let lingering = false;
  let writing: Promise<void> | null = null;
  let writtenAt = clock.now();

  const path = `${folder}/${tag}`;
  const spare = `${folder}/spare`;
  const other = (): SegmentNumber => (current === 0 ? 1 : 0);

  function unused(start: number): OpenSegment {
    return { start, number: Buffer.alloc(NUMBER_OCTETS), end: segmentOctets, live: 0 };
  }

  /** What cannot be written to can say no more what is gone: once nothing in it is alive, it must not be read again. */
  function giveUp(cause: unknown): void {
    if (state === 'over') return;
    state = 'over';
    options.failed(cause);
    removeDead();
  }

  function removeDead(): void {
    if (file === null || segments.some(({ live }) => live > 0)) return;
    const dead = file;
    file = null;
    void dead.close().catch(() => undefined).then(() => files.unlink(path)).catch(() => undefined);
  }

  const isSpare = (): boolean => statSync(spare, { throwIfNoEntry: false })?.size === 2 * segmentOctets;

  async function takeSpare(): Promise<boolean> {
    return isSpare() && files.rename(spare, path).then(() => true, () => false); // somebody else was here
  }

  async function makeFile(): Promise<void> {
    const made = await files.open(`${path}.new`, 'new');
    try {
      const zeros = Buffer.alloc(ZEROS_OCTETS);
      for (let left = 2 * segmentOctets; left > 0; left -= zeros.length) await made.write([zeros.subarray(0, Math.min(left, zeros.length))]);
      await made.sync();
    } catch (cause) {
      await files.unlink(`${path}.new`);
      throw cause;
    } finally {
      await made.close();
    }
    await files.rename(`${path}.new`, path);
  }

  async function make(): Promise<void> {
    try {
      if (!(await takeSpare())) {
        if (!options.mayGrow(2 * segmentOctets)) throw new Error('no room for the journal');
        await makeFile();
      }
      file = await files.open(path, 'through');
      for (const one of [folder, dirname(folder)]) await folders.sync(one); // the folder itself may be as new as the file
      for (const segment of segments) await renew(segment);
      state = 'ready';
    } catch (cause) {
      giveUp(cause);
    }
  }

  /** All that it held is forgotten. */
  async function renew(segment: OpenSegment): Promise<void> {
    segment.number = randomBytes(NUMBER_OCTETS);
    await file!.writeAt([format.header(segment.number)], segment.start);
    segment.end = HEADER_OCTETS;
  }

  /** Nothing is alive: emptied, the older segment first, for what is gone of it the other one may hold. */
  async function leave(): Promise<void> {
    if (file === null || segments.some(({ live }) => live > 0)) return;
    await renew(segments[other()]);
    await renew(segments[current]);
    await files.rename(path, spare);
  }

  /** As much of what waits as fits into the segment, as one write. */
  async function writeBatch(): Promise<void> {
    if (clock.now() > after(writtenAt, REST_MS)) await (await files.open(path, 'read')).close();
    const nextOctets = waiting[0]?.octets ?? goneOctets(goneIds.length);
    if (segments[current].end + nextOctets > segmentOctets) {
      if (segments[other()].live > 0) throw new Error('both segments of the journal are full'); // takes() and goneFit() see to it
      await renew(segments[other()]);
      current = other();
    }
    const [into, segment] = [current, segments[current]];
    const from = segment.end;
    const pieces: Uint8Array[] = [];
    const written: Waiting[] = [];
    batch++;
    const add = (head: Uint8Array, content: readonly Uint8Array[], contentOctets: number, octets: number): void => {
      pieces.push(head, ...content);
      const fill = octets - head.length - contentOctets;
      if (fill > 0) pieces.push(padding.subarray(0, fill));
      segment.end += octets;
    };
    for (const one of waiting) {
      if (segment.end + one.octets > segmentOctets) break;
      add(format.message(segment.number, batch, one.record, one.contentOctets), one.content, one.contentOctets, one.octets);
      written.push(one);
    }
    waiting = waiting.slice(written.length);
    const ids = goneIds;
    if (ids.length > 0 && segment.end + goneOctets(ids.length) <= segmentOctets) {
      goneIds = [];
      add(format.gone(segment.number, batch, ids), [], 0, goneOctets(ids.length));
    }
    segment.live += written.length;
    try {
      await file!.writeAt(pieces, segment.start + from);
    } catch (cause) {
      segment.live -= written.length;
      for (const { appended } of written) appended.failed();
      throw cause;
    }
    writtenAt = clock.now();
    for (const one of written) waitingOctets -= one.octets;
    // Told after the next write has begun: the disk works while they are answered.
    queueMicrotask(() => {
      for (const { appended } of written) appended.written(into);
    });
    if (segment.end > CROWDED * segmentOctets && segments[other()].live > 0) options.crowded(other());
  }

  /** Without a message to write, there must be a place for the note. */
  function goneFit(): boolean {
    return segments[current].end + goneOctets(goneIds.length) <= segmentOctets || segments[other()].live === 0;
  }

  async function work(): Promise<void> {
    try {
      // What else this turn brings shares the first write.
      await new Promise(setImmediate);
      do await writeBatch();
      while (waiting.length > 0);
    } catch (cause) {
      const lost = waiting;
      waiting = [];
      for (const { appended } of lost) appended.failed();
      giveUp(cause);
    } finally {
      writing = null;
    }
    if (goneIds.length > 0) linger();
  }

  function linger(): void {
    if (lingering || state !== 'ready' || closing.signal.aborted) return;
    lingering = true;
    void clock.sleepUntil(after(clock.now(), options.lingerMs), closing.signal).then(() => {
      lingering = false;
      note();
    });
  }

  /** What is gone is written now, unless a write is under way that may take it along. */
  function note(): void {
    if (goneIds.length === 0 || state !== 'ready' || closing.signal.aborted) return;
    if (writing === null && goneFit()) writing = work();
    else {
      if (writing === null) options.crowded(other());
      linger();
    }
  }

  if (isSpare()) {
    state = 'making';
    await make();
  }

  return {
    takes(recordOctets, contentOctets) {
      if (state === 'resting') {
        state = 'making';
        making = make();
      }
      if (state !== 'ready' || closing.signal.aborted) return false;
      const octets = entryOctets(recordOctets, contentOctets);
      if (octets > capacity / SHARE_OF_SEGMENT) return false;
      // Ids of what is gone go along where they fit, and never take the place of a message.
      if (octets + waitingOctets <= segmentOctets - segments[current].end) return true;
      return segments[other()].live === 0 && octets + waitingOctets <= capacity;
    },

    append(record, content, contentOctets, appended) {
      const octets = entryOctets(record.length, contentOctets);
      waitingOctets += octets;
      waiting.push({ record, content, contentOctets, octets, appended });
      writing ??= work();
    },

    gone(id, segment) {
      segments[segment].live--;
      if (state === 'over') return removeDead();
      goneIds.push(id);
      linger();
    },

    async close() {
      closing.abort();
      await making;
      await writing; // nothing begins another one now
      if (state !== 'ready') return;
      if (goneIds.length > 0 && goneFit()) await work();
      await leave().catch(() => undefined); // what is left under our name is read by the next one
      await file?.close().catch(() => undefined);
    },
  };
}
