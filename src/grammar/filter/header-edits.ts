/** A filter's changes to a header, by offset: fields that are not named keep every octet. */
import { parseFields } from '../mime/field.ts';

export interface HeaderEdit {
  readonly name: string;
  /** From 1. */
  readonly nth: number;
  /** null takes the field out. */
  readonly value: string | null;
}

/** `header` with its empty line, or without one when the message has no body. A field that is not there is added at the end. */
export function editHeader(header: Buffer, { name, nth, value }: HeaderEdit): Buffer {
  const wanted = name.toLowerCase();
  const found = parseFields(header).filter(field => field.name === wanted)[nth - 1];
  if (found === undefined) return value === null ? header : appendField(header, name, value);
  // The name stays as it was spelled.
  const colon = header.indexOf(0x3a, found.start);
  const spelled = header.toString('latin1', found.start, colon).trimEnd();
  const field = value === null ? Buffer.alloc(0) : Buffer.from(formatField(spelled, value));
  return Buffer.concat([header.subarray(0, found.start), field, header.subarray(found.end)]);
}

export function appendField(header: Buffer, name: string, value: string): Buffer {
  const end = fieldsEnd(header);
  const open = end > 0 && header[end - 1] !== 0x0a ? '\r\n' : '';
  return Buffer.concat([header.subarray(0, end), Buffer.from(`${open}${formatField(name, value)}`), header.subarray(end)]);
}

/**
 * `Name: value` and CRLF. Folded lines stay folded; a line end that no blank follows would begin a field of its own, or
 * end the header, and becomes a blank.
 */
export function formatField(name: string, value: string): string {
  const folded = value.replaceAll(/\r?\n(?=[ \t]+[^\s])/g, '\u0000').replaceAll(/[\r\n]+/g, ' ').replaceAll('\u0000', '\r\n').trimEnd();
  return `${name.replaceAll(/[^!-9;-~]/g, '_')}:${/^[ \t]|^\r\n/.test(folded) ? '' : ' '}${folded}\r\n`;
}

/** Offset of the empty line. */
function fieldsEnd(header: Buffer): number {
  if (header.length >= 2 && header.toString('latin1', 0, 2) === '\r\n') return 0;
  return header.length >= 4 && header.toString('latin1', header.length - 4) === '\r\n\r\n' ? header.length - 2 : header.length;
}
