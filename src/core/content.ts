/**
 * A message's octets: header, empty line, body; CRLF line ends; no dot-stuffing.
 * Small mail is one buffer, large mail a stream, so that small mail costs no stream and large mail no memory.
 */
export type Content = Uint8Array | AsyncIterable<Uint8Array>;

/** What one pass over the octets found (the receive path learns it for nothing while un-stuffing). */
export interface ContentFacts {
  readonly sizeOctets: number;
  readonly has8bit: boolean;
  readonly hasNul: boolean;
  readonly bareCr: number;
  readonly bareLf: number;
  /** Octets of the longest line, its CRLF not counted. */
  readonly longestLine: number;
  /** Offset of the first octet after the empty line that ends the header; sizeOctets when there is none. */
  readonly headerEnd: number;
  /** The header has octets above 127 (RFC 6532). */
  readonly header8bit: boolean;
  /** XXH3-128 of the content, 16 octets, canonical (big-endian) order. */
  readonly digest: Uint8Array;
}
