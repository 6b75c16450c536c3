/** DER (X.690), as much as certificates need: elements one behind the other, never beyond the octets that are there. */
export interface DerElement {
  readonly tag: number;
  readonly content: Buffer;
}

/** Null: this is no DER. */
export function readDer(octets: Buffer): readonly DerElement[] | null {
  const elements: DerElement[] = [];
  for (let at = 0; at < octets.length;) {
    const tag = octets[at] as number;
    const first = octets[at + 1];
    // No certificate has tags above 30 or lengths of more than three octets.
    if ((tag & 0x1f) === 0x1f || first === undefined) return null;
    const count = first < 0x80 ? 0 : first & 0x7f;
    if (first === 0x80 || count > 3 || at + 2 + count > octets.length) return null;
    const length = count === 0 ? first : octets.readUIntBE(at + 2, count);
    const start = at + 2 + count;
    if (start + length > octets.length) return null;
    elements.push({ tag, content: octets.subarray(start, start + length) });
    at = start + length;
  }
  return elements;
}
