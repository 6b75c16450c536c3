/** The file system as this room uses it: an argument, so that a test can fail each step. */
import { mkdir, open, opendir, readFile, rename, stat, unlink, link } from 'node:fs/promises';

export interface Files {
  readonly open: typeof open;
  readonly opendir: typeof opendir;
  readonly readFile: typeof readFile;
  readonly stat: typeof stat;
  readonly mkdir: typeof mkdir;
  readonly rename: typeof rename;
  readonly link: typeof link;
  readonly unlink: typeof unlink;
}

export const nodeFiles: Files = { open, opendir, readFile, stat, mkdir, rename, link, unlink };

export function isCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
