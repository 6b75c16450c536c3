/** The ledger on disk: written a while after it changed, however often it did, and once more at the end. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, type Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { keepFile, type FileSystem } from '../../kit/file/durable-file.ts';
import type { Ledger } from './ledger.ts';

export interface LedgerFile {
  /** It has changed: in a while it is written. */
  soon(): void;
  close(): Promise<void>;
}

export interface LedgerFileOptions {
  readonly folder: string;
  readonly files: FileSystem;
  readonly ledger: Pick<Ledger, 'save'>;
  readonly clock: Clock;
  readonly log: Log;
}

const NAME = 'devices.json';
/** A power cut forgets so much; what a device sent is in the queue. */
const SOON_MS = 30_000;

export function openLedgerFile({ folder, files, ledger, clock, log }: LedgerFileOptions): LedgerFile {
  const closing = new AbortController();
  let writing: Promise<void> | null = null;
  /** Something that the file does not have. */
  let behind = false;
  let troubled = false;

  async function write(): Promise<void> {
    if (!behind) return;
    behind = false;
    try {
      await keepFile(files, folder, NAME, [Buffer.from(ledger.save())]);
      troubled = false;
    } catch (cause) {
      behind = true;
      if (!troubled) log.error('devices', { why: 'what is known of the devices cannot be written', cause });
      troubled = true;
    }
  }
  async function inAWhile(): Promise<void> {
    await clock.sleepUntil(after(clock.now(), SOON_MS), closing.signal);
    await write();
    writing = null;
    if (behind && !closing.signal.aborted) writing = inAWhile();
  }
  return {
    soon() {
      behind = true;
      if (!closing.signal.aborted) writing ??= inAWhile();
    },
    async close() {
      closing.abort();
      await writing;
      await write();
    },
  };
}

/** '' when there is none. */
export async function readLedgerFile(folder: string): Promise<string> {
  try {
    return await readFile(join(folder, NAME), 'utf8');
  } catch {
    return '';
  }
}
