/** Changes to a header that leave every other octet of it where it was. */
import type { HeaderField } from './field.ts';

export interface HeaderChange {
  readonly fields: readonly HeaderField[];
  /** New Content-Transfer-Encoding: in the old one's place, under the name as it was spelled, else appended. */
  readonly encoding?: string;
  /** New Content-Type, the same way. */
  readonly contentType?: string;
  /** Whole fields with their CRLF, for the end of the header. */
  readonly append: readonly string[];
}

export function rewriteHeader(header: Buffer, change: HeaderChange): Buffer {
  const pieces: Buffer[] = [];
  const append: string[] = [];
  let at = 0;
  const replacements = [
    { name: 'content-type', spelled: 'Content-Type', value: change.contentType },
    { name: 'content-transfer-encoding', spelled: 'Content-Transfer-Encoding', value: change.encoding },
  ].map((one) => ({ ...one, field: change.fields.find(({ name }) => name === one.name) }));
  for (const { spelled, value, field } of replacements.toSorted((a, b) => (a.field?.start ?? 0) - (b.field?.start ?? 0))) {
    if (value === undefined) continue;
    if (field === undefined) {
      append.push(`${spelled}: ${value}\r\n`);
      continue;
    }
    const colon = header.indexOf(0x3a, field.start);
    pieces.push(header.subarray(at, colon + 1), Buffer.from(` ${value}\r\n`, 'latin1'));
    at = field.end;
  }
  const end = fieldsEnd(header);
  const open = end > 0 && header[end - 1] !== 0x0a ? '\r\n' : ''; // the message ends within its header
  pieces.push(header.subarray(at, Math.max(at, end)), Buffer.from(open + [...append, ...change.append].join(''), 'latin1'));
  pieces.push(header.subarray(Math.max(at, end)));
  return Buffer.concat(pieces);
}

/** Offset of the empty line. */
function fieldsEnd(header: Buffer): number {
  if (header.length === 2 && header[0] === 0x0d) return 0;
  return header.length >= 4 && header.toString('latin1', header.length - 4) === '\r\n\r\n' ? header.length - 2 : header.length;
}

/** Courier's trace of a conversion. */
export function autoconverted(from: string, to: string): string {
  return `X-Mime-Autoconverted: from ${from} to ${to} by posthorn\r\n`;
}
