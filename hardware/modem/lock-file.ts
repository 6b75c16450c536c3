/**
 * Who has the line: `LCK..ttyS0`, as uucico, cu, mgetty, efax and HylaFAX write and read it. Ten characters of process
 * id and a newline (HoneyDanBer); a lock whose process is gone is taken over.
 */
import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

export interface LineLock {
  release(): Promise<void>;
}

export type LockAnswer = { readonly kind: 'locked'; readonly lock: LineLock } | { readonly kind: 'held'; readonly pid: number } | { readonly kind: 'impossible'; readonly why: string };

const ATTEMPTS = 3;

/** Named by the device's last part only: /dev/pts/3 is `LCK..3` for everybody. */
export function lockPath(folder: string, device: string): string {
  return join(folder, `LCK..${basename(device)}`);
}

export async function takeLock(folder: string, device: string): Promise<LockAnswer> {
  const path = lockPath(folder, device);
  const mine = join(folder, `LTMP.${process.pid}.${basename(device)}`);
  try {
    await writeFile(mine, `${String(process.pid).padStart(10)}\n`, { mode: 0o644 });
  } catch (error) {
    return { kind: 'impossible', why: messageOf(error) };
  }
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const taken = await link(mine, path).then(() => null, messageOf);
      if (taken === null) return { kind: 'locked', lock: { release: () => release(path) } };
      const holder = await lockHolder(folder, device);
      if (holder !== null && (holder.alive || holder.pid === process.pid)) return { kind: 'held', pid: holder.pid };
      if (holder !== null) await removeStale(path, holder.pid);
    }
    return { kind: 'impossible', why: `${path} comes and goes` };
  } finally {
    await unlink(mine).catch(() => undefined);
  }
}

/** Null: nobody. A lock that cannot be read belongs to somebody: better to wait than to speak on another's line. */
export async function lockHolder(folder: string, device: string): Promise<{ readonly pid: number; readonly alive: boolean } | null> {
  const octets = await readFile(lockPath(folder, device)).catch((error: unknown) => (codeOf(error) === 'ENOENT' ? null : Buffer.alloc(0)));
  if (octets === null) return null;
  const pid = pidOf(octets);
  return { pid, alive: pid === 0 || isAlive(pid) };
}

/** Text, or a binary int as older programs write it. */
function pidOf(octets: Buffer): number {
  const text = /^\s*(\d{1,10})\s/.exec(`${octets.toString('latin1')}\n`)?.[1];
  if (text !== undefined && octets.length !== 4) return Number(text);
  return octets.length === 4 ? octets.readInt32LE(0) : 0;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}

/** Two who find the same stale lock may not both remove it: the second would remove the first one's new lock. */
async function removeStale(path: string, pid: number): Promise<void> {
  const aside = `${path}.stale.${process.pid}`;
  try {
    await rename(path, aside);
  } catch {
    return; // the other was first
  }
  const moved = await readFile(aside).catch(() => Buffer.alloc(0));
  if (pidOf(moved) !== pid) await link(aside, path).catch(() => undefined);
  await unlink(aside).catch(() => undefined);
}

async function release(path: string): Promise<void> {
  const octets = await readFile(path).catch(() => null);
  if (octets !== null && pidOf(octets) === process.pid) await unlink(path).catch(() => undefined);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
