/**
 * Sockets, those that a server accepted too, read into one buffer that they share; what came is handed on as a copy of its size.
 *
 * QUIRK: Node makes a buffer of 64 KB for each read, however little comes, and the collector pays for them: a sixth of what
 * a message of 100 KB costs. `onread` (net.connect) spares it, but only for sockets that Node connects itself. Its
 * fields have no public name; where they are not as we know them, the socket stays the stream that it is, and only the
 * speed differs. test/unit/kit/shared-read.test.ts holds that this Node has them.
 */
import type { Socket } from 'node:net';
import { ShortLivedOctets } from '../short-lived-octets.ts';

const OCTETS = 512 * 1024;

/** False: no more until socket.resume(). */
export type Heard = (octets: Buffer) => boolean;

interface Fields {
  readonly buffer: symbol;
  readonly callback: symbol;
}

export class SharedRead {
  readonly #octets: number;
  #buffer: Buffer | null = null;
  #fields: Fields | null | undefined;
  readonly #copies = new ShortLivedOctets();

  /** At most so many come at once. */
  constructor(octets: number = OCTETS) {
    this.#octets = octets;
  }

  /** Before anything was read from it. False: it will be read as ever. The end of input comes as 'end' either way. */
  attach(socket: Socket, heard: Heard): boolean {
    this.#fields ??= fieldsOf(socket);
    const { _handle: handle } = socket as unknown as { readonly _handle?: { useUserBuffer?(buffer: Buffer): void } | null };
    if (this.#fields === null || socket.readableLength > 0 || typeof handle?.useUserBuffer !== 'function') return false;
    this.#buffer ??= Buffer.allocUnsafeSlow(this.#octets);
    const { buffer, callback } = this.#fields;
    // Before the handle is told: what comes from now on is for the callback.
    Object.assign(socket, {
      [buffer]: this.#buffer,
      [callback]: (length: number, octets: Buffer) => {
        const copy = Buffer.from(octets.subarray(0, length));
        this.#copies.made(length);
        return heard(copy);
      },
    });
    handle.useUserBuffer(this.#buffer);
    return true;
  }

  /** Once it is closed: it holds on to nobody then. */
  detach(socket: Socket): void {
    if (this.#fields !== null && this.#fields !== undefined) Object.assign(socket, { [this.#fields.callback]: null });
  }
}

function fieldsOf(socket: Socket): Fields | null {
  const named = (name: string) => Object.getOwnPropertySymbols(socket).find(({ description }) => description === name);
  const [buffer, callback] = [named('kBuffer'), named('kBufferCb')];
  return buffer === undefined || callback === undefined ? null : { buffer, callback };
}
