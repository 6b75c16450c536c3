/**
 * One message into one Maildir: written in tmp/, synced, renamed into new/, new/ synced.
 * The name is Courier's: tmp/<sec>.M<usec>P<pid>_<n>.<host>, then new/<…>V<dev>I<ino>.<host>,S=<size>.
 */
import { constants } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import type { MailboxMessage, Stored } from '../../core/mailbox.ts';
import { isCode, type Files } from './files.ts';
import { createFolderSyncs } from './folder-syncs.ts';
import { createLeftoverSweep } from './leftovers.ts';
import { writeLf } from './lf-content.ts';
import { createQuotaKeeper } from './quota.ts';

export interface MaildirOptions {
  readonly files: Files;
  readonly clock: Clock;
  /** Our name, as it stands in file names. */
  readonly host: string;
}

/** `make`: it is made when it is not there. Throws the system's error; nothing of the message is left then. */
export type Maildirs = (place: MaildirPlace, message: MailboxMessage, signal: AbortSignal) => Promise<Stored>;

export interface MaildirPlace {
  readonly folder: string;
  readonly make: boolean;
  /** The folder's own time of change; absent: it is not there yet. */
  readonly changedMs?: number;
}

const PRIVATE = 0o600;
const PRIVATE_FOLDER = 0o700;
const WRITE_NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

export function createMaildirs({ files, clock, host }: MaildirOptions): Maildirs {
  const syncFolder = createFolderSyncs(files);
  const sweep = createLeftoverSweep(files, () => clock.now());
  // A `/` or `:` in the host name would end the name or start the flags.
  const name = host.replaceAll('/', '\\057').replaceAll(':', '\\072');
  let deliveries = 0;
  const stem = () => {
    const now = clock.now();
    return { stem: `${Math.trunc(now / 1000)}.M${(now % 1000) * 1000}P${process.pid}`, unique: `_${deliveries++}` };
  };
  const quotas = createQuotaKeeper({ files, now: () => clock.now(), unique: () => {
    const own = stem();
    return `${own.stem}${own.unique}.${name}`;
  } });

  return async ({ folder: top, make, changedMs }, message, signal) => {
    const own = stem();
    const folder = message.folder === undefined ? top : join(top, message.folder);
    const temporary = join(folder, 'tmp', `${own.stem}${own.unique}.${name}`);
    const file = await openNew(temporary, folder, make && message.folder === undefined, message.mode ?? PRIVATE);
    let open = true;
    let named = false;
    let words: string | null = null;
    try {
      const octets = await writeLf(files, file, message.fields, message.content(), signal);
      const room = await quotas.admits(top, octets, message.quota, changedMs);
      if (room === 'over') return { kind: 'refused', why: 'quota', text: 'Maildir over quota.' };
      await files.sync(file);
      const { dev, ino } = files.look(file);
      open = false;
      files.close(file);
      const flags = [...new Set(message.flags ?? '')].sort().join('');
      const base = `${own.stem}V${hex(dev)}I${hex(ino)}${own.unique}.${name},S=${octets}`;
      const shelf = flags === '' ? 'new' : 'cur';
      const final = join(folder, shelf, flags === '' ? base : `${base}:2,${flags}`);
      // Before the name: whoever sees the message sees its keywords.
      if (message.keywords !== undefined && message.keywords.length > 0) {
        words = join(folder, 'courierimapkeywords', base);
        await writeKeywords(words, message.keywords);
      }
      await files.rename(temporary, final);
      named = true;
      try {
        await syncFolder(join(folder, shelf));
      } catch (error) {
        // Said to have failed, so it must not be found: the next attempt brings it again.
        await files.unlink(final).catch(() => undefined);
        throw error;
      }
      // The count is an aid: it must not make a stored message unstored.
      if (room === 'fits') await quotas.add(top, octets).catch(() => undefined);
      await sweep(folder).catch(() => undefined);
      return { kind: 'stored', octets };
    } finally {
      if (open) files.abandon(file);
      if (!named) await files.unlink(temporary).catch(() => undefined);
      if (!named && words !== null) await files.unlink(words).catch(() => undefined);
    }
  };

  async function openNew(temporary: string, folder: string, make: boolean, mode: number): Promise<number> {
    try {
      return await files.open(temporary, WRITE_NEW, mode);
    } catch (error) {
      if (!make || !isCode(error, 'ENOENT')) throw error;
      await makeMaildir(folder);
      return files.open(temporary, WRITE_NEW, mode);
    }
  }

  /** Courier-IMAP's: a file named like the message, a keyword a line. */
  async function writeKeywords(path: string, keywords: readonly string[]): Promise<void> {
    await files.mkdir(dirname(path), { recursive: true, mode: PRIVATE_FOLDER });
    const file = await files.open(path, WRITE_NEW, PRIVATE);
    try {
      await files.write(file, [Buffer.from([...keywords].sort().map(one => `${one.replaceAll(/[\u0000-\u0020]/g, '')}\n`).join(''))]);
    } finally {
      files.abandon(file);
    }
  }

  /** Every name on the way is durable: a message must not be lost with the folder that it lies in. */
  async function makeMaildir(folder: string): Promise<void> {
    const first = await files.mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER });
    for (const part of ['tmp', 'new', 'cur']) {
      await files.mkdir(join(folder, part), { mode: PRIVATE_FOLDER }).catch((error: unknown) => {
        if (!isCode(error, 'EEXIST')) throw error;
      });
    }
    await syncFolder(folder);
    if (first === undefined) return;
    for (let made = folder; made !== dirname(made); made = dirname(made)) {
      await syncFolder(dirname(made));
      if (made === first) return;
    }
  }
}

function hex(n: bigint): string {
  return n.toString(16).toUpperCase().padStart(16, '0');
}
