/** Asks the running gateway; null when none runs on this state folder. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import type { Ban, DeviceReport, FilterStanding, ListedMessage, MessageHistory, Operations, Overview, RecentEvent, TrackedAddress, WebhookAnswer, WebhookState } from '../../core/operations.ts';
import type { LinkView } from '../../core/links.ts';
import type { Imported, QueueSummary, Verified } from '../../core/queue-store.ts';
import type { TlsResults } from '../../core/tls.ts';
import { readJsonLines, writeJsonLine } from '../../kit/json-lines.ts';
import { ClosedToUs, whyClosed } from '../../kit/file/owner.ts';
import { chunked } from './chunks.ts';
import { socketPath, type Answer, type Request } from './wire.ts';

/** A gateway that lives answers a look at once, and says something now and then about what takes long. */
const PATIENCE_MS = { look: 30_000, work: 15 * 60_000 };
const LOOKS: ReadonlySet<Request['ask']> = new Set(['summary', 'filters', 'devices', 'tls-results', 'recent', 'webhooks', 'show', 'overview', 'tracked', 'bans', 'content']);

function isLook(request: Request): boolean {
  // By domain, route or sender the whole queue may have to be read for nothing.
  return request.ask === 'list' ? typeof request.which === 'string' : LOOKS.has(request.ask);
}

/** `patience` in ms without a word: `look` for what is there already, `work` for what has to be done first. */
export async function findRunning(folder: string, patience = PATIENCE_MS): Promise<Operations | null> {
  const probe = await connectTo(folder);
  if (probe === null) return null;
  probe.destroy();

  async function* ask(request: Request, content?: AsyncIterable<Uint8Array>): AsyncGenerator<Answer> {
    const socket = await connectTo(folder);
    if (socket === null) throw new Error('the gateway stopped just now; try again');
    const waiting = patienceWith(socket, isLook(request) ? patience.look : patience.work);
    try {
      await waiting.for(writeJsonLine(socket, request));
      if (content !== undefined) {
        for await (const chunk of chunked(content)) await waiting.for(writeJsonLine(socket, { chunk }));
        await waiting.for(writeJsonLine(socket, { end: true }));
      }
      const lines = readJsonLines(socket);
      for (let line = await waiting.for(lines.next()); line.done !== true; line = await waiting.for(lines.next())) yield line.value as Answer;
    } finally {
      waiting.end();
      socket.destroy();
    }
  }
  async function last<T>(request: Request, content?: AsyncIterable<Uint8Array>): Promise<T> {
    for await (const answer of ask(request, content)) {
      if ('wrong' in answer) throw new Error(answer.wrong);
      if ('last' in answer) return answer.last as T;
    }
    throw new Error('the gateway stopped in the middle of its answer');
  }

  async function* items<T>(request: Request): AsyncGenerator<T> {
    for await (const answer of ask(request)) {
      if ('wrong' in answer) throw new Error(answer.wrong);
      if ('item' in answer) yield answer.item as T;
      else return;
    }
    throw new Error('the gateway stopped in the middle of the list');
  }
  async function* octets(request: Request): AsyncGenerator<Uint8Array> {
    for await (const chunk of items<string>(request)) yield Buffer.from(chunk, 'base64');
  }

  return {
    list: which => items<ListedMessage>({ ask: 'list', which }),
    show: id => last<MessageHistory | null>({ ask: 'show', id }),
    content: id => octets({ ask: 'content', id }),
    verify: how => items<Verified>({ ask: 'verify', how }),
    exportMessages: (which, how) => octets({ ask: 'export', which, how }),
    importMessages: content => last<Imported>({ ask: 'import' }, content),
    tracked: () => last<readonly TrackedAddress[]>({ ask: 'tracked' }),
    bans: () => last<readonly Ban[]>({ ask: 'bans' }),
    clearBans: which => last<number>({ ask: 'clear-bans', which }),
    forgetTracked: which => last<number>({ ask: 'forget-tracked', which }),
    overview: () => last<Overview>({ ask: 'overview' }),
    order: (which, order) => last<number>({ ask: 'order', which, order }),
    summary: () => last<QueueSummary>({ ask: 'summary' }),
    reload: () => last<readonly string[]>({ ask: 'reload' }),
    stop: () => last<void>({ ask: 'stop' }),
    recent: id => last<readonly RecentEvent[]>({ ask: 'recent', ...(id === undefined ? {} : { id }) }),
    devices: () => last<DeviceReport>({ ask: 'devices' }),
    tlsResults: () => last<readonly TlsResults[]>({ ask: 'tls-results' }),
    filters: () => last<readonly FilterStanding[]>({ ask: 'filters' }),
    webhooks: () => last<readonly WebhookState[]>({ ask: 'webhooks' }),
    links: () => last<readonly LinkView[]>({ ask: 'links' }),
    orderLink: (name, word) => last<LinkView | null>({ ask: 'link', name, word }),
    testWebhook: name => last<WebhookAnswer | null>({ ask: 'testWebhook', name }),
    submit({ content, ...submission }) {
      return last({ ask: 'submit', submission }, content);
    },
  };
}

async function connectTo(folder: string): Promise<Socket | null> {
  let handle;
  try {
    handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if (isDenied(error)) throw closed(folder);
    return null;
  }
  const path = socketPath(handle.fd);
  try {
    return await new Promise<Socket | null>((resolve, reject) => {
      const socket = connect(path);
      socket.once('connect', () => {
        socket.removeAllListeners('error');
        socket.on('error', () => socket.destroy());
        resolve(socket);
      });
      socket.once('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(null);
        else reject(isDenied(error) ? closed(folder) : error);
      });
    });
  } finally {
    await handle.close();
  }
}

function isDenied(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM');
}

/** Whether a gateway runs there is not ours to know: not the same as that none does. */
function closed(folder: string): ClosedToUs {
  return new ClosedToUs(whyClosed(folder, []) ?? `${folder} is closed to this account`);
}

/** Only the gateway's time counts: whoever reads the answer page by page may take his. */
function patienceWith(socket: Socket, ms: number): { for<T>(step: Promise<T>): Promise<T>; end(): void } {
  let waits = false;
  let late: Error | null = null;
  const timer = setTimeout(() => {
    if (!waits) return;
    late = unanswered(ms);
    socket.destroy(late);
  }, ms);
  return {
    async for(step) {
      waits = true;
      timer.refresh();
      try {
        return await step;
      } catch (error) {
        throw late ?? error;
      } finally {
        waits = false;
      }
    },
    end: () => clearTimeout(timer),
  };
}

function unanswered(ms: number): Error {
  return Object.assign(new Error(`the gateway has said nothing for ${Math.round(ms / 1000)} seconds: it is stopped (Ctrl-Z, kill -STOP), or far too busy`), { code: 'ETIMEDOUT' });
}
