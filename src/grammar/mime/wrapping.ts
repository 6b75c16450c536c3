/**
 * A message that could not be let through as it is, inside one that can: an explanation, and the original as an
 * attached text (Courier's BOFHBADMIME=wrap). The original's own header fields stay on the outside, so that the
 * recipient sees who wrote and about what; its MIME fields do not. One pass, 7bit whatever the original holds.
 */
import type { Codec, MimeKernels } from '../../core/kernels.ts';
import { parseFields } from './field.ts';

export interface WrappingOptions {
  readonly kernels: MimeKernels;
  /** A sentence for the reader. */
  readonly why: string;
  /** Told apart from others by whoever makes it; quoted-printable cannot contain "=_". */
  readonly boundary: string;
}

export interface Wrapping {
  feed(chunk: Uint8Array): Uint8Array[];
  finish(): Uint8Array[];
}

const HEADER_OCTETS = 65_536;
const KEPT = /^(?!content-|mime-version$|x-mime-autoconverted$)/;
/** Header octets above 127 would need SMTPUTF8, which is what the original may have failed on. */
const EIGHT_BIT = /[\u0080-\u00ff]/g;

export function openWrapping({ kernels, why, boundary }: WrappingOptions): Wrapping {
  const quoted: Codec = kernels.openQuotedPrintable();
  let header: Buffer | null = Buffer.alloc(0);
  const start = (all: Buffer): Uint8Array[] => {
    const blank = all.indexOf('\r\n\r\n');
    const text = all.subarray(0, blank < 0 ? all.length : blank + 2);
    const kept = parseFields(text).filter(({ name }) => KEPT.test(name))
      .map((field) => text.toString('latin1', field.start, field.end).replaceAll(EIGHT_BIT, '?'));
    const outside = [
      ...kept.map((field) => (field.endsWith('\r\n') ? field : `${field.trimEnd()}\r\n`)),
      'Mime-Version: 1.0\r\n',
      `Content-Type: multipart/mixed; boundary="${boundary}"\r\n\r\n`,
      `--${boundary}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n`,
      `This message was not well-formed and has been attached as plain text: ${why}.\r\n\r\n`,
      `--${boundary}\r\nContent-Type: text/plain; charset=utf-8; name="message.txt"\r\n`,
      'Content-Disposition: attachment; filename="message.txt"\r\n',
      'Content-Transfer-Encoding: quoted-printable\r\n\r\n',
    ].join('');
    return [Buffer.from(outside, 'latin1'), quoted.feed(all)];
  };
  return {
    feed(chunk) {
      if (header === null) return [quoted.feed(chunk)];
      header = Buffer.concat([header, chunk]);
      if (header.indexOf('\r\n\r\n') < 0 && header.length < HEADER_OCTETS) return [];
      const output = start(header);
      header = null;
      return output;
    },
    finish() {
      const output = header === null ? [] : start(header);
      return [...output, quoted.finish(), Buffer.from(`\r\n--${boundary}--\r\n`, 'latin1')];
    },
  };
}
