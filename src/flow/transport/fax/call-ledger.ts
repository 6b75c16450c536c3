/** Every call that was dialled, a line each, for the bill and for the limits of a day. */
import { appendFile, mkdir, readFile, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface LedgerLine {
  readonly at: number;
  readonly number: string;
  readonly messages: readonly string[];
  readonly pages: number;
  readonly confirmed: number;
  readonly end: string;
  readonly durationMs: number;
  readonly remoteId?: string;
  readonly modem?: string;
}

export interface Ledger {
  /** Calls since midnight, the box's own; `number` null: all. */
  today(number: string | null, now: number): Promise<number>;
  note(line: LedgerLine): Promise<void>;
}

/** Then it is set aside as `.1`, and the one before it goes. */
const LARGEST_OCTETS = 4 * 1024 * 1024;

export function createLedger(path: string): Ledger {
  let day = 0;
  let counts: Map<string, number> | null = null;
  let all = 0;

  async function counted(now: number): Promise<Map<string, number>> {
    const today = midnight(now);
    if (counts !== null && day === today) return counts;
    day = today;
    const fresh = new Map<string, number>();
    all = 0;
    for (const file of [`${path}.1`, path]) {
      for (const { at, number } of readLines(await readFile(file, 'utf8').catch(() => ''))) {
        if (at < today) continue;
        fresh.set(number, (fresh.get(number) ?? 0) + 1);
        all++;
      }
    }
    counts = fresh;
    return fresh;
  }
  return {
    async today(number, now) {
      const known = await counted(now);
      return number === null ? all : (known.get(number) ?? 0);
    },
    async note(line) {
      const known = await counted(line.at);
      known.set(line.number, (known.get(line.number) ?? 0) + 1);
      all++;
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const size = (await stat(path).catch(() => null))?.size ?? 0;
      if (size > LARGEST_OCTETS) await rename(path, `${path}.1`);
      await appendFile(path, `${JSON.stringify(line)}\n`, { mode: 0o600 });
    },
  };
}

export function midnight(now: number, days = 0): number {
  const date = new Date(now);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime();
}

/** A line that a crash cut is no line. */
function readLines(text: string): readonly LedgerLine[] {
  return text.split('\n').flatMap(line => {
    try {
      const parsed = JSON.parse(line) as Partial<LedgerLine> | null;
      return typeof parsed?.at === 'number' && typeof parsed.number === 'string' ? [parsed as LedgerLine] : [];
    } catch {
      return [];
    }
  });
}
