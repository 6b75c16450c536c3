/** Encoded words of header fields (RFC 2047 §2) to text; and octets of a charset to text. */
const WORD = /=\?([^?\s*]+)(?:\*[^?\s]*)?\?([bqBQ])\?([^?\s]*)\?=/g;
const BETWEEN = /(\?=)[ \t\r\n]+(?==\?[^?\s]+\?[bqBQ]\?[^?\s]*\?=)/g;

/** `octets`, one a character, to text. What is no encoded word is UTF-8 (RFC 6532 §3.1), or Latin-1 when it cannot be. */
export function decodeWords(octets: string): string {
  if (!octets.includes('=?')) return decodeOctets(octets);
  // Blanks between two encoded words are no part of the text (RFC 2047 §6.2).
  const joined = octets.replaceAll(BETWEEN, '$1');
  let text = '';
  let from = 0;
  for (const found of joined.matchAll(WORD)) {
    const [whole, charset = '', encoding = '', encoded = ''] = found;
    const decoded = decodeCharset(encoding.toLowerCase() === 'b' ? decodeBase64(encoded) : decodeQ(encoded), charset);
    if (decoded === null) continue;
    text += decodeOctets(joined.slice(from, found.index)) + decoded;
    from = found.index + whole.length;
  }
  return text + decodeOctets(joined.slice(from));
}

function decodeQ(encoded: string): string {
  return encoded.replaceAll('_', ' ').replaceAll(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

export function decodeBase64(encoded: string): string {
  return Buffer.from(encoded, 'base64').toString('latin1');
}

const ASCII_ONLY = /^[\x00-\x7f]*$/;

/** UTF-8 where it is UTF-8, else Latin-1: for text whose charset nobody named. */
export function decodeOctets(octets: string): string {
  if (ASCII_ONLY.test(octets)) return octets;
  return decodeUtf8(octets) ?? octets;
}

/** Null when it is none. */
export function decodeUtf8(octets: string): string | null {
  if (ASCII_ONLY.test(octets)) return octets;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(octets, 'latin1'));
  } catch {
    return null;
  }
}

export function encodeUtf8(text: string): string {
  return ASCII_ONLY.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

/** Null when nobody knows the charset. */
export function decodeCharset(octets: string, charset: string): string | null {
  const decoder = decoderOf(charset);
  return decoder === null ? null : decoder(octets);
}

/** One for many texts of a charset. */
export function decoderOf(charset: string): ((octets: string) => string) | null {
  const name = charset.toLowerCase();
  if (name === '' || name === 'us-ascii' || name === 'ascii') return decodeOctets;
  try {
    const decoder = new TextDecoder(name);
    const asciiCompatible = !/^(?:utf-?16|utf-?32|iso-2022|hz)/.test(name);
    return octets => (asciiCompatible && ASCII_ONLY.test(octets) ? octets : decoder.decode(Buffer.from(octets, 'latin1')));
  } catch {
    return null;
  }
}
