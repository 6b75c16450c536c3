/** Connections whose PROXY header has not come yet: one deadline for all, and nothing of them is believed before. */
import type { Socket } from 'node:net';
import { parseProxyHeader, type ProxiedPeer } from '../../grammar/smtp/proxy-header.ts';
import { PROXY_HEADER_MS } from './limits.ts';

/** `peer` null: the balancer speaks for itself. */
export type HeaderRead = { readonly kind: 'header'; readonly peer: ProxiedPeer | null } | { readonly kind: 'lost'; readonly why: string };

export class ProxyHeaders {
  readonly #waiting = new Map<Socket, { readonly since: number; readonly give: (read: HeaderRead) => void }>();

  /** Calls back once; what stands behind the header is put back into the socket. */
  read(socket: Socket, now: number, heard: (read: HeaderRead) => void): void {
    let held: Buffer = Buffer.alloc(0);
    const give = (read: HeaderRead) => {
      if (!this.#waiting.delete(socket)) return;
      socket.off('readable', look).off('error', lost).off('close', lost).off('end', lost);
      // Somebody has to hear of an error between us and the session.
      socket.on('error', () => undefined);
      heard(read);
    };
    const look = () => {
      for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
        held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
        const header = parseProxyHeader(held);
        if (header.kind === 'more') continue;
        if (header.kind === 'bad') return give({ kind: 'lost', why: header.why });
        if (header.octets < held.length) socket.unshift(held.subarray(header.octets));
        return give({ kind: 'header', peer: header.peer });
      }
    };
    const lost = () => give({ kind: 'lost', why: 'gone before its PROXY header' });
    this.#waiting.set(socket, { since: now, give });
    socket.on('readable', look).on('error', lost).on('close', lost).on('end', lost);
  }

  /** Called about once a second. */
  sweep(now: number): void {
    for (const { since, give } of this.#waiting.values()) if (now - since >= PROXY_HEADER_MS) give({ kind: 'lost', why: 'its PROXY header did not come' });
  }
}
