/**
 * Faxes on disk until they are somebody's mail. While a call lasts its folder ends in `.part` and names the process;
 * at the call's end it loses that. Pages are synced before their sender hears that they are good.
 *
 *   incoming/ID.PID.part/   call.json  001-fine-2287-0-confirmed-whole.g3 …
 *   incoming/ID/            the same, and end.json: ready to be mailed
 */
import { randomBytes } from 'node:crypto';
import { chown, mkdir, open, readdir, readFile, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArrivalEnd, ArrivingCall, FaxArrival } from '../../core/fax-arrival.ts';
import type { Log } from '../../core/log.ts';
import { formatPageName, parsePageName, type KeptFax, type KeptPage } from './kept-fax.ts';

export interface Spool {
  open(call: ArrivingCall): Promise<FaxArrival | null>;
  /** Ids of faxes whose call is over, oldest first. Calls that a dead process left are ended here. */
  ready(): Promise<readonly string[]>;
  read(id: string): Promise<KeptFax | null>;
  remove(id: string): Promise<void>;
  /** Calls under way in this process end as they are. */
  close(): Promise<void>;
}

export interface SpoolOptions {
  readonly folder: string;
  /** Below it no call is taken. */
  readonly freeSpaceOctets: () => number;
  readonly log: Log;
  readonly ready: () => void;
}

const PART = /^([\w-]+)\.(\d+)\.part$/;
const ID = /^[\w-]+$/;
const CUT_OFF: ArrivalEnd = { complete: false, said: 'the program that received it ended before the call did' };

export function openSpool({ folder, freeSpaceOctets, log, ready }: SpoolOptions): Spool {
  const mine = new Set<string>();
  let closed = false;

  async function hasRoom(): Promise<boolean> {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize > freeSpaceOctets();
  }

  async function begin(call: ArrivingCall): Promise<FaxArrival | null> {
    const id = `${new Date(call.at).toISOString().replaceAll(/\D/g, '').slice(0, 14)}-${randomBytes(4).toString('hex')}`;
    const path = join(folder, `${id}.${process.pid}.part`);
    try {
      await makeFolder(folder);
      if (closed || !(await hasRoom())) return null;
      await mkdir(path, { mode: 0o700 });
      await ownedAs(folder, path);
      mine.add(path);
      await writeDurable(path, 'call.json', JSON.stringify({ version: 1, ...call }));
      await syncFolder(folder);
    } catch (cause) {
      log.error('fax-spool', { folder, cause });
      return null;
    }
    let pages = 0;
    let over = false;
    return {
      async page(page) {
        try {
          if (over || !(await hasRoom())) return 'full';
          pages++;
          await writeDurable(path, formatPageName(pages, page), page.coded);
          return 'kept';
        } catch (cause) {
          log.error('fax-spool', { folder: path, cause });
          return 'full';
        }
      },
      async end(end) {
        if (over) return;
        over = true;
        try {
          await finish(path, id, end);
        } catch (cause) {
          // What is there is found again at the next start.
          log.error('fax-spool', { folder: path, cause });
        }
        mine.delete(path);
        ready();
      },
    };
  }

  async function finish(path: string, id: string, end: ArrivalEnd): Promise<void> {
    if (!(await readdir(path)).some(name => parsePageName(name) !== null)) {
      await rm(path, { recursive: true, force: true });
      return;
    }
    await writeDurable(path, 'end.json', JSON.stringify({ version: 1, ...end }));
    await rename(path, join(folder, id));
    await syncFolder(folder);
  }

  return {
    open: begin,
    async ready() {
      const names = await readdir(folder).catch(() => []);
      for (const name of names) {
        const [, id, pid] = PART.exec(name) ?? [];
        if (id === undefined || mine.has(join(folder, name)) || (Number(pid) !== process.pid && isAlive(Number(pid)))) continue;
        await finish(join(folder, name), id, CUT_OFF).catch((cause: unknown) => log.error('fax-spool', { folder: name, cause }));
      }
      return (await readdir(folder).catch(() => [])).filter(name => ID.test(name)).toSorted();
    },
    async read(id) {
      const path = join(folder, id);
      const call = await readJson<ArrivingCall>(join(path, 'call.json'));
      const end = await readJson<ArrivalEnd>(join(path, 'end.json'));
      const pages: KeptPage[] = [];
      for (const name of (await readdir(path).catch(() => [])).toSorted()) {
        const facts = parsePageName(name);
        if (facts !== null) pages.push({ ...facts, file: join(path, name), sizeOctets: (await stat(join(path, name))).size });
      }
      if (pages.length === 0) return null;
      return { id, folder: path, call: call ?? { modem: 'unknown', at: (await stat(path)).mtimeMs }, end: end ?? CUT_OFF, pages };
    },
    remove: id => rm(join(folder, id), { recursive: true, force: true }),
    close() {
      closed = true;
      return Promise.resolve();
    },
  };
}

async function readJson<T>(path: string): Promise<T | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch {
    return null;
  }
}

async function writeDurable(folder: string, name: string, content: string | Uint8Array): Promise<void> {
  const temporary = join(folder, `.${name}.new`);
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await ownedAs(folder, temporary);
  await rename(temporary, join(folder, name));
  await syncFolder(folder);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function makeFolder(folder: string): Promise<void> {
  const made = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (made !== undefined) await ownedAs(join(made, '..'), made).then(() => (made === folder ? undefined : ownedAs(join(made, '..'), folder)));
}

/** mgetty's hook runs as root; the gateway that mails the fax does not. */
async function ownedAs(pattern: string, path: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await stat(pattern);
  await chown(path, uid, gid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}
