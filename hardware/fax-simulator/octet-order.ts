/** Octets as they stand on the wire to the computer: bits turned, DLE twice. */
const DLE = 0x10;

export function turned(octets: Uint8Array): Buffer {
  return Buffer.from(octets.map(octet => Number.parseInt(octet.toString(2).padStart(8, '0').split('').toReversed().join(''), 2)));
}

export function doubled(octets: Uint8Array): Buffer {
  return Buffer.from(Array.from(octets).flatMap(octet => (octet === DLE ? [DLE, DLE] : [octet])));
}
