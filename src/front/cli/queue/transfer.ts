/** queue export and queue import: a file of messages, to be carried to another box. */
import { open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { Ended, exits, fileTrouble, print, readArguments, Usage } from '../command.ts';
import { readId, tellMissing } from './named-messages.ts';
import type { QueueWord } from './word.ts';

const OWNER_ONLY = 0o600;

export async function exportQueue(args: readonly string[], { context, withQueue }: QueueWord): Promise<number> {
  const { values, positionals } = readArguments({ args: [...args], allowPositionals: true, options: { copy: { type: 'boolean' } } });
  const [file, ...words] = positionals;
  if (file === undefined) throw new Usage('export needs a file, or - for standard output');
  const ids = words.map(readId);
  const how = values.copy === true ? 'copy' : 'move';
  // Whole and on the disk under its name, or not there. Opened before the queue, with the rights of whoever asks.
  const part = `${file}.part`;
  const to = file === '-' ? null : await open(part, 'w', OWNER_ONLY).catch((error: unknown) => { throw fileTrouble(file, error, exits.cantCreate); });
  let tail = Buffer.alloc(0);
  let told = 0;
  try {
    const opened = await withQueue(async queue => {
      if (ids.length > 0) told = await missingIn(ids, queue.list({ ids }), id => tellMissing(context, queue, id));
      for await (const piece of queue.exportMessages(ids.length === 0 ? 'all' : { ids }, how)) {
        await (to === null ? written(context.stdout, piece) : whole(to, piece, file));
        tail = Buffer.concat([tail, piece]).subarray(-LAST_LINE);
      }
      return exits.ok;
    });
    if (opened === exits.ok) await to?.sync();
    await to?.close();
    if (to !== null) await (opened === exits.ok ? rename(part, file) : unlink(part));
    if (opened !== exits.ok) return opened;
  } catch (error) {
    await to?.close().catch(() => undefined);
    if (to !== null) await unlink(part).catch(() => undefined);
    throw error;
  }
  const { messages, claimed } = JSON.parse(tail.toString().trimEnd().split('\n').at(-1) ?? '{}') as { readonly messages: number; readonly claimed: number };
  const held = how === 'copy' || messages === 0 ? '' : ' and put on hold here';
  await print(context.stderr, `${messages} ${messages === 1 ? 'message' : 'messages'} exported${held}.`);
  if (claimed === 0) return told === 0 ? exits.ok : exits.failed;
  await print(context.stderr, `${claimed} more ${claimed === 1 ? 'is' : 'are'} being delivered and left out; stop the gateway, or export again later.`);
  return exits.tryLater;
}

async function missingIn<T extends string>(ids: readonly T[], listed: AsyncIterable<{ readonly id: T }>, tell: (id: T) => Promise<void>): Promise<number> {
  const missing = new Set(ids);
  for await (const { id } of listed) missing.delete(id);
  for (const id of missing) await tell(id);
  return missing.size;
}

async function whole(to: FileHandle, octets: Uint8Array, file: string): Promise<void> {
  try {
    for (let at = 0; at < octets.length;) at += (await to.write(octets, at)).bytesWritten;
  } catch (error) {
    throw fileTrouble(file, error, exits.ioError);
  }
}

const LAST_LINE = 4096;

function written(to: NodeJS.WritableStream, octets: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    to.write(octets, error => (error ? reject(error) : resolve()));
  });
}

export async function importQueue(args: readonly string[], { context, withQueue }: QueueWord): Promise<number> {
  const { positionals } = readArguments({ args: [...args], allowPositionals: true });
  const [file] = positionals;
  if (file === undefined || positionals.length > 1) throw new Usage('import needs one file, or - for standard input');
  const from = file === '-' ? null : await openExport(file);
  return withQueue(async (queue, running) => {
    const source: AsyncIterable<Uint8Array> = from === null ? (context.stdin as AsyncIterable<Uint8Array>) : from.createReadStream({ start: 0 });
    const { imported, known, damaged, complete } = await queue.importMessages(source);
    const later = running || imported === 0 ? '' : '; no gateway runs, they go out when it starts';
    await print(context.stdout, `${imported} ${imported === 1 ? 'message' : 'messages'} imported${known === 0 ? '' : `, ${known} ${known === 1 ? 'was' : 'were'} known already`}${damaged === 0 ? '' : `, ${damaged} of them damaged and set aside`}${later}.`);
    if (complete) return damaged === 0 ? exits.ok : exits.failed;
    await print(context.stderr, 'The file ends before its end: what it had is imported. Export again, or import the whole file; nothing comes twice.');
    return exits.tryLater;
  });
}

const FIRST_WORDS = '{"posthorn":"queue export"';

/** Open, and looked at: it begins as an export does. */
async function openExport(file: string): Promise<FileHandle> {
  const handle = await open(file, 'r').catch((error: unknown) => { throw fileTrouble(file, error, exits.noInput); });
  const head = Buffer.alloc(FIRST_WORDS.length);
  const { bytesRead } = await handle.read(head, 0, head.length, 0).catch(async (error: unknown) => {
    await handle.close();
    throw fileTrouble(file, error, exits.noInput);
  });
  if (FIRST_WORDS.startsWith(head.toString('latin1', 0, bytesRead)) && bytesRead > 0) return handle;
  await handle.close();
  throw new Ended(exits.badInput, `${file} is no queue export.`);
}

/** The queue ids that an export names. Contents are passed over, for a line of one may look like a head. */
export async function idsIn(file: string): Promise<readonly string[]> {
  const ids: string[] = [];
  let rest: Buffer = Buffer.alloc(0);
  let skip = 0;
  const handle = await openExport(file);
  for await (const piece of handle.createReadStream({ start: 0 }) as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, piece]);
    for (;;) {
      const passed = Math.min(skip, rest.length);
      rest = rest.subarray(passed);
      skip -= passed;
      const end = rest.indexOf(10);
      if (skip > 0 || end < 0) break;
      const head = JSON.parse(rest.toString('utf8', 0, end)) as { readonly id?: string; readonly contentOctets?: number };
      rest = rest.subarray(end + 1);
      if (head.id === undefined) continue;
      ids.push(head.id);
      skip = (head.contentOctets ?? 0) + 1;
    }
  }
  return ids;
}
