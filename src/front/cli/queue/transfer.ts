/** queue export and queue import: a file of messages, to be carried to another box. */
import { createReadStream } from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import type { MessageId } from '../../../core/envelope.ts';
import { exits, print, readArguments, Usage } from '../command.ts';
import type { QueueWord } from './word.ts';

const OWNER_ONLY = 0o600;

export async function exportQueue(args: readonly string[], { context, queue }: QueueWord): Promise<number> {
  const { values, positionals } = readArguments({ args: [...args], allowPositionals: true, options: { copy: { type: 'boolean' } } });
  const [file, ...ids] = positionals;
  if (file === undefined) throw new Usage('queue export needs a file, or - for standard output');
  const which = ids.length === 0 ? 'all' : { ids: ids as MessageId[] };
  const octets = queue.exportMessages(which, values.copy === true ? 'copy' : 'move');
  let tail = Buffer.alloc(0);
  const keepTail = (piece: Uint8Array) => {
    tail = Buffer.concat([tail, piece]).subarray(-LAST_LINE);
    return piece;
  };
  if (file === '-') {
    for await (const piece of octets) await written(context.stdout, keepTail(piece));
  } else {
    // Whole and on the disk under its name, or not there.
    const part = `${file}.part`;
    const to = await open(part, 'w', OWNER_ONLY);
    try {
      for await (const piece of octets) await to.write(keepTail(piece));
      await to.sync();
      await to.close();
      await rename(part, file);
    } catch (error) {
      await to.close().catch(() => undefined);
      await unlink(part).catch(() => undefined);
      throw error;
    }
  }
  const { messages, claimed } = JSON.parse(tail.toString().trimEnd().split('\n').at(-1) ?? '{}') as { readonly messages: number; readonly claimed: number };
  const held = values.copy === true ? '' : ' and put on hold here';
  await print(context.stderr, `${messages} ${messages === 1 ? 'message' : 'messages'} exported${held}.`);
  if (claimed === 0) return exits.ok;
  await print(context.stderr, `${claimed} more ${claimed === 1 ? 'is' : 'are'} being delivered and left out; stop the gateway, or export again later.`);
  return exits.tryLater;
}

const LAST_LINE = 4096;

function written(to: NodeJS.WritableStream, octets: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    to.write(octets, error => (error ? reject(error) : resolve()));
  });
}

export async function importQueue(args: readonly string[], { context, queue, running }: QueueWord): Promise<number> {
  const { positionals } = readArguments({ args: [...args], allowPositionals: true });
  const [file] = positionals;
  if (file === undefined || positionals.length > 1) throw new Usage('queue import needs one file, or - for standard input');
  const source = file === '-' ? context.stdin : createReadStream(file);
  const { imported, known, damaged, complete } = await queue.importMessages(source as AsyncIterable<Uint8Array>);
  await print(context.stdout, `${imported} ${imported === 1 ? 'message' : 'messages'} imported${known === 0 ? '' : `, ${known} were known already`}${damaged === 0 ? '' : `, ${damaged} of them damaged and set aside`}${running ? '' : '; no gateway runs, they go out when it starts'}.`);
  if (complete) return damaged === 0 ? exits.ok : exits.failed;
  await print(context.stderr, 'The file ends before its end: what it had is imported. Export again, or import the whole file; nothing comes twice.');
  return exits.tryLater;
}

/** The queue ids that an export names. Contents are passed over, for a line of one may look like a head. */
export async function idsIn(file: string): Promise<readonly string[]> {
  const ids: string[] = [];
  let rest: Buffer = Buffer.alloc(0);
  let skip = 0;
  let first = true;
  for await (const piece of createReadStream(file) as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, piece]);
    for (;;) {
      const passed = Math.min(skip, rest.length);
      rest = rest.subarray(passed);
      skip -= passed;
      const end = rest.indexOf(10);
      if (skip > 0 || end < 0) break;
      const head = JSON.parse(rest.toString('utf8', 0, end)) as { readonly posthorn?: string; readonly id?: string; readonly contentOctets?: number };
      rest = rest.subarray(end + 1);
      if (first && head.posthorn !== 'queue export') throw new Error(`${file} is no queue export`);
      first = false;
      if (head.id === undefined) continue;
      ids.push(head.id);
      skip = (head.contentOctets ?? 0) + 1;
    }
  }
  return ids;
}
