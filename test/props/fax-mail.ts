/** Messages to fax, and what is attached to them. */
import { deflateSync, crc32 } from 'node:zlib';

export interface Attached {
  readonly type: string;
  readonly octets: Uint8Array | string;
  readonly name?: string;
  readonly more?: string;
}

export function faxMail(text: string | null, attached: readonly Attached[], own: { readonly subject?: string; readonly kind?: string } = {}): Buffer {
  const head = `From: Ada Lovelace <ada@sender.example>\r\nTo: "Muster, Max" <5551212@fax>\r\nSubject: ${own.subject ?? 'Test'}\r\nDate: Sat, 21 Nov 2026 07:00:00 +0000\r\nMime-Version: 1.0\r\n`;
  if (attached.length === 0) return Buffer.from(`${head}Content-Type: text/plain; charset=utf-8\r\n\r\n${text ?? ''}\r\n`);
  const parts = [
    ...(text === null ? [] : [`Content-Type: text/plain; charset=utf-8\r\n\r\n${text}`]),
    ...attached.map(({ type, octets, name, more = '' }) => `Content-Type: ${type}${name === undefined ? '' : `; name="${name.replaceAll(/["\\]/g, '\\$&')}"`}\r\n${more}Content-Transfer-Encoding: base64\r\n\r\n${Buffer.from(octets as string).toString('base64').replaceAll(/.{76}/g, '$&\r\n')}`),
  ];
  return Buffer.from(`${head}Content-Type: ${own.kind ?? 'multipart/mixed'}; boundary=cut\r\n\r\n${parts.map(part => `--cut\r\n${part}\r\n`).join('')}--cut--\r\n`);
}

/** PostScript of so many pages, each with a word. */
export function postscript(pages: number, extra = ''): string {
  return `%!PS\n/Helvetica findfont 40 scalefont setfont\n${Array.from({ length: pages }, (_, n) => `72 600 moveto (Page ${n + 1}) show showpage\n`).join('')}${extra}`;
}

/** A grey picture; with `claims`, the header says another size than the octets have. */
export function png(width: number, height: number, claims: { readonly width: number; readonly height: number } = { width, height }): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(claims.width, 0);
  header.writeUInt32BE(claims.height, 4);
  header[8] = 8;
  const rows = Buffer.alloc(height * (width + 1));
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) rows[y * (width + 1) + 1 + x] = (x * 255) / width;
  const chunk = (type: string, octets: Uint8Array): Buffer => {
    const body = Buffer.concat([Buffer.from(type), octets]);
    const ends = Buffer.alloc(8);
    ends.writeUInt32BE(octets.length, 0);
    ends.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
  };
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}
