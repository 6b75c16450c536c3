/**
 * Proving who somebody is: AuthBackends, one file each. Here: Courier's userdb, as text, a file or a folder.
 * Takes the path and a log; reloads by itself when the text changes. Passwords, CRAM-MD5, -SHA1, -SHA256 (RFC 2195) and
 * SCRAM-SHA-1, -SHA-256 (RFC 5802, RFC 7677), stored forms as docs/configuration.md lists them.
 * Must never say whether a login exists: not by its answer, not by the time it takes.
 */
import { randomBytes } from 'node:crypto';
import type { AuthBackend } from '../../core/auth.ts';
import type { Log } from '../../core/log.ts';
import { createTurns } from './turns.ts';
import { createUserdbBackend } from './userdb.ts';
import { createUserdbText } from './userdb-text.ts';

export { createBackends } from './backends.ts';
export { askGetent, createSystemUsers, type SystemUsersOptions } from './system-users.ts';
export { createTokenBackend, type TokenOptions } from './tokens.ts';
export { hmacContext } from './hmac-context.ts';

export interface UserdbOptions {
  /** A file, or a folder of files. */
  readonly path: string;
  readonly log: Log;
  /** 32 octets, the same for every process and after each start; absent: this process's own, for tests. */
  readonly secret?: () => Uint8Array;
}

/** Comparisons at once, and how many more may wait: a flood of logins must not take the machine. */
const comparisonsAtOnce = 4;
const comparisonsWaiting = 256;
const SECRET_OCTETS = 32;

export function createUserdb({ path, log, secret }: UserdbOptions): AuthBackend {
  const own = randomBytes(SECRET_OCTETS);
  return createUserdbBackend(createUserdbText(path, log), createTurns(comparisonsAtOnce, comparisonsWaiting), secret ?? (() => own));
}
