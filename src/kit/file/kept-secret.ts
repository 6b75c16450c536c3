/** Random octets that outlive the process: made by whoever asks first, the same for everyone afterwards. */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

const OCTETS = 32;

export function keptSecret(path: string): Uint8Array {
  return read(path) ?? make(path);
}

function read(path: string): Uint8Array | null {
  try {
    const octets = readFileSync(path);
    return octets.length === OCTETS ? octets : null;
  } catch {
    return null;
  }
}

/** Written beside and linked in: of two processes that make one, both take the first. */
function make(path: string): Uint8Array {
  const made = randomBytes(OCTETS);
  const beside = `${path}.${randomBytes(8).toString('hex')}`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const file = openSync(beside, 'wx', 0o600);
    try {
      writeSync(file, made);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    try {
      linkSync(beside, path);
      return made;
    } catch {
      return read(path) ?? made;
    } finally {
      unlinkSync(beside);
    }
  } catch {
    // A folder that cannot be written to: this process's own will do.
    return made;
  }
}
