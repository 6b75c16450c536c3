/** Hands with other people's rights: the deputy's, reached over its socket. It is told who and what, never how. */
import { connect, type Socket } from 'node:net';
import type { Log } from '../../../core/log.ts';
import { formatDeliveryRequest, LONGEST_LINE, parseDeliveryDone } from '../../../grammar/local/delivery-wire.ts';
import type { Done, Errand, Hands, Octets } from './errand.ts';

export interface DeputyOptions {
  /** The socket's path, as configured now; undefined when there is none any more. */
  path(): string | undefined;
  /** The programs' own watchdog is the deputy's; this one is for a deputy that is silent. */
  limitMs(): number;
  readonly log: Log;
}

const PATIENCE_MS = 60_000;

/** A connection for each delivery: nothing is kept, so there is nothing to close. */
export function openDeputyHands({ path, limitMs, log }: DeputyOptions): Hands {
  return {
    async deliver(errand, content, signal) {
      const socket = path();
      if (socket === undefined) return silence('No deliveries to system users are set up here');
      try {
        return await ask(socket, errand, content, AbortSignal.any([signal, AbortSignal.timeout(limitMs() + PATIENCE_MS)]));
      } catch (cause) {
        log.error('deputy', { addr: errand.recipient, socket, cause });
        return silence('The delivery deputy does not answer');
      }
    },
  };
}

async function ask(path: string, { login, recipient, sender, extension }: Errand, content: Octets, signal: AbortSignal): Promise<Done> {
  signal.throwIfAborted();
  const socket = connect(path);
  const stop = () => socket.destroy(new Error('given up'));
  signal.addEventListener('abort', stop, { once: true });
  try {
    const answer = readLine(socket);
    // The answer may be an end; then the writing ends too, and says less.
    answer.catch(() => undefined);
    await write(socket, Buffer.from(formatDeliveryRequest({ login, recipient, sender, extension, octets: content.sizeOctets })));
    let octets = 0;
    for await (const piece of content.read()) {
      octets += piece.length;
      // The piece is the queue's own, and the socket may keep it a while.
      await write(socket, Uint8Array.from(piece));
    }
    if (octets !== content.sizeOctets) throw new Error(`the content has ${octets} octets and not ${content.sizeOctets}`);
    const done = parseDeliveryDone(await answer);
    if (done === null) throw new Error('the deputy’s answer is none');
    return done;
  } finally {
    signal.removeEventListener('abort', stop);
    socket.destroy();
  }
}

function write(socket: Socket, octets: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(octets, error => {
      if (error) reject(error);
      else resolve();
    });
  });
}

function readLine(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      text += chunk;
      const end = text.indexOf('\n');
      if (end >= 0) resolve(text.slice(0, end));
      else if (text.length > LONGEST_LINE) reject(new Error('the deputy’s answer is too long'));
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the deputy hung up')));
  });
}

function silence(text: string): Done {
  return { outcome: { kind: 'deferred', status: '4.3.0', blame: 'nexthop', said: { type: 'x-unix', text } }, forwards: [] };
}
