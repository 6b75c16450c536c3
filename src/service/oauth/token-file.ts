/**
 * An account's tokens on disk: `oauth/NAME.json` in the state folder, which the service alone can read. A file says for
 * which client at which provider it holds: a refresh token is never shown to anybody else, whatever `oauth` says later.
 */
import { chown, readFile, stat, unlink } from 'node:fs/promises';
import { keepFile, nodeFileSystem, type FileSystem } from '../../kit/file/durable-file.ts';
import type { Account } from './account.ts';

export interface Kept {
  readonly access: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly refresh?: string;
  /** When a person logged in: a new login is another number. */
  readonly loginAt: number;
  readonly refreshedAt: number;
  /** The provider's clear no: nothing is asked until somebody logs in again. */
  readonly withdrawn?: string;
}

export interface TokenFiles {
  /** Null: none, or one of another client or provider. */
  read(account: Account): Promise<Kept | null>;
  /** Changes when the file does; null: there is none. */
  mark(name: string): Promise<string | null>;
  /** Durable once it resolves. */
  write(account: Account, kept: Kept): Promise<void>;
  /** Whether there was one. */
  remove(name: string): Promise<boolean>;
}

const VERSION = 1;

export function createTokenFiles(stateFolder: string, files: FileSystem = nodeFileSystem): TokenFiles {
  const folder = `${stateFolder}/oauth`;
  const pathOf = (name: string) => `${folder}/${name}.json`;
  return {
    async read({ name, client, tokenUrl }) {
      const text = await readFile(pathOf(name), 'utf8').catch(absent);
      if (text === null) return null;
      const file = readJson(text);
      if (file === null || file['version'] !== VERSION || file['client'] !== client || file['token'] !== tokenUrl) return null;
      return keptOf(file['kept']);
    },
    async mark(name) {
      const found = await stat(pathOf(name)).catch(absent);
      return found === null ? null : `${found.ino} ${found.mtimeMs} ${found.size}`;
    },
    async write({ name, client, tokenUrl }, kept) {
      const path = await keepFile(files, folder, `${name}.json`, [Buffer.from(`${JSON.stringify({ version: VERSION, client, token: tokenUrl, kept })}\n`)]);
      if (process.getuid?.() !== 0) return;
      // Root logged in for a service that is not root.
      const { uid, gid } = await stat(stateFolder);
      await chown(folder, uid, gid);
      await chown(path, uid, gid);
    },
    async remove(name) {
      return unlink(pathOf(name)).then(() => true, (error: unknown) => absent(error) !== null);
    },
  };
}

function absent(error: unknown): null {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
  throw error;
}

function readJson(text: string): Record<string, unknown> | null {
  try {
    const read: unknown = JSON.parse(text);
    return typeof read === 'object' && read !== null ? (read as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function keptOf(value: unknown): Kept | null {
  if (typeof value !== 'object' || value === null) return null;
  const { access, expiresAt, refresh, loginAt, refreshedAt, withdrawn } = value as Partial<Record<keyof Kept, unknown>>;
  if (typeof access !== 'string' || typeof expiresAt !== 'number' || typeof loginAt !== 'number' || typeof refreshedAt !== 'number') return null;
  return { access, expiresAt, loginAt, refreshedAt, ...(typeof refresh === 'string' ? { refresh } : {}), ...(typeof withdrawn === 'string' ? { withdrawn } : {}) };
}
