/** Folder names in IMAP's modified UTF-7 (RFC 3501 §5.1.3), both ways. */

export function encodeFolderName(name: string): string {
  return name.replaceAll('&', '&-').replaceAll(/[^\u0020-\u007e]+/g, text => {
    const units = Buffer.from(text, 'utf16le').swap16();
    return `&${units.toString('base64').replaceAll('/', ',').replaceAll('=', '')}-`;
  });
}

/** Null: it is none. */
export function decodeFolderName(name: string): string | null {
  let wrong = /[^\u0020-\u007e]/.test(name);
  const decoded = name.replaceAll(/&([^-]*)(-?)/g, (_, base64: string, end: string) => {
    if (end === '' || !/^[A-Za-z0-9+,]*$/.test(base64)) wrong = true;
    if (base64 === '' || wrong) return '&';
    const octets = Buffer.from(base64.replaceAll(',', '/'), 'base64');
    if (octets.length % 2 !== 0) {
      wrong = true;
      return '';
    }
    return octets.swap16().toString('utf16le');
  });
  return wrong ? null : decoded;
}
