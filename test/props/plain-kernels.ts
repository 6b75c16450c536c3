/**
 * Kernels in plain TypeScript for tests of rooms that need some Kernels and not these in particular. The digest is
 * SHA-256 cut to 16 octets: as good for a test as XXH3-128, and not to be mistaken for it.
 */
import { createHash } from 'node:crypto';
import type { ContentFacts } from '../../src/core/content.ts';
import type { Kernels, Reception, Scan } from '../../src/core/kernels.ts';

const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;

export interface PlainKernels extends Kernels {
  /** Receptions opened and not given back. */
  readonly open: number;
}

export function createPlainKernels(): PlainKernels {
  const calls = { reception: 0, scan: 0, stuffing: 0, digest: 0 };
  let open = 0;
  return {
    build: 'scalar',
    calls,
    get open() {
      return open;
    },
    openReception() {
      open++;
      calls.reception++;
      return openReception(() => open--);
    },
    openScan() {
      calls.scan++;
      return openScan();
    },
    openStuffing: () => {
      throw new Error('no stuffing here');
    },
    digest: octets => digest([octets]),
    hash: octets => Buffer.from(digest([octets])).readBigUInt64BE(),
  };
}

function digest(pieces: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest().subarray(0, 16);
}

/** States: start of a line (after CRLF, or at the very start), after CR, within a line, and what a dot made of them. */
type Place = 'line start' | 'dot' | 'dot CR' | 'in line' | 'CR';

function openReception(closed: () => void): Reception {
  const scan = openScan();
  let place: Place = 'line start';
  let position = 0;
  let ended = false;
  let sizeOctets = 0;
  let isOpen = true;
  return {
    get position() {
      return position;
    },
    get ended() {
      return ended;
    },
    get sizeOctets() {
      return sizeOctets;
    },
    feed(chunk, from) {
      const out: number[] = [];
      let at = from;
      while (at < chunk.length && !ended) {
        const octet = chunk[at++] as number;
        switch (place) {
          case 'line start':
            if (octet === DOT) {
              place = 'dot';
              continue;
            }
            break;
          case 'dot':
            if (octet === CR) {
              place = 'dot CR';
              continue;
            }
            break; // the dot was stuffing
          case 'dot CR':
            if (octet === LF) {
              ended = true;
              continue;
            }
            out.push(CR);
            place = 'CR';
            break;
          case 'CR':
          case 'in line':
        }
        out.push(octet);
        if (octet === LF && place === 'CR') place = 'line start';
        else place = octet === CR ? 'CR' : 'in line';
      }
      position = at;
      const content = Uint8Array.from(out);
      sizeOctets += content.length;
      scan.feed(content);
      return content;
    },
    facts: () => scan.facts(),
    close() {
      if (!isOpen) throw new Error('closed twice');
      isOpen = false;
      closed();
    },
  };
}

function openScan(): Scan {
  const pieces: Uint8Array[] = [];
  return {
    feed: chunk => void pieces.push(Buffer.from(chunk)),
    facts(): ContentFacts {
      const whole = Buffer.concat(pieces);
      const text = whole.toString('latin1');
      const empty = text.startsWith('\r\n') ? 0 : text.indexOf('\r\n\r\n') + 2;
      const headerEnd = text.startsWith('\r\n') ? 2 : empty === 1 ? whole.length : empty + 2;
      return {
        sizeOctets: whole.length,
        has8bit: /[\u0080-\u00ff]/.test(text),
        hasNul: text.includes('\0'),
        bareCr: text.match(/\r(?!\n)/g)?.length ?? 0,
        bareLf: text.match(/(?<!\r)\n/g)?.length ?? 0,
        longestLine: Math.max(0, ...text.split('\r\n').map(line => line.length)),
        headerEnd,
        header8bit: /[\u0080-\u00ff]/.test(text.slice(0, headerEnd)),
        digest: digest(pieces),
      };
    },
  };
}
