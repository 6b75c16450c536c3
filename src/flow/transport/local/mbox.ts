/**
 * One message at the end of an mbox file (RFC 4155): a From line, `>` before lines that look like one, an empty line.
 * Locked by `<file>.lock`, which is what can be had without a native lock; taken back to its old length on any error.
 */
import { constants } from 'node:fs';
import { open, stat, unlink, type FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import type { Clock } from '../../../core/clock.ts';
import { after } from '../../../core/clock.ts';
import type { StoredContent } from '../../../core/queue-store.ts';
import { writeContent } from './lf-content.ts';
import { isCode, syncFolder } from './maildir.ts';

export interface MboxMessage {
  readonly sender: string;
  readonly fields: Uint8Array;
  readonly content: StoredContent;
}

const RETRY_MS = 5000;
const STALE_MS = 5 * 60_000;

export async function appendToMbox(path: string, message: MboxMessage, clock: Clock, signal: AbortSignal): Promise<void> {
  const unlock = await lock(path, clock, signal);
  try {
    // A link that somebody laid there must not lead our pen elsewhere; a fifo must not hold us.
    const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const file = await open(path, flags, 0o600);
    try {
      await append(file, path, message, clock, signal);
    } finally {
      await file.close();
    }
  } finally {
    await unlock();
  }
}

async function append(file: FileHandle, path: string, { sender, fields, content }: MboxMessage, clock: Clock, signal: AbortSignal): Promise<void> {
  const before = await file.stat();
  if (!before.isFile()) throw new NotAMailbox(`${path} is neither a file nor a Maildir`);
  const torn = before.size > 0 && (await lastOctet(file, before.size)) !== 0x0a;
  const head = `${torn ? '\n' : ''}From ${sender.replaceAll(/\s/g, '-') || 'MAILER-DAEMON'} ${ctime(clock.now())}\n`;
  try {
    await file.write(head);
    const quoting = createQuoting();
    const quoted = await writeContent(file, fields, content, signal, quoting.feed);
    await file.write(`${quoting.finish()}${quoted > 0 && !quoting.ended() ? '\n' : ''}\n`);
    await file.sync();
    if (before.size === 0) await syncFolder(dirname(path));
  } catch (error) {
    await file.truncate(before.size);
    throw error;
  }
}

/** The path is there, and no mail can be put into it. */
export class NotAMailbox extends Error {}

async function lastOctet(file: FileHandle, size: number): Promise<number | undefined> {
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0];
}

/** `Wed Nov 15 06:13:20 2023`, in UTC, as From lines have it. */
export function ctime(at: number): string {
  const [day = '', date = '', month = '', year = '', time = ''] = new Date(at).toUTCString().replace(',', '').split(' ');
  return `${day} ${month} ${date.replace(/^0/, ' ')} ${time} ${year}`;
}

/** Every line of `>`s and `From ` gets one `>` more: what was quoted before can be told from what was not. */
function createQuoting(): { feed(piece: Buffer): Buffer; finish(): string; ended(): boolean } {
  // The start of a line, as long as it could still become `>>>From `.
  let held = '';
  let atStart = true;
  let last = '';
  return {
    feed(piece) {
      const text = held + piece.toString('latin1');
      const wasStart = atStart;
      held = '';
      const cut = text.lastIndexOf('\n') + 1;
      const tail = text.slice(cut);
      const open = (cut > 0 || wasStart) && /^>*(?:F(?:r(?:o(?:m)?)?)?)?$/.test(tail);
      const ready = open ? text.slice(0, cut) : text;
      held = open ? tail : '';
      if (ready !== '') {
        last = ready.at(-1) as string;
        atStart = last === '\n';
      }
      return Buffer.from(ready.replaceAll(wasStart ? /(^|\n)(>*From )/g : /(\n)(>*From )/g, '$1>$2'), 'latin1');
    },
    finish() {
      if (held !== '') last = held.at(-1) as string;
      return held;
    },
    ended: () => last === '\n',
  };
}

async function lock(path: string, clock: Clock, signal: AbortSignal): Promise<() => Promise<void>> {
  const name = `${path}.lock`;
  for (;;) {
    signal.throwIfAborted();
    try {
      const file = await open(name, 'wx', 0o644);
      await file.write(`${process.pid}\n${hostname()}\n`);
      await file.close();
      return () => unlink(name).catch(() => undefined);
    } catch (error) {
      // A folder that is not ours to write in (/var/mail): others must lock it their way.
      if (isCode(error, 'EACCES') || isCode(error, 'EPERM')) return () => Promise.resolve();
      if (!isCode(error, 'EEXIST')) throw error;
    }
    const found = await stat(name).catch(() => null);
    if (found !== null && Date.now() - found.mtimeMs > STALE_MS) await unlink(name).catch(() => undefined);
    else await clock.sleepUntil(after(clock.now(), RETRY_MS), signal);
  }
}
