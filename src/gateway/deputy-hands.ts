/**
 * One delivery with one user's rights. Started by the deputy as root with nothing but an order on standard input;
 * becomes the user, for good and with the user's groups, before it does anything else; answers in one line.
 */
import { open, rm, mkdtemp, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HandsOrder } from './deputy.ts';
import type { Log } from '../core/log.ts';
import { createHands } from '../flow/transport/local/index.ts';
import { formatDeliveryDone } from '../grammar/local/delivery-wire.ts';
import { createSystemClock } from '../kit/system-clock.ts';
import { createMailboxes } from '../service/mailbox/index.ts';
import { createMaildrop } from '../service/maildrop/index.ts';

const LONGEST_ORDER = 1024 * 1024;
/** What is kept in memory; more goes to a file without a name. */
const SMALL_OCTETS = 256 * 1024;

type Source = AsyncIterator<Buffer>;

const source: Source = (process.stdin as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
const { order, rest } = await readOrder(source);
become(order);
const content = await readContent(source, rest, order.request.octets);
const clock = createSystemClock();
const log: Log = { info: () => undefined, warn: write, error: write };
const mailboxes = createMailboxes({ host: order.host, clock, log });
const maildrop = createMaildrop({ mailboxes, clock, systemRecipe: join(order.folder, 'maildroprc'), trustedFolder: join(order.folder, 'maildroprcs'), sendmail: '/usr/sbin/sendmail -oi' });
const hands = createHands({ mailboxes, maildrop, clock, log, settings: () => order.settings });
const { user, request } = order;
const stopping = new AbortController();
process.on('SIGTERM', () => stopping.abort());
const done = await hands.deliver(
  { ...request, login: user.login, home: user.home, ours: false, folder: join(user.home, 'Maildir') },
  { sizeOctets: request.octets, read: content.read }, stopping.signal,
);
await content.close();
process.stdout.write(formatDeliveryDone(done), () => process.exit(0));

/** The deputy is root's and ours: what it orders is not a stranger's. */
async function readOrder(from: Source): Promise<{ readonly order: HandsOrder; readonly rest: Buffer }> {
  let held = Buffer.alloc(0);
  for (;;) {
    const end = held.indexOf(0x0a);
    if (end >= 0) return { order: JSON.parse(held.toString('utf8', 0, end)) as HandsOrder, rest: held.subarray(end + 1) };
    const next = await from.next();
    if (next.done === true || held.length > LONGEST_ORDER) throw new Error('no order came');
    held = Buffer.concat([held, next.value]);
  }
}

/** Groups first: whoever has given up being root cannot choose them any more. */
function become({ user: { login, uid, gid } }: HandsOrder): void {
  if (uid === 0 || gid === 0) throw new Error('nobody becomes root');
  // In Node's manual, and not in its type declarations.
  const initgroups: unknown = Reflect.get(process, 'initgroups');
  if (typeof initgroups !== 'function') throw new Error('this system has no groups to take');
  Reflect.apply(initgroups, process, [login, gid]);
  process.setgid?.(gid);
  process.setuid?.(uid);
  if (process.getuid?.() !== uid || process.geteuid?.() !== uid || process.getgid?.() !== gid || process.getegid?.() !== gid) throw new Error('the user’s rights could not be taken');
  if (process.getgroups?.().includes(0) === true) throw new Error('root’s group is still there');
  process.umask(0o077);
}

async function readContent(from: Source, first: Buffer, octets: number): Promise<{ read(): readonly Uint8Array[] | AsyncIterable<Uint8Array>; close(): Promise<void> }> {
  const file = octets > SMALL_OCTETS ? await openNameless() : null;
  const pieces: Buffer[] = [];
  let size = 0;
  const take = async (piece: Buffer) => {
    size += piece.length;
    if (size > octets) throw new Error('more came than was said');
    if (file === null) pieces.push(piece);
    else await file.writeFile(piece);
  };
  if (first.length > 0) await take(first);
  for (;;) {
    if (size >= octets) break;
    const next = await from.next();
    // Half a message must not be taken for one.
    if (next.done === true) throw new Error('less came than was said');
    await take(next.value);
  }
  return {
    read: file === null ? () => pieces : () => readFrom(file),
    close: async () => file?.close(),
  };
}

async function openNameless(): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-'));
  try {
    return await open(join(folder, 'message'), 'wx+', 0o600);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function* readFrom(file: FileHandle): AsyncGenerator<Uint8Array> {
  for (let at = 0; ; ) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SMALL_OCTETS), 0, SMALL_OCTETS, at);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

function write(event: string, fields: Readonly<Record<string, unknown>> = {}): void {
  const { cause, ...others } = fields;
  process.stderr.write(`${JSON.stringify({ event, login: order.user.login, ...others, why: cause instanceof Error ? cause.message : cause })}\n`);
}
