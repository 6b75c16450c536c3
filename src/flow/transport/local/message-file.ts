/** The message as a file for a program to read and seek in, LF line ends. It has no name any more when the program sees it. */
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLfLines } from '../../../grammar/line-ends.ts';
import type { Octets } from './errand.ts';

/** Gathered before a write: small mail is one. */
const BLOCK_OCTETS = 256 * 1024;

export async function withMessageFile<T>(head: string, content: Octets, signal: AbortSignal, work: (file: FileHandle) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-'));
  try {
    const path = join(folder, 'message');
    await writeMessage(path, head, content, signal);
    const file = await open(path, 'r');
    try {
      await rm(folder, { recursive: true, force: true });
      return await work(file);
    } finally {
      await file.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeMessage(path: string, head: string, content: Octets, signal: AbortSignal): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    const lines = createLfLines();
    let block: Buffer[] = [Buffer.from(head)];
    let held = 0;
    for await (const piece of content.read()) {
      signal.throwIfAborted();
      const ready = lines.feed(piece);
      block.push(ready);
      held += ready.length;
      if (held < BLOCK_OCTETS) continue;
      await file.writeFile(Buffer.concat(block));
      block = [];
      held = 0;
    }
    await file.writeFile(Buffer.concat([...block, lines.finish()]));
  } finally {
    await file.close();
  }
}
