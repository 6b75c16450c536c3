/** A Unix socket's name in the file system: taken over from a process that is gone, never from one that lives. */
import { chmod, unlink } from 'node:fs/promises';
import { connect } from 'node:net';

/** True: the name is free now. False: somebody listens there, or it is no socket of ours to take. */
export async function freeSocketFile(path: string): Promise<boolean> {
  const code = await tryToReach(path);
  if (code === 'ENOENT') return true;
  if (code !== 'ECONNREFUSED') return false;
  await unlink(path).catch(() => undefined);
  return true;
}

export function openToMode(path: string, mode: number): Promise<void> {
  return chmod(path, mode);
}

/** What became of it; '' is a connection. */
function tryToReach(path: string): Promise<string> {
  return new Promise(resolve => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve('');
    });
    socket.once('error', error => {
      socket.destroy();
      resolve('code' in error ? String(error.code) : 'unknown');
    });
  });
}
