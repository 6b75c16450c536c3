/** What processes and their descendants cost, read from /proc. */
import { readFileSync, readdirSync } from 'node:fs';

/** A child that ended is in its parent's account, so short-lived workers are not lost. */
export function cpuSeconds(roots: readonly number[]): number {
  let ticks = 0;
  for (const pid of tree(roots)) {
    const fields = statOf(pid);
    for (const at of [11, 12, 13, 14]) ticks += Number(fields[at] ?? 0); // utime stime cutime cstime
  }
  return ticks / 100; // USER_HZ is 100 on every Linux
}

/** Of our own children that have ended. */
export function endedChildrenSeconds(): number {
  const fields = statOf(process.pid);
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

export interface Memory {
  /** Proportional share of everything mapped, MiB. */
  readonly pss: number;
  /** The same without the pages of data files, which are the page cache's. */
  readonly own: number;
}

export function memoryOf(roots: readonly number[], dataFolder: string): Memory {
  let pss = 0;
  let cached = 0;
  for (const pid of tree(roots)) {
    let ofData = false;
    for (const line of read(`/proc/${pid}/smaps`).split('\n')) {
      if (/^[0-9a-f]+-/.test(line)) ofData = line.includes(dataFolder);
      else if (line.startsWith('Pss:')) {
        const kib = Number(line.slice(4).trim().split(' ')[0]);
        pss += kib;
        if (ofData) cached += kib;
      }
    }
  }
  return { pss: pss / 1024, own: (pss - cached) / 1024 };
}

/** Looks ten times a second until told to stop; gives the highest. */
export function watchMemory(roots: readonly number[], dataFolder: string): () => Memory {
  let pss = 0;
  let own = 0;
  function look(): void {
    const now = memoryOf(roots, dataFolder);
    pss = Math.max(pss, now.pss);
    own = Math.max(own, now.own);
  }
  const timer = setInterval(look, 100);
  return () => {
    clearInterval(timer);
    look();
    return { pss, own };
  };
}

function tree(roots: readonly number[]): readonly number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(statOf(Number(name))[1] ?? 0);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found: number[] = [];
  const left = [...roots];
  for (let pid = left.pop(); pid !== undefined; pid = left.pop()) {
    found.push(pid);
    left.push(...(children.get(pid) ?? []));
  }
  return found;
}

/** Fields after the name, which may hold blanks: state ppid … */
function statOf(pid: number): readonly string[] {
  const text = read(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** A process that is gone costs nothing. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
