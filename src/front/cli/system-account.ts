/** Accounts of the system, from its text file; and becoming one of them. */
import { readFile } from 'node:fs/promises';

export interface SystemAccount {
  readonly login: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

const PASSWD = '/etc/passwd';

/** By login, or by uid. */
export async function findSystemAccount(wanted: string | number): Promise<SystemAccount | null> {
  for (const line of (await readFile(PASSWD, 'utf8')).split('\n')) {
    const [login = '', , uid = '', gid = '', , home = '', shell = ''] = line.split(':');
    if (login === '' || uid === '' || (typeof wanted === 'number' ? Number(uid) !== wanted : login !== wanted)) continue;
    return { login, uid: Number(uid), gid: Number(gid), home: home === '' ? '/' : home, shell: shell === '' ? '/bin/sh' : shell };
  }
  return null;
}

/** False: only root, or that very one, may. */
export function become({ login, uid, gid }: Pick<SystemAccount, 'login' | 'uid' | 'gid'>): boolean {
  if (process.getuid?.() === uid) return true;
  if (process.getuid?.() !== 0) return false;
  if (login === '') process.setgroups?.([gid]);
  // Missing in node's own type declarations.
  else (Reflect.get(process, 'initgroups') as (user: string, group: number) => void)(login, gid);
  process.setgid?.(gid);
  process.setuid?.(uid);
  return true;
}
