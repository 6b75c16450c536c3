/** Input that came while an answer was being waited for. Past a limit the socket is told to stop. */
import { WAITING_OCTETS } from './limits.ts';

export class Backlog {
  #chunks: Buffer[] = [];
  #octets = 0;

  get full(): boolean {
    return this.#octets >= WAITING_OCTETS;
  }

  get empty(): boolean {
    return this.#chunks.length === 0;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#octets += chunk.length;
  }

  /** The rest of the chunk being worked off goes before all that came later. */
  putBack(rest: Buffer): void {
    this.#chunks.unshift(rest);
    this.#octets += rest.length;
  }

  next(): Buffer | undefined {
    const chunk = this.#chunks.shift();
    this.#octets -= chunk?.length ?? 0;
    return chunk;
  }

  clear(): void {
    this.#chunks = [];
    this.#octets = 0;
  }
}
