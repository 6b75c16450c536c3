/** What lies at a path, and what the system's errors mean there (F4): nobody else in the house looks at an errno. */
import { join, normalize } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { MailboxMessage, Mailboxes, Stored } from '../../core/mailbox.ts';
import { isCode, type Files } from './files.ts';
import type { Maildirs } from './maildir.ts';
import type { Mboxes } from './mbox.ts';

export interface PlacesOptions {
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Log;
  /** Our name, as it stands in the names of Maildir files. */
  readonly host: string;
}

type Refused = Extract<Stored, { kind: 'refused' }>;

export function createPlaces({ files, log }: PlacesOptions, maildirs: Maildirs, mboxes: Mboxes): Mailboxes {
  return {
    async deliver(path, message, signal) {
      try {
        return await deliverTo(path, message, signal);
      } catch (cause) {
        const refused = refusalFor(cause);
        // A full mailbox is its owner's; everything else the operator wants to see.
        if (refused.why !== 'quota') log.error('mailbox', { path, cause });
        return refused;
      }
    },
  };

  async function deliverTo(path: string, message: MailboxMessage, signal: AbortSignal): Promise<Stored> {
    if (!path.startsWith('/') || path.includes('\0')) return unsafe('The mailbox has no path from the root on');
    if (message.folder !== undefined && !isFolderName(message.folder)) return unsafe('The folder has no name of a Maildir++ folder');
    const written = path.endsWith('/');
    const clean = normalize(path).replace(/(?<=.)\/+$/, '');
    // QUIRK: /dev/null is how mail has been thrown away since sendmail.
    if (clean === '/dev/null') return { kind: 'stored', octets: 0 };
    const found = await files.stat(clean).catch((error: unknown) => {
      if (isCode(error, 'ENOENT')) return null;
      throw error;
    });
    if (found === null) return written ? maildirs({ folder: clean, make: true }, message, signal) : mboxes(clean, message, signal);
    if (!found.isDirectory()) return mboxes(clean, message, signal);
    // Who may write there may lay links there.
    if ((found.mode & 0o002) !== 0) return unsafe('Everyone may write to the mailbox');
    return maildirs({ folder: clean, make: written, changedMs: found.mtimeMs }, message, signal);
  }
}

/** `.Drafts.2026`: one name below the Maildir, as Maildir++ writes folders within folders. */
function isFolderName(name: string): boolean {
  return /^\.[^./\0][^/\0]*$/.test(name) && !name.includes('..') && !name.endsWith('.') && join('/', name) === `/${name}`;
}

function unsafe(text: string): Refused {
  return { kind: 'refused', why: 'unsafe', text };
}

/** The text is for whoever sent the mail: no path, no errno. */
function refusalFor(cause: unknown): Refused {
  if (isCode(cause, 'ENOSPC')) return { kind: 'refused', why: 'disk-full', text: 'Disk full' };
  if (isCode(cause, 'EDQUOT')) return { kind: 'refused', why: 'quota', text: 'Mailbox over quota' };
  if (isCode(cause, 'EACCES', 'EPERM', 'EROFS')) return { kind: 'refused', why: 'denied', text: 'The mailbox may not be written' };
  if (isCode(cause, 'ENOENT', 'ENOTDIR')) return { kind: 'refused', why: 'absent', text: 'There is no such mailbox' };
  if (isCode(cause, 'ELOOP')) return unsafe('The mailbox is a symbolic link');
  return { kind: 'refused', why: 'trouble', text: 'The mailbox cannot be written now' };
}
