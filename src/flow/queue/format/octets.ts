/** Numbers, texts and octets in a row: what the record format is written with. Grows once, then is used again. */
export class OctetWriter {
  #octets = Buffer.allocUnsafe(4096);
  #end = 0;

  clear(): void {
    this.#end = 0;
  }

  octet(value: number): void {
    this.#room(1);
    this.#octets[this.#end++] = value;
  }

  /** A whole number from 0 to 2^53-1, seven bits an octet, low bits first. */
  whole(value: number): void {
    this.#room(8);
    let rest = value;
    while (rest > 0x7f) {
      this.#octets[this.#end++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#octets[this.#end++] = rest;
  }

  float(value: number): void {
    this.#room(8);
    this.#end = this.#octets.writeDoubleBE(value, this.#end);
  }

  text(value: string): void {
    const longest = value.length * 3;
    this.#room(longest + 8);
    if (longest < 0x80) {
      const size = this.#octets.write(value, this.#end + 1);
      this.#octets[this.#end] = size;
      this.#end += 1 + size;
    } else {
      const size = Buffer.byteLength(value);
      this.whole(size);
      this.#end += this.#octets.write(value, this.#end);
    }
  }

  octets(value: Uint8Array): void {
    this.whole(value.length);
    this.fixed(value);
  }

  /** Octets whose number the reader knows. */
  fixed(value: Uint8Array): void {
    this.#room(value.length);
    this.#octets.set(value, this.#end);
    this.#end += value.length;
  }

  /** What was written so far; valid until the next write. */
  view(): Uint8Array {
    return this.#octets.subarray(0, this.#end);
  }

  /** What was written, as a buffer of its own. */
  copy(): Buffer {
    return Buffer.from(this.view());
  }

  #room(size: number): void {
    if (this.#end + size <= this.#octets.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#octets.length * 2, this.#end + size));
    this.#octets.copy(grown, 0, 0, this.#end);
    this.#octets = grown;
  }
}

/** Reads what OctetWriter wrote. Past the end it throws RangeError: the record is damaged, and its reader says so. */
export class OctetReader {
  readonly #octets: Buffer;
  #at = 0;

  constructor(octets: Buffer) {
    this.#octets = octets;
  }

  get left(): number {
    return this.#octets.length - this.#at;
  }

  octet(): number {
    const value = this.#octets[this.#at++];
    if (value === undefined) throw new RangeError('record ends early');
    return value;
  }

  whole(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const part = this.octet();
      value += (part & 0x7f) * scale;
      if (part < 0x80) return value;
      scale *= 0x80;
      if (scale > 2 ** 49) throw new RangeError('number too long');
    }
  }

  float(): number {
    const at = this.#advance(8);
    return this.#octets.readDoubleBE(at);
  }

  text(): string {
    const size = this.whole();
    const at = this.#advance(size);
    return this.#octets.toString('utf8', at, at + size);
  }

  octets(): Uint8Array {
    return this.fixed(this.whole());
  }

  /** A view of the record's octets, not a copy. */
  fixed(size: number): Uint8Array {
    const at = this.#advance(size);
    return this.#octets.subarray(at, at + size);
  }

  #advance(size: number): number {
    const at = this.#at;
    if (size > this.#octets.length - at) throw new RangeError('record ends early');
    this.#at = at + size;
    return at;
  }
}

/** A number that stands for a word; one that stands for none is damage. */
export function wordAt<T>(words: readonly T[], index: number): T {
  const found = words[index];
  if (found === undefined) throw new RangeError(`no word ${index}`);
  return found;
}
