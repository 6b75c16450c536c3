/** Reaching a scanner, over TCP or a Unix socket, and one exchange with it that ends when it or the signal says so. */
import { connect, type Socket } from 'node:net';
import type { FilterPlace } from '../../grammar/config/content-filters.ts';

/** The signal ends the connection, too. */
export async function reach(place: FilterPlace, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted();
  const socket = place.kind === 'unix' ? connect(place.path) : connect({ ...place.endpoint, noDelay: true });
  signal.addEventListener('abort', () => socket.destroy(new Error('too late')), { once: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  socket.on('error', () => undefined);
  return socket;
}

/** Waits for the reader where it is slow; false when it is gone, which its answer may explain. */
export function send(socket: Socket, octets: Uint8Array | string): Promise<boolean> {
  if (socket.destroyed || !socket.writable) return Promise.resolve(false);
  if (socket.write(octets)) return Promise.resolve(true);
  return new Promise(resolve => {
    const settle = (alive: boolean) => () => {
      socket.off('drain', yes).off('close', no);
      resolve(alive);
    };
    const yes = settle(true);
    const no = settle(false);
    socket.once('drain', yes).once('close', no);
  });
}

/** Everything until it closes, or until `whole` says that is all. */
export function answerOf(socket: Socket, limitOctets: number, whole: (text: string) => boolean = () => false): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (text.length > limitOctets) reject(new Error(`an answer of more than ${limitOctets} octets`));
      else if (whole(text)) resolve(text);
    });
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  });
}
