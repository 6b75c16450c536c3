/** xtext (RFC 3461 §4) and utf-8-addr-xtext (RFC 6533 §3): how DSN parameters carry any octet. */

/** Null when a `+` is not followed by two hexadecimal digits in upper case, or an octet is not allowed bare. */
export function decodeXtext(text: string): string | null {
  if (!/^(?:[!-*,-<>-~\u0080-\u{10ffff}]|\+[0-9A-F]{2})*$/u.test(text)) return null;
  if (!text.includes('+')) return text;
  const octets: number[] = [];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '+') {
      octets.push(Number.parseInt(text.slice(at + 1, at + 3), 16));
      at += 2;
    } else for (const octet of Buffer.from(String.fromCodePoint(text.codePointAt(at) as number))) {
      octets.push(octet);
    }
    if ((text.codePointAt(at) as number) > 0xffff) at++;
  }
  return Buffer.from(octets).toString('utf8');
}

export function encodeXtext(text: string): string {
  let out = '';
  for (const octet of Buffer.from(text)) {
    out += octet > 0x20 && octet < 0x7f && octet !== 0x2b && octet !== 0x3d
      ? String.fromCharCode(octet)
      : `+${octet.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}

/** `\x{HEX}` of utf-8-addr-xtext and -unitext to text (RFC 6533 §3). Null on a malformed escape. */
export function decodeUtf8Address(text: string): string | null {
  let good = true;
  const decoded = text.replaceAll(/\\x\{([^}]*)\}/g, (_, hex: string) => {
    const point = /^[0-9A-F]{2,6}$/.test(hex) ? Number.parseInt(hex, 16) : -1;
    if (point < 0 || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) {
      good = false;
      return '';
    }
    return String.fromCodePoint(point);
  });
  return good ? decoded : null;
}

export function encodeUtf8Address(text: string): string {
  let out = '';
  for (const char of text) {
    const point = char.codePointAt(0) as number;
    out += point > 0x20 && point < 0x7f && char !== '+' && char !== '=' && char !== '\\'
      ? char
      : `\\x{${point.toString(16).toUpperCase().padStart(2, '0')}}`;
  }
  return out;
}
