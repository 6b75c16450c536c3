/** A batch's octets as they were before somebody compressed them; which way is read off its first octets. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { chunksOf, continued } from './caller.ts';

export interface BatchInput {
  /** The first octets as they came: what tells one batch from another. */
  readonly head: Uint8Array;
  readonly octets: AsyncIterable<Uint8Array>;
}

/** The batch is broken, not we: running it again would not help. */
export class BadBatch extends Error {}

/** No batch is so large; a few kilobytes that become so much are an attack. */
const MOST_OCTETS = 4 * 1024 ** 3;
const HEAD_OCTETS = 64 * 1024;
const ZSTD = 0xfd2fb528;

export async function openBatchInput(input: Readable): Promise<BatchInput> {
  const chunks = chunksOf(input);
  let head: Buffer = Buffer.alloc(0);
  while (head.length < HEAD_OCTETS) {
    const next = await chunks.next();
    if (next.done === true) break;
    head = Buffer.concat([head, Buffer.from(next.value)]);
  }
  return { head, octets: limited(decompressed(head, continued(head, chunks))) };
}

function decompressed(head: Buffer, octets: AsyncGenerator<Uint8Array>): AsyncIterable<Uint8Array> {
  if (head.length < 4) return octets;
  if (head[0] === 0x1f && head[1] === 0x8b) return inflated(octets, createGunzip());
  if (head.readUInt32LE(0) === ZSTD) return inflated(octets, createZstdDecompress());
  if (head.toString('latin1', 0, 3) === 'BZh') return byProgram(octets, 'bzip2');
  if (head[0] === 0x1f && head[1] === 0x9d) return byProgram(octets, 'gzip'); // compress(1)'s form, which gzip reads
  return octets;
}

async function* inflated(octets: AsyncGenerator<Uint8Array>, through: ReturnType<typeof createGunzip> | ReturnType<typeof createZstdDecompress>): AsyncGenerator<Uint8Array> {
  const source = Readable.from(octets, { objectMode: false });
  source.on('error', error => through.destroy(error));
  source.pipe(through);
  try {
    for await (const chunk of through) yield chunk as Uint8Array;
  } catch (error) {
    throw isItsOwn(error) ? new BadBatch(`the batch cannot be decompressed: ${error.message}`) : error;
  } finally {
    source.destroy();
  }
}

function isItsOwn(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && /^(?:Z_|ZSTD_|ERR_ZLIB|ERR_ZSTD)/i.test(String(error.code));
}

/** When the program is not here, its error is ours: the job is kept. */
async function* byProgram(octets: AsyncGenerator<Uint8Array>, program: string): AsyncGenerator<Uint8Array> {
  const child = spawn(program, ['-dc'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = once(child, 'close') as Promise<[number | null]>;
  child.stdin.on('error', () => undefined); // it stopped reading; its exit code says why
  Readable.from(octets, { objectMode: false }).pipe(child.stdin);
  try {
    for await (const chunk of child.stdout) yield chunk as Uint8Array;
    const [code] = await ended;
    if (code !== 0) throw new BadBatch(`${program} cannot decompress this batch`);
  } finally {
    child.kill();
  }
}

async function* limited(octets: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let total = 0;
  for await (const chunk of octets) {
    total += chunk.length;
    if (total > MOST_OCTETS) throw new BadBatch(`the batch has more than ${MOST_OCTETS} octets when decompressed`);
    yield chunk;
  }
}
