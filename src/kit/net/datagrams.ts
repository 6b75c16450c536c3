/**
 * Datagrams to one place, as syslog wants them (RFC 5426): sent and forgotten. Nobody waits for a network: what the
 * system will not take now is dropped and counted.
 */
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';

export interface Datagrams {
  send(text: string): void;
  readonly dropped: number;
  /** What is on its way still goes. */
  close(): Promise<void>;
}

/** RFC 5426 §3.2: every receiver on IPv4 takes 480 octets and should take 2048. */
const LONGEST_OCTETS = 2048;
const ON_THE_WAY = 1000;

export function openDatagrams(host: string, port: number): Datagrams {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  socket.unref();
  let onTheWay = 0;
  let dropped = 0;
  let ended: (() => void) | null = null;
  socket.on('error', () => { dropped++; });
  return {
    get dropped() { return dropped; },
    send(text) {
      if (onTheWay >= ON_THE_WAY || ended !== null) {
        dropped++;
        return;
      }
      onTheWay++;
      socket.send(cut(text), port, host, error => {
        onTheWay--;
        if (error !== null) dropped++;
        if (onTheWay === 0) ended?.();
      });
    },
    async close() {
      const { promise, resolve } = Promise.withResolvers<void>();
      ended = resolve;
      if (onTheWay > 0) await promise;
      socket.close();
    },
  };
}

/** Not in the middle of a character. */
function cut(text: string): Buffer {
  const octets = Buffer.from(text);
  if (octets.length <= LONGEST_OCTETS) return octets;
  let end = LONGEST_OCTETS;
  while (((octets[end] ?? 0) & 0xc0) === 0x80) end--;
  return octets.subarray(0, end);
}
