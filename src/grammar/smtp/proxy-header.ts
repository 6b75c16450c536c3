/**
 * The PROXY protocol, versions 1 and 2, as a load balancer puts it before a connection: who the client is, since it was the
 * balancer that connected. Strict in every octet, because what is believed here decides who may relay.
 */
import { formatIpAddress, parseIpAddress } from '../config/network.ts';

export interface ProxiedPeer {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
}

export type ProxyHeader =
  /** Not all of it is there. */
  | { readonly kind: 'more' }
  /** `peer` null: the balancer speaks for itself, or does not know (LOCAL, UNKNOWN). */
  | { readonly kind: 'header'; readonly octets: number; readonly peer: ProxiedPeer | null }
  | { readonly kind: 'bad'; readonly why: string };

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const FIXED_OCTETS = 16;
/** Version 1: "a 108-byte buffer is always enough to store all the line and a trailing zero". */
const LINE_OCTETS = 107;
/** Version 2 allows 64 K of extensions; nobody sends a twentieth of it. */
const EXTENSION_OCTETS = 4096;
const LF = 0x0a;
const more: ProxyHeader = { kind: 'more' };

export function parseProxyHeader(octets: Uint8Array): ProxyHeader {
  const seen = Buffer.from(octets.buffer, octets.byteOffset, octets.length);
  const common = Math.min(seen.length, SIGNATURE.length);
  if (common === 0) return more;
  if (seen.subarray(0, common).equals(SIGNATURE.subarray(0, common))) return common < SIGNATURE.length ? more : parseBinary(seen);
  const begin = seen.subarray(0, 6).toString('latin1');
  if (!'PROXY '.startsWith(begin)) return bad('no PROXY header');
  const lf = seen.subarray(0, LINE_OCTETS).indexOf(LF);
  if (lf < 0) return seen.length < LINE_OCTETS ? more : bad('a PROXY line that is too long');
  return parseLine(seen.toString('latin1', 0, lf + 1), lf + 1);
}

function parseLine(line: string, octets: number): ProxyHeader {
  if (/^PROXY UNKNOWN(?: [ -~]*)?\r\n$/.test(line)) return { kind: 'header', octets, peer: null };
  const found = /^PROXY TCP([46]) ([0-9A-Fa-f.:]+) ([0-9A-Fa-f.:]+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})\r\n$/.exec(line);
  const [, family, from = '', to = '', fromPort, toPort] = found ?? [];
  const source = family === undefined ? null : addressOf(from, family);
  const destination = family === undefined ? null : addressOf(to, family);
  if (source === null || destination === null || Number(fromPort) > 65_535 || Number(toPort) > 65_535) return bad('a PROXY line that is none');
  return { kind: 'header', octets, peer: { remoteAddress: source, remotePort: Number(fromPort), localAddress: destination, localPort: Number(toPort) } };
}

function addressOf(text: string, family: string): string | null {
  const isSix = text.includes(':');
  const address = parseIpAddress(text);
  return address === null || isSix !== (family === '6') ? null : formatIpAddress(address);
}

function parseBinary(seen: Buffer): ProxyHeader {
  if (seen.length < FIXED_OCTETS) return more;
  const [version, family, length] = [seen[12] as number, seen[13] as number, seen.readUInt16BE(14)];
  if (version !== 0x20 && version !== 0x21) return bad('another version or command of PROXY');
  if (length > EXTENSION_OCTETS) return bad('a PROXY header that is too long');
  const octets = FIXED_OCTETS + length;
  if (seen.length < octets) return more;
  // LOCAL: the balancer looks whether we live; whatever addresses it says are to be ignored.
  if (version === 0x20) return { kind: 'header', octets, peer: null };
  switch (family) {
    case 0x11: // TCP over IPv4
      return length < 12 ? bad('a PROXY header that is too short') : { kind: 'header', octets, peer: peerOf(seen, 4) };
    case 0x21: // TCP over IPv6
      return length < 36 ? bad('a PROXY header that is too short') : { kind: 'header', octets, peer: peerOf(seen, 16) };
    case 0x00: // not known
    case 0x31: // a Unix socket
      return { kind: 'header', octets, peer: null };
    default:
      return bad('a PROXY header for something else than TCP');
  }
}

function peerOf(seen: Buffer, size: 4 | 16): ProxiedPeer {
  const at = FIXED_OCTETS;
  const address = (from: number): string => {
    const octets = [...seen.subarray(from, from + size)];
    const mapped = size === 16 && octets.slice(0, 10).every(octet => octet === 0) && octets[10] === 255 && octets[11] === 255;
    return formatIpAddress(mapped ? { family: 4, octets: octets.slice(12) } : { family: size === 4 ? 4 : 6, octets });
  };
  return {
    remoteAddress: address(at), localAddress: address(at + size),
    remotePort: seen.readUInt16BE(at + size * 2), localPort: seen.readUInt16BE(at + size * 2 + 2),
  };
}

function bad(why: string): ProxyHeader {
  return { kind: 'bad', why };
}
