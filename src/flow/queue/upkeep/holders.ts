/**
 * Who opened this queue, and who of them is still alive. A lease of a dead holder is given back at once; one of a
 * holder that may be alive waits for its expiry.
 */
import { readFileSync, readlinkSync } from 'node:fs';

/** A process, told apart from a later one with the same number. */
export interface Holder {
  readonly pid: number;
  readonly startedAt: string;
  readonly boot: string;
  /** The process number means nothing outside its namespace. */
  readonly namespace: string;
}

export type Liveness = (holder: Holder) => boolean;

export function thisHolder(): Holder {
  return { pid: process.pid, startedAt: startOf(process.pid), boot: bootId(), namespace: namespace() };
}

/** False only when it is certain: another boot of this box, or a process of our namespace that is gone. */
export function mayBeAlive(holder: Holder): boolean {
  if (holder.boot !== bootId()) return false;
  if (holder.namespace !== namespace()) return true;
  if (!isRunning(holder.pid)) return false;
  const started = startOf(holder.pid);
  return started === '' || holder.startedAt === '' || started === holder.startedAt;
}

export function formatHolder(holder: Holder): Buffer {
  return Buffer.from(JSON.stringify(holder));
}

/** Null: nobody that we know. */
export function parseHolder(octets: Buffer | undefined): Holder | null {
  if (octets === undefined) return null;
  try {
    const found = JSON.parse(octets.toString()) as Partial<Holder>;
    const { pid, startedAt, boot, namespace } = found;
    if (typeof pid !== 'number' || typeof startedAt !== 'string' || typeof boot !== 'string' || typeof namespace !== 'string') return null;
    return { pid, startedAt, boot, namespace };
  } catch {
    return null;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Field 22 of /proc/<pid>/stat, counted after the name, which may contain anything. */
function startOf(pid: number): string {
  const stat = read(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function bootId(): string {
  return read('/proc/sys/kernel/random/boot_id').trim();
}

function namespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
