/** Content as the store hands it out: trace fields first, then what was received. */
import type { ContentFacts } from '../../core/content.ts';
import type { StoredContent } from '../../core/queue-store.ts';

export function contentInMemory(facts: ContentFacts, trace: Uint8Array, pieces: readonly Uint8Array[]): StoredContent {
  const all = [trace, ...pieces];
  return { kind: 'content', facts, sizeOctets: trace.length + facts.sizeOctets, read: () => all };
}

export function contentInFile(facts: ContentFacts, trace: Uint8Array, open: () => AsyncIterable<Uint8Array>): StoredContent {
  return {
    kind: 'content',
    facts,
    sizeOctets: trace.length + facts.sizeOctets,
    async *read() {
      if (trace.length > 0) yield trace;
      yield* open();
    },
  };
}

export function whole(pieces: readonly Uint8Array[]): Uint8Array {
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
}
