/**
 * Kernels for tests that need a digest and not its speed: truncated SHA-256 stands where XXH3 would. Only what the
 * queue asks for is there; the rest throws.
 */
import { createHash } from 'node:crypto';
import type { ContentFacts } from '../../src/core/content.ts';
import type { Kernels } from '../../src/core/kernels.ts';

export function createShaKernels(): Kernels {
  const calls = { reception: 0, scan: 0, stuffing: 0, digest: 0 };
  const digest = (octets: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(octets).digest().subarray(0, 16));
  return {
    build: 'scalar',
    calls,
    openReception: () => unwanted(),
    openStuffing: () => unwanted(),
    openScan() {
      calls.scan++;
      const hash = createHash('sha256');
      let sizeOctets = 0;
      return {
        feed(chunk) {
          sizeOctets += chunk.length;
          hash.update(chunk);
        },
        facts: () => plainFacts(sizeOctets, new Uint8Array(hash.digest().subarray(0, 16))),
      };
    },
    digest(octets) {
      calls.digest++;
      return digest(octets);
    },
    hash: (octets, seed) => Buffer.from(digest(octets)).readBigUInt64BE() ^ seed,
  };
}

export function plainFacts(sizeOctets: number, digest: Uint8Array): ContentFacts {
  return { sizeOctets, digest, has8bit: false, hasNul: false, bareCr: 0, bareLf: 0, longestLine: 60, headerEnd: 0, header8bit: false };
}

function unwanted(): never {
  throw new Error('the queue has no use for this kernel');
}
