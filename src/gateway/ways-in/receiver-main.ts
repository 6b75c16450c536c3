/** A process that receives and nothing else, on the orders of the gateway that started it; it ends with the gateway. */
import { letHeapGrow } from '../../kit/small-heap.ts';
import { hostname } from 'node:os';
import type { Log, LogFields } from '../../core/log.ts';
import { openReceiver, type ReceiverRoom } from './receiver.ts';
import { openLogbook } from '../../front/log/index.ts';
import { PIPE_BLOCK_OCTETS } from '../../kit/log/log-lines.ts';
import type { Order, Word } from './receivers.ts';

const EXIT_SOFTWARE = 70;
const GRACE_MS = 30_000;

serve();

function serve(): void {
  // Several processes write to one descriptor: what is longer than a pipe takes at once would mix with others' lines.
  const log = openLogbook({ host: hostname(), pid: process.pid, blockOctets: PIPE_BLOCK_OCTETS, base: { receiver: process.pid } });
  const told = createTold(events => say({ kind: 'events', events }));
  let room: ReceiverRoom | null = null;
  let ending = false;

  function say(word: Word): void {
    if (process.connected) process.send?.(word);
  }

  async function obey(order: Order): Promise<void> {
    switch (order.kind) {
      case 'begin':
        room = await openReceiver(order.folder, order.ports, { log: both(log, told), logbook: log, queued: () => say({ kind: 'queued' }), tell: tallies => say({ kind: 'tallies', tallies }) });
        letHeapGrow();
        // The end came while it was opened.
        return ending ? room.close(0) : say({ kind: 'ready' });
      case 'reload':
        return room?.reload();
      case 'tallies':
        return room?.heard(order.tallies);
      case 'metrics':
        return say({ kind: 'metrics', text: (await room?.metrics()) ?? '' });
      case 'stop':
        return end(order.graceMs);
      default:
        order satisfies never;
    }
  }

  async function end(graceMs: number): Promise<void> {
    if (ending) return;
    ending = true;
    await room?.close(graceMs);
    log.flush();
    if (process.connected) process.disconnect();
  }

  function broken(cause: unknown): void {
    say({ kind: 'failed', why: cause instanceof Error ? cause.message : String(cause) });
    log.error('bug', { cause });
    log.flush();
    process.exit(EXIT_SOFTWARE);
  }

  process.on('message', (order: Order) => void obey(order).catch(broken));
  // The gateway is gone, however it went.
  process.on('disconnect', () => void end(GRACE_MS).catch(broken));
  process.on('uncaughtException', broken);
  // A terminal's Ctrl-C and a service manager's stop reach the whole group; the gateway says when it is time.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
}

type Told = readonly [event: string, fields: LogFields];

/** The gateway is slower than we are: who looks on misses some, and mail does not wait. */
const MOST_TOLD = 5000;

/** What is told of messages, a turn's worth at a time: right behind the word that there is mail, so before what becomes of it. */
function createTold(tell: (events: readonly Told[]) => void): Log {
  let waiting: Told[] = [];
  let sending = false;
  const send = () => {
    sending = false;
    const events = waiting;
    waiting = [];
    tell(events);
  };
  return {
    info(event, fields) {
      if (fields?.['id'] === undefined || waiting.length >= MOST_TOLD) return;
      waiting.push([event, fields]);
      if (sending) return;
      sending = true;
      setImmediate(send);
    },
    warn: () => undefined,
    error: () => undefined,
  };
}

function both(one: Log, other: Log): Log {
  const to = (level: keyof Log) => (event: string, fields?: LogFields) => {
    one[level](event, fields);
    other[level](event, fields);
  };
  return { info: to('info'), warn: to('warn'), error: to('error') };
}
