/**
 * Content that comes by BDAT (RFC 3030 §2), in the place of DATA's reception: each chunk is as many octets as were said,
 * whatever they are, so no dot ends anything and none is taken out. One scan runs over all chunks of a message.
 */
import type { ContentFacts } from '../../core/content.ts';
import type { Reception, Scan } from '../../core/kernels.ts';

export class ChunkReception implements Reception {
  position = 0;
  sizeOctets = 0;
  readonly #scan: Scan;
  #left = 0;
  #facts: ContentFacts | null = null;

  constructor(scan: Scan) {
    this.#scan = scan;
  }

  /** The next chunk has so many octets. */
  expect(octets: number): void {
    this.#left = octets;
  }

  /** The chunk is whole; whether it was the last one is another matter. */
  get ended(): boolean {
    return this.#left === 0;
  }

  feed(chunk: Uint8Array, from: number): Uint8Array {
    const found = chunk.subarray(from, from + this.#left);
    this.#scan.feed(found);
    this.#left -= found.length;
    this.sizeOctets += found.length;
    this.position = from + found.length;
    return found;
  }

  facts(): ContentFacts {
    this.#facts ??= this.#scan.facts();
    return this.#facts;
  }

  close(): void {
    this.facts(); // closes the scan
  }
}
