/** This machine's accounts as /etc/passwd lists them: numbers and names. Read again when the file has changed. */
import { readFileSync, statSync } from 'node:fs';

export interface SystemAccounts {
  uidOf(name: string): number | null;
  find(uid: number): { readonly name: string; readonly gecos: string; readonly home: string } | null;
}

export function createSystemAccounts(path = '/etc/passwd'): SystemAccounts {
  let stamp = -1;
  let byName = new Map<string, number>();
  let byUid = new Map<number, { readonly name: string; readonly gecos: string; readonly home: string }>();

  function refresh(): void {
    try {
      const { mtimeMs } = statSync(path);
      if (mtimeMs === stamp) return;
      const rows = readFileSync(path, 'utf8').split('\n').map(line => line.split(':')).filter(fields => fields.length >= 6 && /^\d+$/.test(fields[2] ?? ''));
      byName = new Map(rows.map(([name = '', , uid]) => [name, Number(uid)]));
      // The first name of a number is the one the system gives.
      byUid = new Map(rows.toReversed().map(([name = '', , uid, , gecos = '', home = '']) => [Number(uid), { name, gecos, home }]));
      stamp = mtimeMs;
    } catch {
      // What was known stays known.
    }
  }

  return {
    uidOf(name) {
      refresh();
      return byName.get(name) ?? null;
    },
    find(uid) {
      refresh();
      return byUid.get(uid) ?? null;
    },
  };
}
