/** One question to one server: by UDP from a port of its own, by TCP when the answer does not fit (RFC 7766). */
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import type { Deadlines } from '../deadlines.ts';
import type { NameServer } from './resolv-conf.ts';

/** `accept` gives null for octets that are no answer to this question; they are ignored. */
export interface Exchange<T> {
  readonly server: NameServer;
  readonly query: Buffer;
  readonly timeoutMs: number;
  readonly accept: (octets: Buffer) => T | null;
}

/** The value accepted, or why there is none. */
export type Exchanged<T> = { readonly kind: 'answered'; readonly value: T } | { readonly kind: 'silent'; readonly why: string };

export function askByUdp<T>(deadlines: Deadlines, { server, query, timeoutMs, accept }: Exchange<T>): Promise<Exchanged<T>> {
  return new Promise(resolve => {
    const socket = createSocket(isIPv6(server.host.replace(/%.*/, '')) ? 'udp6' : 'udp4');
    const end = (got: Exchanged<T>) => {
      deadline.clear();
      socket.removeAllListeners().on('error', () => undefined);
      try {
        socket.close();
      } catch {
        // It was never open: that is why we are here.
      }
      resolve(got);
    };
    const deadline = deadlines.open(() => end({ kind: 'silent', why: 'no answer' }));
    deadline.set(timeoutMs);
    socket.on('error', error => end({ kind: 'silent', why: error.message }));
    socket.on('message', octets => {
      const value = accept(octets);
      if (value !== null) end({ kind: 'answered', value });
    });
    // Connected: the kernel takes datagrams of this server only, from a random port, and tells us when nobody is there.
    socket.connect(server.port, server.host, () => socket.send(query));
  });
}

export function askByTcp<T>(deadlines: Deadlines, { server, query, timeoutMs, accept }: Exchange<T>): Promise<Exchanged<T>> {
  return new Promise(resolve => {
    const socket = connect({ host: server.host, port: server.port, noDelay: true });
    const end = (got: Exchanged<T>) => {
      deadline.clear();
      socket.removeAllListeners().on('error', () => undefined);
      socket.destroy();
      resolve(got);
    };
    const deadline = deadlines.open(() => end({ kind: 'silent', why: 'no answer by TCP' }));
    deadline.set(timeoutMs);
    let read: Buffer = Buffer.alloc(0);
    socket.on('error', error => end({ kind: 'silent', why: error.message }));
    socket.on('close', () => end({ kind: 'silent', why: 'the server closed the connection' }));
    socket.on('data', chunk => {
      read = Buffer.concat([read, chunk]);
      // Bounded: two octets of length say at most 64 KiB.
      if (read.length < 2 || read.length < 2 + read.readUInt16BE(0)) return;
      const value = accept(read.subarray(2, 2 + read.readUInt16BE(0)));
      end(value === null ? { kind: 'silent', why: 'an answer to something else' } : { kind: 'answered', value });
    });
    const length = Buffer.alloc(2);
    length.writeUInt16BE(query.length);
    socket.write(Buffer.concat([length, query]));
  });
}
