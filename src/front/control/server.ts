/** Answers operators and programs of this box over a Unix socket in the state folder; the folder's mode is the lock. */
import { chmod, open, unlink } from 'node:fs/promises';
import { constants } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import type { MessageId } from '../../core/envelope.ts';
import type { Log } from '../../core/log.ts';
import type { LocalSubmission, Operations, Wanted } from '../../core/operations.ts';
import type { Selection } from '../../core/queue-store.ts';
import { chunked } from './chunks.ts';
import { readJsonLines, writeJsonLine } from '../../kit/json-lines.ts';
import { socketPath, type Answer, type ChunkLine, type Request } from './wire.ts';

export interface ControlServer {
  close(): Promise<void>;
}

const OWNER_ONLY = 0o600;
/** A state folder where its group may enter and write means it: uuxqt's rmail is another user's. */
const GROUPS = 0o030;
const WITH_GROUP = 0o660;

export async function openControlServer(options: { readonly folder: string; readonly operations: Operations; readonly log: Log }): Promise<ControlServer> {
  const folder = await open(options.folder, constants.O_RDONLY | constants.O_DIRECTORY);
  const path = socketPath(folder.fd);
  // A socket left by a crash refuses connections; the caller holds the state folder's lock, so it is not a live one.
  await unlink(path).catch(() => undefined);
  const sockets = new Set<Socket>();
  const server = createServer(socket => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    answer(socket, options.operations).catch((cause: unknown) => {
      options.log.error('control', { cause });
      socket.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  await chmod(path, ((await folder.stat()).mode & GROUPS) === GROUPS ? WITH_GROUP : OWNER_ONLY);
  return {
    async close() {
      await new Promise<void>(resolve => {
        server.close(() => resolve());
        // Whoever asked for the stop still reads the answer; the rest need not wait.
        for (const socket of sockets) socket.destroySoon();
      });
      await folder.close();
    },
  };
}

async function answer(socket: Socket, operations: Operations): Promise<void> {
  const lines = readJsonLines(socket);
  const say = (line: Answer) => writeJsonLine(socket, line);
  const first = await lines.next();
  if (first.done === true) return;
  const request = first.value as Request;
  try {
    switch (request.ask) {
      case 'list':
        for await (const item of operations.list(request.which as Wanted)) await say({ item });
        await say({ last: null });
        break;
      case 'order':
        await say({ last: await operations.order(request.which as Wanted, request.order as Parameters<Operations['order']>[1]) });
        break;
      case 'summary':
        await say({ last: await operations.summary() });
        break;
      case 'reload':
        await say({ last: await operations.reload() });
        break;
      case 'filters':
        await say({ last: (await operations.filters?.()) ?? [] });
        break;
      case 'devices':
        await say({ last: await operations.devices() });
        break;
      case 'tls-results':
        await say({ last: await operations.tlsResults() });
        break;
      case 'recent':
        await say({ last: await operations.recent(request.id as MessageId | undefined) });
        break;
      case 'webhooks':
        await say({ last: await operations.webhooks() });
        break;
      case 'links':
        await say({ last: await operations.links() });
        break;
      case 'link':
        await say({ last: await operations.orderLink(request.name, request.word) });
        break;
      case 'testWebhook':
        await say({ last: await operations.testWebhook(request.name ?? '') });
        break;
      case 'submit':
        await say({ last: await operations.submit({ ...(request.submission as Omit<LocalSubmission, 'content'>), content: chunks(lines) }) });
        break;
      case 'show':
        await say({ last: await operations.show(request.id as MessageId) });
        break;
      case 'overview':
        await say({ last: await operations.overview() });
        break;
      case 'tracked':
        await say({ last: await operations.tracked() });
        break;
      case 'bans':
        await say({ last: await operations.bans() });
        break;
      case 'clear-bans':
        await say({ last: await operations.clearBans(request.which) });
        break;
      case 'forget-tracked':
        await say({ last: await operations.forgetTracked(request.which) });
        break;
      case 'verify':
        for await (const item of operations.verify(request.how)) await say({ item });
        await say({ last: null });
        break;
      case 'content':
        for await (const item of chunked(operations.content(request.id as MessageId))) await say({ item });
        await say({ last: null });
        break;
      case 'export':
        for await (const item of chunked(operations.exportMessages(request.which as Selection, request.how))) await say({ item });
        await say({ last: null });
        break;
      case 'import':
        await say({ last: await operations.importMessages(chunks(lines)) });
        break;
      case 'stop':
        await say({ last: null });
        void operations.stop();
        break;
      default: {
        const never: never = request;
        await say({ wrong: `unknown request ${JSON.stringify(never)}` });
      }
    }
  } catch (error) {
    await say({ wrong: error instanceof Error ? error.message : String(error) });
  }
  socket.end();
}

async function* chunks(lines: AsyncGenerator): AsyncGenerator<Uint8Array> {
  // Not `for await`: leaving one would end the reader, and the socket with it, before the answer.
  for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
    const chunk = line.value as ChunkLine;
    if ('end' in chunk) return;
    yield Buffer.from(chunk.chunk, 'base64');
  }
  throw new Error('the submission ended early');
}
