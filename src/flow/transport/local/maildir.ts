/**
 * One message into one Maildir: written in tmp/, synced, renamed into new/, both folders synced.
 * The name is Courier's: tmp/<sec>.M<usec>P<pid>_<n>.<host>, then new/<…>V<dev>I<ino>.<host>,S=<size>.
 */
import { constants } from 'node:fs';
import { mkdir, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoredContent } from '../../../core/queue-store.ts';
import { writeContent } from './lf-content.ts';

export interface MaildirOptions {
  readonly host: string;
  readonly now: () => number;
}

export interface Maildir {
  /** `fields` come before the message: Delivered-To and Return-Path. Rejects with the system's error; nothing is left then. */
  deliver(folder: string, fields: Uint8Array, content: StoredContent, signal: AbortSignal): Promise<void>;
}

const PRIVATE = 0o600;
const PRIVATE_FOLDER = 0o700;

export function createMaildir(options: MaildirOptions): Maildir {
  let deliveries = 0;
  // A `/` or `:` in the host name would end the name or start the flags.
  const host = options.host.replaceAll('/', '\\057').replaceAll(':', '\\072');
  return {
    async deliver(folder, fields, content, signal) {
      const now = options.now();
      const seconds = Math.trunc(now / 1000);
      const stem = `${seconds}.M${(now % 1000) * 1000}P${process.pid}`;
      const unique = `_${deliveries++}`;
      await makeMaildir(folder);
      const temporary = join(folder, 'tmp', `${stem}${unique}.${host}`);
      const file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, PRIVATE);
      try {
        const size = await writeContent(file, fields, content, signal);
        await file.sync();
        const { dev, ino } = await file.stat({ bigint: true });
        await file.close();
        const final = `${stem}V${hex(dev)}I${hex(ino)}${unique}.${host},S=${size}`;
        await rename(temporary, join(folder, 'new', final));
        await syncFolder(join(folder, 'new'));
      } catch (error) {
        await file.close().catch(() => undefined);
        await unlink(temporary).catch(() => undefined);
        throw error;
      }
    },
  };
}

function hex(n: bigint): string {
  return n.toString(16).toUpperCase().padStart(16, '0');
}

async function makeMaildir(folder: string): Promise<void> {
  try {
    await Promise.all(['tmp', 'new', 'cur'].map(name => mkdir(join(folder, name), { mode: PRIVATE_FOLDER })));
    await syncFolder(folder);
  } catch (error) {
    if (isCode(error, 'EEXIST')) return;
    if (!isCode(error, 'ENOENT')) throw error;
    await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER });
    await makeMaildir(folder);
  }
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
