/**
 * A message as a person reads it: decoded fields and text, attachments by name. By mailparser, for looking at only:
 * what is relayed, signed or stored stays in its octets (mailparser keeps none).
 */
import { simpleParser, type AddressObject } from 'mailparser';

export interface ReadableMessage {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly date: Date | null;
  readonly text: string;
  readonly attachments: readonly { readonly name: string; readonly type: string; readonly sizeOctets: number }[];
}

/** simpleParser holds the whole message and its decoded parts at once; nobody reads more than this in a terminal. */
export const LARGEST_OCTETS = 16 * 1024 * 1024;

/** Null when it is no message that can be read: too many parts, a header without end. */
export async function readMessage(octets: Buffer): Promise<ReadableMessage | null> {
  try {
    // HTML is not turned into text: deeply nested HTML makes that throw, and the whole message would be lost with it.
    const parsed = await simpleParser(octets, { skipHtmlToText: true, skipTextToHtml: true, skipTextLinks: true, skipImageLinks: true });
    return {
      from: addresses(parsed.from),
      to: addresses(parsed.to),
      subject: parsed.subject ?? '',
      date: parsed.date ?? null,
      text: parsed.text ?? (parsed.html === false || parsed.html === undefined ? '' : '(HTML only)'),
      attachments: parsed.attachments.map(({ filename, contentType, size }) => ({ name: filename ?? '', type: contentType, sizeOctets: size })),
    };
  } catch {
    return null;
  }
}

function addresses(field: AddressObject | AddressObject[] | undefined): string {
  return [field ?? []].flat().map(one => one.text).join(', ');
}
