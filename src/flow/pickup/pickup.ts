/**
 * Takes in what programs of this machine have left, at the start and whenever something appears. Everybody may write into
 * the folder and nobody may list it: a name is a secret, and the sticky bit keeps others' hands off it.
 */
import { createHash } from 'node:crypto';
import { constants, watch, type BigIntStats, type FSWatcher } from 'node:fs';
import { chmod, lstat, mkdir, open, readdir, stat, unlink, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { after, type Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { ENVELOPE_OCTETS, parsePickup, type PickupEnvelope } from '../../grammar/pickup.ts';

export interface PickupOptions {
  readonly folder: string;
  /** Who may leave mail: every account of this machine, or only the gateway's own. */
  readonly open: 'everyone' | 'owner';
  /** Largest message; 0: no limit. */
  sizeOctets(): number;
  nameOf(uid: number): string;
  /** 'later': it stays where it is and is offered again. Its content may be read once more after a refusal. */
  take(left: LeftMessage): Promise<'taken' | 'later'>;
  /** These files are gone for good: what was remembered under their keys may go too. */
  forget(keys: readonly string[]): Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface LeftMessage {
  readonly envelope: PickupEnvelope;
  /** Who owns the file; what the file says of itself does not count. */
  readonly owner: string;
  readonly uid: number;
  readonly tooLarge: boolean;
  /** The same for the same file only: under it the queue takes the message once, though we die before the file is gone. */
  readonly key: string;
  /** May be asked again. */
  content(): AsyncIterable<Uint8Array>;
}

export interface Pickup {
  /** Looks now; resolves when what was there has been offered. */
  look(): Promise<void>;
  close(): Promise<void>;
}

/** A change that nobody told us of is found after this. */
const LOOK_MS = 30_000;
const FIRST_WAIT_MS = 30_000;
const LONGEST_WAIT_MS = 15 * 60_000;
/** What was begun and never finished. */
const STALE_MS = 36 * 3_600_000;
const READ_OCTETS = 128 * 1024;
/** For what is being taken in when we stop. */
const GRACE_MS = 10_000;
/** Messages taken in at once. */
const PARALLEL = 4;
const OFFERED = /^msg\.[\w.-]{1,200}$/;
const BEGUN = /^tmp\.[\w.-]{1,200}$/;

export async function openPickup(options: PickupOptions): Promise<Pickup> {
  const { folder, clock, log } = options;
  await prepare(folder, options.open);
  const closing = new AbortController();
  const waits = new Map<string, { readonly at: number; readonly ms: number }>();
  const complained = new Set<string>();
  /** Keys of files that were taken away. */
  let gone: string[] = [];
  let running: Promise<void> | null = null;
  let again = false;

  async function lookOnce(): Promise<void> {
    const names = (await readdir(folder)).toSorted();
    for (const name of waits.keys()) if (!names.includes(name)) waits.delete(name);
    for (const name of complained) if (!names.includes(name)) complained.delete(name);
    for (const name of names) if (BEGUN.test(name)) await sweep(name);
    const due = names.filter(name => OFFERED.test(name) && (waits.get(name)?.at ?? 0) <= clock.now());
    const next = due.values();
    await Promise.all(Array.from({ length: PARALLEL }, async () => {
      for (const name of next) if (!closing.signal.aborted) await offer(name);
    }));
    await forget();
  }

  /** Not before the folder's own change is on the disk: a file that comes back must find its key. */
  async function forget(): Promise<void> {
    if (gone.length === 0) return;
    const keys = gone;
    gone = [];
    await syncFolder(folder);
    await options.forget(keys);
  }

  /** One look at a time; who asks meanwhile gets another one after it. */
  function look(): Promise<void> {
    if (running !== null) {
      again = true;
      return running;
    }
    running = (async () => {
      try {
        do {
          again = false;
          await lookOnce();
        } while (again && !closing.signal.aborted);
      } catch (cause) {
        log.error('pickup', { folder, cause });
      } finally {
        running = null;
      }
    })();
    return running;
  }

  async function offer(name: string): Promise<void> {
    const path = join(folder, name);
    let file: FileHandle | null = null;
    try {
      // Neither a link nor a pipe can make us read something else, or wait.
      file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      const facts = await file.stat({ bigint: true });
      const [uid, size] = [Number(facts.uid), Number(facts.size)];
      if (!facts.isFile() || facts.nlink !== 1n) return await drop(path, facts.isFile() ? 'it has another name' : 'it is no file');
      const head = await envelopeOf(file);
      if (head === null) return await drop(path, 'it is not of our making');
      const limit = options.sizeOctets();
      const key = keyOf(name, facts);
      const outcome = await options.take({
        key, envelope: head.envelope, owner: options.nameOf(uid), uid,
        tooLarge: limit > 0 && size - head.octets > limit,
        content: () => contentOf(file as FileHandle, head.octets),
      });
      if (outcome === 'taken') {
        waits.delete(name);
        await unlink(path);
        gone.push(key);
      } else postpone(name);
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
      if (code === 'ENOENT') return;
      if (code === 'ELOOP' || code === 'ENXIO') return await drop(path, 'it is a link or a pipe');
      postpone(name);
      // Once for each: an unreadable file would be named every minute.
      if (!complained.has(name)) log.error('pickup', { name, what: 'cannot be taken in', ...(code === 'EACCES' ? { why: 'the gateway may not read it' } : { cause }) });
      complained.add(name);
    } finally {
      await file?.close().catch(() => undefined);
    }
  }

  function postpone(name: string): void {
    const ms = Math.min((waits.get(name)?.ms ?? FIRST_WAIT_MS / 2) * 2, LONGEST_WAIT_MS);
    waits.set(name, { at: after(clock.now(), ms), ms });
  }

  /** Only this name goes; what it leads to is somebody's own. */
  async function drop(path: string, why: string): Promise<void> {
    const name = basename(path);
    const gone = await unlink(path).then(() => true, () => false);
    if (!complained.has(name)) log.warn('pickup', { name, what: gone ? 'thrown away' : 'left alone', why });
    if (!gone) complained.add(name);
  }

  async function sweep(name: string): Promise<void> {
    const path = join(folder, name);
    const facts = await lstat(path).catch(() => null);
    if (facts !== null && !facts.isDirectory() && clock.now() - facts.mtimeMs > STALE_MS) await unlink(path).catch(() => undefined);
  }

  async function keepLooking(): Promise<void> {
    while (!closing.signal.aborted) {
      await clock.sleepUntil(after(clock.now(), LOOK_MS), closing.signal);
      if (!closing.signal.aborted) await look();
    }
  }

  const watcher = watching(folder, () => void look());
  const kept = keepLooking();
  void look();
  return {
    look,
    async close() {
      closing.abort();
      watcher?.close();
      await kept;
      // Somebody may look at a message for minutes; it is offered again at the next start.
      const over = new AbortController();
      await Promise.race([running, clock.sleepUntil(after(clock.now(), GRACE_MS), over.signal)]);
      over.abort();
    },
  };
}

/** 1733: enter and write, not list; only the owner of a file, and of the folder, takes it away. */
const MODES = { everyone: 0o1733, owner: 0o700 } as const;

async function prepare(folder: string, open: 'everyone' | 'owner'): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, MODES[open]);
  if (open === 'owner') return;
  // To get there others must pass through the state folder. They cannot list it, and all else in it is closed to them.
  const above = dirname(folder);
  const { mode } = await stat(above);
  if ((mode & 0o001) === 0) await chmod(above, (mode & 0o7777) | 0o001);
}

/** Who may write here may write a name again, and a system may use a number again; both and the very moment are one file. */
function keyOf(name: string, { ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `pickup:${createHash('sha256').update([name, ino, size, mtimeNs, ctimeNs].join(' ')).digest('hex').slice(0, 32)}`;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function watching(folder: string, seen: () => void): FSWatcher | null {
  try {
    const watcher = watch(folder, { persistent: false }, (_kind, name) => {
      if (name === null || OFFERED.test(name)) seen();
    });
    watcher.on('error', () => undefined);
    return watcher;
  } catch {
    // No watches left on this machine: the regular look finds it.
    return null;
  }
}

async function envelopeOf(file: FileHandle): Promise<{ readonly envelope: PickupEnvelope; readonly octets: number } | null> {
  const pieces: Buffer[] = [];
  for (let at = 0; at < ENVELOPE_OCTETS;) {
    const into = Buffer.allocUnsafe(Math.min(16 * 1024, ENVELOPE_OCTETS - at));
    const { bytesRead } = await file.read(into, 0, into.length, at);
    if (bytesRead === 0) return null;
    const piece = into.subarray(0, bytesRead);
    const lf = piece.indexOf(0x0a);
    pieces.push(lf < 0 ? piece : piece.subarray(0, lf));
    if (lf >= 0) {
      const envelope = parsePickup(Buffer.concat(pieces).toString('utf8'));
      return envelope === null ? null : { envelope, octets: at + lf + 1 };
    }
    at += bytesRead;
  }
  return null;
}

async function* contentOf(file: FileHandle, from: number): AsyncGenerator<Uint8Array> {
  for (let at = from; ;) {
    const into = Buffer.allocUnsafe(READ_OCTETS);
    const { bytesRead } = await file.read(into, 0, into.length, at);
    if (bytesRead === 0) return;
    yield into.subarray(0, bytesRead);
    at += bytesRead;
  }
}
