/**
 * Who has the line: `LCK..ttyS0`, as uucico, cu, mgetty, efax and HylaFAX write and read it. Ten characters of process
 * id and a newline (HoneyDanBer); a lock whose process is gone is taken over.
 */
import { randomUUID } from 'node:crypto';
import { link, readFile, stat, unlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface LineLock {
  release(): Promise<void>;
}

export type LockAnswer = { readonly kind: 'locked'; readonly lock: LineLock } | { readonly kind: 'held'; readonly pid: number } | { readonly kind: 'impossible'; readonly why: string };

const ATTEMPTS = 10;
/** Between two of them, while another removes a stale lock. */
const PAUSE_MS = 20;
/** Removing one takes a moment; a guard of this age was left by somebody who died in it. */
const GUARD_MS = 10_000;

/** Named by the device's last part only: /dev/pts/3 is `LCK..3` for everybody. */
export function lockPath(folder: string, device: string): string {
  return join(folder, `LCK..${basename(device)}`);
}

export async function takeLock(folder: string, device: string): Promise<LockAnswer> {
  const path = lockPath(folder, device);
  const mine = join(folder, `LTMP.${process.pid}.${randomUUID()}`);
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
      if (holder !== null && !(await removeStale(path, holder.pid, mine))) await sleep(PAUSE_MS);
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

/**
 * Two who find the same stale lock may not both remove it: the second would remove the first one's new lock. So one at a
 * time may, behind a guard, and looks again there: as long as the lock is the stale one nobody can have put his own in its
 * place. False: another is at it.
 */
async function removeStale(path: string, pid: number, mine: string): Promise<boolean> {
  const guard = `${path}.stale`;
  try {
    await link(mine, guard);
  } catch {
    const since = await stat(guard).then(({ mtimeMs }) => mtimeMs, () => null);
    if (since !== null && Date.now() - since > GUARD_MS) await unlink(guard).catch(() => undefined);
    return false;
  }
  try {
    const octets = await readFile(path).catch(() => null);
    if (octets !== null && pidOf(octets) === pid) await unlink(path).catch(() => undefined);
    return true;
  } finally {
    await unlink(guard).catch(() => undefined);
  }
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
