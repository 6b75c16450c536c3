// The whole border. Numbers cross it, octets lie in a fixed arena; nothing here grows, allocates or calls the host.
//
//   0x00000  tables and constants (static data)
//   0x10000  state blocks, one for each kind of stream; the host copies a block out when another stream wants it
//   0x11800  headroom: what a stream held back lands here, so that the next chunk continues it without a seam
//   0x12000  INPUT, one chunk
//   0x22c00  OUTPUT, room for the worst growth (quoted-printable, three octets for one, and soft line breaks)
//   0x69000  look-up tables of the fax decoder, and at 0x71000 of the encoder, built when they are first used
//   0x79000  scratch within one call: octets that quoted-printable expanded and, from 0x7b000, where lines end, for it and
//            for line ends themselves; or where rows of a fax change colour
//   0x7d000  a look-up table of quoted-printable
//
// Kernels may read and write up to 128 octets past the end of either window.

/** Stands for this file and index.ts; the host refuses a module with another. What it has to be, abi.test.ts says. */
export const ABI: i32 = 0x67ef915;

export const INPUT: usize = 0x12000;
export const INPUT_OCTETS: i32 = 0x10000;
export const OUTPUT: usize = 0x22c00;
export const FAX_TABLES: usize = 0x69000;
export const FAX_RUNS: usize = 0x71000;
export const FAX_PAIRS: usize = 0x76800;
export const FAX_OCTETS: usize = 0x78800;
export const EXPANDED: usize = 0x79000;
export const LINE_ENDS: usize = 0x7b000;
export const EXPANSIONS: usize = 0x7d000;
export const FAX_PLACES: usize = 0x79000;

export const RECEPTION: usize = 0x10000; // content state, 512
export const SCAN: usize = 0x10200; // content state, 512
export const HASH: usize = 0x10400; // hash state with its own secret, 640
export const STUFFING: usize = 0x10700; // 64
export const NORMALISE: usize = 0x10740; // 64
export const QP_ENCODE: usize = 0x10780; // 64
export const BASE64_DECODE: usize = 0x107c0; // 64
export const BASE64_ENCODE: usize = 0x10800; // 128
export const FAX_ENCODE: usize = 0x10880; // 64
export const FAX_WIRE: usize = 0x108c0; // 64
export const QP_DECODE: usize = 0x10900; // 1152
export const FAX_DECODE: usize = 0x11000; // 1536

// The content state: what a scan found, then the hash of the same octets.
export const SIZE: usize = 0; // u64
export const LINE: usize = 8; // u64, octets of the line that is open
export const LONGEST: usize = 16; // u64
export const BARE_CR: usize = 24; // u64
export const BARE_LF: usize = 32; // u64
export const HEADER_END: usize = 40; // i64, -1 while unknown
export const FLAGS: usize = 48; // u32, the three below
export const LAST_FOUR: usize = 52; // the last four octets, oldest first
export const WIRE: usize = 56; // u32, how much of CR LF . CR the last chunk ended with
export const ENDED: usize = 60; // u32
export const POSITION: usize = 64; // u32, octets of the chunk that were read
export const CONTENT_AT: usize = 68; // u32, where the content found begins
export const CONTENT_OCTETS: usize = 72; // u32
export const CONTENT_HASH: usize = 96;

export const HAS_8BIT: u32 = 1;
export const HAS_NUL: u32 = 2;
export const HEADER_8BIT: u32 = 4;

export const CR: u32 = 13;
export const LF: u32 = 10;
export const DOT: u32 = 46;

/** No length from outside reaches past the window. */
export function chunkLength(octets: i32): i32 {
  return min(max(octets, 0), INPUT_OCTETS);
}
