/** Reads a delivery status notification (RFC 3464) as a receiving program does: with a MIME library that is not ours. */
import { simpleParser } from 'mailparser';

export type Fields = ReadonlyMap<string, string>;

export interface ReadReport {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  /** For people. */
  readonly text: string;
  readonly perMessage: Fields;
  readonly recipients: readonly Fields[];
}

export async function readReport(content: Buffer): Promise<ReadReport> {
  const mail = await simpleParser(content, { keepDeliveryStatus: true, skipHtmlToText: true, skipTextToHtml: true, skipTextLinks: true, skipImageLinks: true });
  const status = mail.attachments.find((one) => /^message\/(?:global-)?delivery-status$/.test(one.contentType));
  if (status === undefined) throw new Error(`no delivery status among ${mail.attachments.map((one) => one.contentType).join(', ')}`);
  const [perMessage = new Map<string, string>(), ...recipients] = status.content.toString('utf8').split(/\r?\n\r?\n/).filter((group) => group.trim() !== '').map(readFields);
  const to = Array.isArray(mail.to) ? mail.to[0] : mail.to;
  return { from: mail.from?.text ?? '', to: to?.text ?? '', subject: mail.subject ?? '', text: mail.text ?? '', perMessage, recipients };
}

/** Names in small letters; folded lines joined. */
function readFields(group: string): Fields {
  const lines = group.replaceAll(/\r?\n[ \t]+/g, ' ').split(/\r?\n/).filter((line) => line !== '');
  return new Map(lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  }));
}
