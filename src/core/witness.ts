/**
 * Who reads a message along as it comes and judges it at its end: what signatures were made of is what came, before any
 * rule of ours touched it.
 */
import type { Facts, Verdict } from './policy.ts';

export interface Witness {
  /** Null: this message is none of its business, and costs nothing. */
  open(facts: Facts): Watch | null;
}

export interface Watch {
  /** Reads only: the chunk goes on to others. A promise asks to wait before the next one. */
  write(chunk: Uint8Array): Promise<void> | undefined;
  /** The content is over. Never rejects; trouble is no verdict. */
  judge(facts: Facts): Promise<Verdict>;
  /** Forgets everything; harmless when repeated. */
  close(): void;
}
