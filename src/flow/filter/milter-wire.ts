/** Packets to and from one milter connection. */
import type { Socket } from 'node:net';
import { parseReply, takePacket, type MilterReply } from '../../grammar/filter/milter.ts';
import { send } from './place.ts';

export interface MilterWire {
  say(packet: Uint8Array): Promise<void>;
  /** Rejects when the milter has gone or talks nonsense. */
  next(): Promise<MilterReply>;
}

/** A new body comes faster than a disk takes it. */
const MOST_READY = 16;

export function openMilterWire(socket: Socket): MilterWire {
  const ready: MilterReply[] = [];
  let rest: Buffer = Buffer.alloc(0);
  let waiting: { resolve(reply: MilterReply): void; reject(cause: Error): void } | null = null;
  let broken: Error | null = null;

  function fail(cause: Error): void {
    broken ??= cause;
    waiting?.reject(broken);
    waiting = null;
  }
  socket.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      const packet = takePacket(rest);
      if (packet === null) return;
      if (packet === 'garbage') return fail(new Error('what came is no milter packet'));
      rest = rest.subarray(packet.end);
      const reply = parseReply(packet.letter, Buffer.from(packet.data));
      if (waiting === null) {
        ready.push(reply);
        if (ready.length >= MOST_READY) socket.pause();
      }
      else {
        const { resolve } = waiting;
        waiting = null;
        resolve(reply);
      }
    }
  });
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the milter closed the connection')));

  return {
    async say(packet) {
      if (!(await send(socket, packet))) throw broken ?? new Error('the milter closed the connection');
    },
    async next() {
      for (;;) {
        if (ready.length < MOST_READY) socket.resume();
        const reply = ready.shift() ?? (broken === null ? await new Promise<MilterReply>((resolve, reject) => { waiting = { resolve, reject }; }) : null);
        if (reply === null) throw broken ?? new Error('the milter closed the connection');
        // It is still at work; the filter's own time limit is what ends it.
        if (reply.kind !== 'progress') return reply;
      }
    },
  };
}
