/**
 * One message at the end of an mbox file (RFC 4155): a From line, `>` before lines that look like one, an empty line.
 * Locked while that lasts; taken back to its old length on any error.
 */
import { constants } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import type { MailboxMessage, Stored } from '../../core/mailbox.ts';
import { createTurns, takeDotLock } from './dot-lock.ts';
import type { Files } from './files.ts';
import { createFolderSyncs, type SyncFolder } from './folder-syncs.ts';
import { createQuoting, fromLine } from './from-line.ts';
import { writeLf } from './lf-content.ts';

export interface MboxOptions {
  readonly files: Files;
  readonly clock: Clock;
}

/** Throws the system's error; nothing of the message is left then. */
export type Mboxes = (path: string, message: MailboxMessage, signal: AbortSignal) => Promise<Stored>;

export function createMboxes(options: MboxOptions): Mboxes {
  const syncFolder = createFolderSyncs(options.files);
  const turns = createTurns();
  return (path, message, signal) => turns.take(path, async () => {
    const unlock = await takeDotLock(options, path, signal);
    if (unlock === null) return { kind: 'refused', why: 'locked', text: 'The mailbox is locked' };
    try {
      return await appendTo(options, syncFolder, path, message, signal);
    } finally {
      await unlock();
    }
  });
}

async function appendTo({ files, clock }: MboxOptions, syncFolder: SyncFolder, path: string, message: MailboxMessage, signal: AbortSignal): Promise<Stored> {
  // A link that somebody laid there must not lead our pen elsewhere; a fifo must not hold us.
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await files.open(path, flags, message.mode ?? 0o600);
  try {
    const before = files.look(file);
    if (!before.isFile()) return unsafe('The mailbox is neither a file nor a Maildir');
    if ((before.mode & 0o002n) !== 0n) return unsafe('Everyone may write to the mailbox');
    // A second name of somebody else's file, laid where mail comes in.
    if (before.nlink > 1n) return unsafe('The mailbox has a second name');
    const size = Number(before.size);
    try {
      const torn = size > 0 && (await lastOctet(files, file, size)) !== 0x0a;
      const head = Buffer.from(`${torn ? '\n' : ''}${fromLine(message.reversePath, clock.now())}`, 'utf8');
      await files.write(file, [head]);
      const octets = await writeLf(files, file, message.fields, message.content(), signal, createQuoting());
      await files.sync(file);
      if (size === 0) await syncFolder(dirname(path));
      return { kind: 'stored', octets: octets + head.length };
    } catch (error) {
      await files.truncate(file, size);
      throw error;
    }
  } finally {
    files.abandon(file);
  }
}

function unsafe(text: string): Stored {
  return { kind: 'refused', why: 'unsafe', text };
}

async function lastOctet(files: Files, file: number, size: number): Promise<number | undefined> {
  const octet = Buffer.alloc(1);
  await files.read(file, octet, size - 1);
  return octet[0];
}
