/** Accounts of the system; and becoming one of them. */
import { readFile } from 'node:fs/promises';
import { runProgram } from '../../../kit/run-program.ts';

export interface SystemAccount {
  readonly login: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

const GETENT = '/usr/bin/getent';
const PATIENCE_MS = 20_000;

/** By login, or by uid; the system's own tool also knows of accounts that are in no file. */
export async function findSystemAccount(wanted: string | number): Promise<SystemAccount | null> {
  // A login of nothing but digits would be taken for a number.
  if (typeof wanted === 'string' && !/^[A-Za-z_][\w.@-]*\$?$/.test(wanted)) return null;
  const ran = await runProgram(GETENT, ['passwd', '--', String(wanted)], { signal: new AbortController().signal, timeoutMs: PATIENCE_MS });
  const line = ran.kind === 'exited' && ran.code === 0 ? (ran.stdout.split('\n')[0] ?? '') : ran.kind === 'exited' ? '' : await lineOf(wanted);
  const [login = '', , uid = '', gid = '', , home = '', shell = ''] = line.split(':');
  if (!/^\d+$/.test(uid) || !/^\d+$/.test(gid) || (typeof wanted === 'number' ? Number(uid) !== wanted : login !== wanted)) return null;
  return { login, uid: Number(uid), gid: Number(gid), home: home === '' ? '/' : home, shell: shell === '' ? '/bin/sh' : shell };
}

/** A small system may have the file and not the tool. */
async function lineOf(wanted: string | number): Promise<string> {
  const text = await readFile('/etc/passwd', 'utf8').catch(() => '');
  return text.split('\n').find(line => line.split(':')[typeof wanted === 'number' ? 2 : 0] === String(wanted)) ?? '';
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
