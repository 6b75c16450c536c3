/** Text in a header field that must be ASCII (RFC 2047): encoded words in UTF-8 and base64. What is ASCII stays as it is. */
import { isAscii } from '../domain.ts';

/** RFC 2047 §2: an encoded word has at most 75 characters; these many octets fit in base64. */
const OCTETS = 45;

export function encodeWords(text: string): string {
  if (isAscii(text)) return text;
  const words: string[] = [];
  let piece = '';
  for (const char of text.toWellFormed()) {
    if (Buffer.byteLength(piece + char) > OCTETS) {
      words.push(piece);
      piece = '';
    }
    piece += char; // a character is never cut in two (RFC 2047 §5)
  }
  words.push(piece);
  return words.map((word) => `=?utf-8?B?${Buffer.from(word).toString('base64')}?=`).join('\r\n ');
}

/** `"Name" <address>`, `Name <address>` or an address alone: the name as encoded words. */
export function encodeNamedAddress(text: string): string {
  const open = text.lastIndexOf('<');
  if (isAscii(text) || open < 0) return text;
  const name = text.slice(0, open).trim();
  const plain = /^"(.*)"$/.exec(name)?.[1]?.replaceAll(/\\(.)/g, '$1') ?? name;
  return `${encodeWords(plain)} ${text.slice(open)}`;
}
