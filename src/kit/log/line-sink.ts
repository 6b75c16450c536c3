/**
 * Lines to a file descriptor, gathered: one write for many lines, in order. A file takes them at once, which costs less
 * than asking another thread to; a pipe may have a reader that stalls, who costs memory up to a bound, then lines, never time.
 */
import { fstatSync, write, writeSync } from 'node:fs';

const BLOCK_OCTETS = 16 * 1024;
/** What may wait for a reader that has stalled. */
const WAITING_BLOCKS = 512;
const STALLED_MS = 100;
const UTF8_OCTETS_PER_UNIT = 3;

export interface LineSink {
  /** With its line end. */
  write(line: string): void;
  /** Starts writing what is gathered. */
  flush(): void;
  /** Writes all that waits before it returns, as far as the reader takes it. */
  flushNow(): void;
  /** Resolves when all that was gathered is written, or lost. */
  end(): Promise<void>;
  /** Lines lost, to a reader that stalled or went away. */
  readonly dropped: number;
}

interface Block {
  readonly octets: Buffer;
  end: number;
  written: number;
  lines: number;
}

/** Given all that is gathered, before it is written; whole lines, that it may not keep. */
export type Gathered = (lines: Buffer) => void;

/** `blockOctets`: one write's worth; a line that is longer goes alone. */
export function openLineSink(descriptor: number, blockOctets: number = BLOCK_OCTETS, gathered: Gathered = () => undefined): LineSink {
  const isFile = fstatSync(descriptor).isFile();
  let filling = newBlock(blockOctets);
  let spare: Block | null = null;
  /** The first is being written when `busy`. */
  const waiting: Block[] = [];
  let busy = false;
  let dropped = 0;
  let ended: (() => void) | null = null;

  function newBlock(octets: number): Block {
    return { octets: Buffer.allocUnsafeSlow(octets), end: 0, written: 0, lines: 0 };
  }

  function turnOver(): void {
    if (filling.end === 0) return;
    gathered(filling.octets.subarray(0, filling.end));
    if (waiting.length >= WAITING_BLOCKS) {
      dropped += filling.lines;
      reset(filling);
      return;
    }
    waiting.push(filling);
    filling = spare ?? newBlock(blockOctets);
    spare = null;
  }

  function reset(block: Block): void {
    block.end = 0;
    block.written = 0;
    block.lines = 0;
  }

  function pump(): void {
    if (isFile) writeOut();
    const first = waiting[0];
    if (first === undefined) ended?.();
    if (busy || first === undefined) return;
    busy = true;
    write(descriptor, first.octets, first.written, first.end - first.written, null, (error, count) => {
      busy = false;
      if (error === null) first.written += count;
      else if (error.code === 'EAGAIN') {
        setTimeout(pump, STALLED_MS).unref();
        return;
      }
      else dropped += first.lines;
      if (error !== null || first.written >= first.end) finished(first);
      pump();
    });
  }

  /** What no write is under way for. */
  function writeOut(): void {
    for (const block of waiting.splice(busy ? 1 : 0)) {
      try {
        while (block.written < block.end) block.written += writeSync(descriptor, block.octets, block.written, block.end - block.written);
      } catch {
        // The disk is full, the reader is gone (EPIPE) or slow (EAGAIN), and mail does not wait for it.
        dropped += block.lines;
      }
      keep(block);
    }
  }

  function finished(block: Block): void {
    waiting.shift();
    keep(block);
  }

  function keep(block: Block): void {
    if (block.octets.length !== blockOctets) return;
    reset(block);
    spare = block;
  }

  return {
    get dropped() { return dropped; },
    write(line) {
      const most = line.length * UTF8_OCTETS_PER_UNIT;
      if (filling.end + most > filling.octets.length) {
        turnOver();
        if (most > filling.octets.length) filling = newBlock(most);
        pump();
      }
      filling.end += filling.octets.write(line, filling.end, 'utf8');
      filling.lines++;
    },
    flush() {
      turnOver();
      pump();
    },
    flushNow() {
      turnOver();
      // A pipe's write under way cannot be called back: what it holds is not written twice, and it ends before we do.
      writeOut();
    },
    end() {
      return new Promise(resolve => {
        ended = resolve;
        turnOver();
        pump();
      });
    },
  };
}
