/** Octets on their way in that are no commands. */
import type { Refusal } from '../../core/status.ts';

export interface Reading {
  /** Offset in the chunk last read of the first octet that is not ours. */
  readonly position: number;
  /** All that was announced, or the end of data, has been read. */
  readonly ended: boolean;
  readonly sizeOctets: number;
  /** A promise asks to wait before the next chunk; it may reject. */
  read(chunk: Uint8Array, from: number): Promise<void> | undefined;
  /** The rest is read and dropped. */
  fail(refusal: Refusal): void;
  /** Harmless when repeated. */
  close(): void;
}

/** A chunk that nobody wants: to be read all the same, since only behind it comes the next command (RFC 3030 §2). */
export class Discarding implements Reading {
  position = 0;
  sizeOctets = 0;
  #left: number;

  constructor(octets: number) {
    this.#left = octets;
  }

  get ended(): boolean {
    return this.#left === 0;
  }

  read(chunk: Uint8Array, from: number): undefined {
    const octets = Math.min(this.#left, chunk.length - from);
    this.#left -= octets;
    this.sizeOctets += octets;
    this.position = from + octets;
  }

  fail(): void {
    // It is failed already.
  }

  close(): void {
    // It holds nothing.
  }
}
