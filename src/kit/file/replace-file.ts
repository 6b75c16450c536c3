/** A small file's new content in the place of the old one: all of it, synced, or none. */
import { constants } from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';

const { O_CREAT, O_NOFOLLOW, O_TRUNC, O_WRONLY } = constants;

/** Readable by its owner only. When it throws, the old one stands. */
export async function replaceFile(path: string, content: string, encoding: BufferEncoding = 'utf8'): Promise<void> {
  const beside = `${path}.${process.pid}.new`;
  try {
    const file = await open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
    try {
      await file.writeFile(content, encoding);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await unlink(beside).catch(() => undefined);
    throw error;
  }
}
