/**
 * The content of one message on its way from the socket to a writer. Small mail is one write; large mail is written
 * in pieces, and the writer's promise holds the socket back. What is refused half-way is read to its end and dropped.
 */
import type { ContentFacts } from '../../core/content.ts';
import type { ContentWriter, Queued } from '../../core/intake.ts';
import type { Kernels, Reception, Scan } from '../../core/kernels.ts';
import { refuse, type Refusal } from '../../core/status.ts';
import { PIECE_OCTETS } from './limits.ts';
import { createLineMender, type LineMender } from './line-mender.ts';
import type { Reading } from './reading.ts';

/** Octet-wise senders must not make a list of a hundred thousand buffers. */
const PIECES = 256;

export interface ContentPolicy {
  /** 0: none. */
  readonly sizeOctets: number;
  readonly bareLineEnds: 'reject' | 'normalize' | 'pass';
}

export class ContentReading implements Reading {
  readonly #reception: Reception;
  readonly #writer: ContentWriter;
  readonly #policy: ContentPolicy;
  readonly #mender: LineMender | null;
  readonly #scan: Scan | null;
  #pieces: Uint8Array[] = [];
  #gathered = 0;
  #refusal: Refusal | null = null;
  #closed = false;

  constructor(kernels: Kernels, writer: ContentWriter, policy: ContentPolicy, reception: Reception = kernels.openReception()) {
    this.#reception = reception;
    this.#writer = writer;
    this.#policy = policy;
    this.#mender = policy.bareLineEnds === 'normalize' ? createLineMender() : null;
    this.#scan = this.#mender === null ? null : kernels.openScan();
  }

  /** Offset in the chunk last read of the first octet behind the end of data. */
  get position(): number {
    return this.#reception.position;
  }

  get ended(): boolean {
    return this.#reception.ended;
  }

  get sizeOctets(): number {
    return this.#reception.sizeOctets;
  }

  /** Why it will be refused, as far as is known. */
  get refusal(): Refusal | null {
    return this.#refusal;
  }

  read(chunk: Uint8Array, from: number): Promise<void> | undefined {
    const found = this.#reception.feed(chunk, from);
    if (this.#refusal !== null) return undefined;
    if (this.#policy.sizeOctets > 0 && this.#reception.sizeOctets > this.#policy.sizeOctets) {
      this.fail(refuse('tooLarge'));
      return undefined;
    }
    if (found.length > 0) this.#gather(this.#mender === null ? found : this.#mender.mend(found));
    return this.#gathered >= PIECE_OCTETS && !this.#reception.ended ? this.#write() : undefined;
  }

  /** Between two chunks: what has gathered goes on, if it is worth it. */
  pass(): Promise<void> | undefined {
    return this.#gathered >= PIECE_OCTETS ? this.#write() : undefined;
  }

  #gather(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#scan?.feed(piece);
    this.#pieces.push(piece);
    this.#gathered += piece.length;
    if (this.#pieces.length >= PIECES) this.#pieces = [Buffer.concat(this.#pieces)];
  }

  #write(): Promise<void> | undefined {
    if (this.#gathered === 0) return undefined;
    const piece = this.#pieces.length === 1 ? (this.#pieces[0] as Uint8Array) : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#gathered = 0;
    return this.#writer.write(piece);
  }

  /** The rest is read and dropped, and this is what finish() will say; the first reason stands. */
  fail(refusal: Refusal): void {
    this.#refusal ??= refusal;
    this.#pieces = [];
    this.#gathered = 0;
  }

  /** After `ended`. The reception is given back whatever comes. */
  finish(): Promise<Queued | Refusal> | Refusal {
    const received = this.#reception.facts();
    const refusal = this.#refusal;
    if (refusal !== null) return this.#closeWith(refusal);
    // RFC 5321 §2.3.8: CR and LF only as a pair; what a bare one means differs from host to host, which is smuggling's door.
    if (this.#policy.bareLineEnds === 'reject' && (received.bareCr > 0 || received.bareLf > 0)) return this.#closeWith(refuse('bareLineEnd'));
    const facts = this.#mendedFacts() ?? received;
    this.close();
    const waiting = this.#write();
    return waiting === undefined ? this.#writer.end(facts) : waiting.then(() => this.#writer.end(facts));
  }

  #mendedFacts(): ContentFacts | null {
    if (this.#mender === null || this.#scan === null) return null;
    this.#gather(this.#mender.finish());
    return this.#scan.facts();
  }

  #closeWith(refusal: Refusal): Refusal {
    this.close();
    return refusal;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reception.close();
  }
}

