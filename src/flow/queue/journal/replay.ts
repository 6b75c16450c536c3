/**
 * What journals of the dead still hold is brought into the index, due as it was. A journal is taken by giving its file
 * our name, so that of several who come at once one has it; if we die as well, the next finds it under our name.
 *
 * A holder of whom nobody knows whether it lives (another PID namespace) keeps its file until it has rested for so long
 * that whoever wrote it has long put everything into the index: then nothing is left in it, or its holder is dead.
 */
import { statSync } from 'node:fs';
import type { Instant } from '../../../core/clock.ts';
import type { MessageId } from '../../../core/envelope.ts';
import type { Kernels } from '../../../core/kernels.ts';
import type { Log } from '../../../core/log.ts';
import type { FileSystem } from '../../../kit/file/durable-file.ts';
import { same } from '../body-files.ts';
import type { RecordFormat } from '../format/record.ts';
import type { LmdbIndex } from '../lmdb-index.ts';
import { dueKey, nothing, WriteFailure } from '../lmdb-index.ts';
import type { StoredRecord } from '../message-changes.ts';
import type { Ground } from '../upkeep/ground.ts';
import type { JournalFormat, Segment } from './journal-format.ts';
import { REST_MS } from './journal.ts';

/** Five times what makes a journal look whether its file is still its own. */
export const IDLE_MS = 5 * REST_MS;
/** Messages in one transaction. */
const STEP = 200;
/** Pages that a message's entries leave half empty. */
const ENTRY_OCTETS = 8 * 1024;
const fileName = /^([0-9A-F]{8})(?:\.(?:\d+|new))?$/;

export interface ReplayOptions {
  readonly index: LmdbIndex;
  readonly ground: Pick<Ground, 'take' | 'landed'>;
  readonly files: FileSystem;
  /** Where the journals are. */
  readonly folder: string;
  readonly format: RecordFormat;
  readonly journalFormat: JournalFormat;
  readonly kernels: Pick<Kernels, 'digest'>;
  /** Our own, left alone. */
  readonly tag: string;
  /** Gives a name of ours that was never used. */
  readonly name: () => string;
  /** Holders that may be alive; asked after the files were listed. */
  readonly alive: () => Promise<ReadonlySet<string>>;
  readonly now: Instant;
  readonly log: Log;
}

export interface Replayed {
  /** How many messages came into the index. */
  readonly messages: number;
  /** Journals of holders that may be alive: to be looked at again when IDLE_MS have passed. */
  readonly left: number;
}

export async function replay(options: ReplayOptions): Promise<Replayed> {
  const { files, folder, tag, name: nameOfOurs, log } = options;
  const names = (await files.readdir(folder)).flatMap((name) => {
    const holder = fileName.exec(name)?.[1];
    return holder === undefined || holder === tag ? [] : [{ name, holder }];
  });
  if (names.length === 0) return { messages: 0, left: 0 };
  const alive = await options.alive();
  let messages = 0;
  let left = 0;
  for (const { name, holder } of names) {
    const theirs = `${folder}/${name}`;
    if (alive.has(holder)) {
      if (restedMs(theirs) < IDLE_MS) {
        left++;
        continue;
      }
      if (leftIn(options, await readSegments(options, theirs)).length === 0) continue;
    }
    let path = `${folder}/${nameOfOurs()}`;
    if (!(await taken(files, theirs, path))) continue;
    const segments = await readSegments(options, path);
    const isUnreadable = segments.some(({ number }) => number === 'unreadable');
    if (isUnreadable) {
      // Of a later version, or damaged: not ours to throw away.
      const kept = `${folder}/unreadable-${name}`;
      log.error('queue', { what: 'a journal cannot be read, and mail in it waits for somebody who can', file: kept });
      await files.rename(path, kept);
      path = kept;
    }
    try {
      messages += await bringIn(options, leftIn(options, segments));
    } catch (cause) {
      log.error('queue', { what: 'a journal could not be brought into the index yet', holder, cause });
      await files.rename(path, theirs);
      continue;
    }
    const holes = holesIn(segments);
    if (holes > 0) log.error('queue', { what: 'a journal is damaged, and a message in it may be lost', holder, holes });
    // Not to be used again: while its two headers were renewed, a crash could make the one forget what the other holds as gone.
    if (!isUnreadable) await files.unlink(path);
  }
  return { messages, left };
}

/** Since it was last written; a clock that went back is no rest. */
function restedMs(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? 0 : Date.now() - stat.mtimeMs;
}

async function taken(files: FileSystem, from: string, to: string): Promise<boolean> {
  try {
    await files.rename(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false; // somebody else was here
    throw error;
  }
}

async function readSegments({ files, journalFormat }: ReplayOptions, path: string): Promise<Segment[]> {
  const octets = Buffer.allocUnsafe(statSync(path).size);
  const file = await files.open(path, 'read');
  try {
    await file.read(octets, 0);
  } finally {
    await file.close();
  }
  const middle = Math.floor(octets.length / 2);
  return [octets.subarray(0, middle), octets.subarray(middle)].map((one) => journalFormat.read(one));
}

interface Left {
  readonly record: StoredRecord;
  readonly content: Buffer;
}

function lastOf(segments: readonly Segment[]): number {
  return Math.max(...segments.map(({ lastBatch }) => lastBatch));
}

/** What the last write left out was never acknowledged, and is no damage. */
function holesIn(segments: readonly Segment[]): number {
  const last = lastOf(segments);
  return segments.flatMap(({ behindHoles }) => behindHoles).filter((batch) => batch < last).length;
}

/** Messages that are not gone. What the last write did not finish was never acknowledged. */
function leftIn({ format, kernels, log }: ReplayOptions, segments: readonly Segment[]): Left[] {
  const gone = new Set<MessageId>(segments.flatMap((segment) => segment.gone));
  const lastBatch = lastOf(segments);
  const left: Left[] = [];
  for (const { record: octets, content, batch } of segments.flatMap(({ messages }) => messages)) {
    const id = format.idIn(octets) as MessageId | null;
    if (id !== null && gone.has(id)) continue;
    const record = format.parse(octets, id ?? '');
    if (typeof record === 'string') {
      log.error('queue', { what: 'a message in the journal cannot be read', id, why: record });
      continue;
    }
    // Damaged content of an earlier write comes in, and is set aside when it is read.
    if (batch < lastBatch || same(kernels.digest(content), record.message.facts.digest)) left.push({ record, content });
    else log.info('queue', { what: 'a message that was never acknowledged is dropped', id });
  }
  return left;
}

/** Each once: what is there already, or was brought in before, is left as it is. */
async function bringIn({ index, ground, format, now }: ReplayOptions, left: readonly Left[]): Promise<number> {
  let count = 0;
  for (let from = 0; from < left.length; from += STEP) {
    const some = left.slice(from, from + STEP);
    const octets = some.reduce((sum, { record, content }) => sum + record.message.trace.length + content.length + ENTRY_OCTETS, 0);
    if (!(await ground.take(octets))) throw new WriteFailure('full', 'the index has no room to grow');
    try {
      count += await index.transaction(() => some.filter((one) => put(one)).length);
    } finally {
      ground.landed(octets);
    }
  }
  return count;

  /** Inside a transaction. */
  function put({ record, content }: Left): boolean {
    const { id } = record.message;
    if (index.messages.doesExist(id) || index.imported.doesExist(id)) return false;
    void index.messages.put(id, format.format(record));
    void index.bodies.put(id, content);
    void index.due.put(dueKey(record.due, id), nothing);
    void index.imported.put(id, Buffer.from(String(now)));
    return true;
  }
}
