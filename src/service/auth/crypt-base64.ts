/** The base64 of crypt(3): its own alphabet, least significant bits first, octets in an order each scheme chooses. */

const alphabet = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Encodes `digest`: each group is up to three octet positions, most significant first; -1 is a zero octet not written. */
export function cryptBase64(digest: Uint8Array, groups: readonly (readonly [number, number, number])[]): string {
  let text = '';
  for (const group of groups) {
    let word = 0;
    for (const position of group) word = (word << 8) | (position < 0 ? 0 : digest[position]!);
    const absent = group.filter((position) => position < 0).length;
    for (let left = 4 - absent; left > 0; left--) {
      text += alphabet[word & 63]!;
      word >>= 6;
    }
  }
  return text;
}
