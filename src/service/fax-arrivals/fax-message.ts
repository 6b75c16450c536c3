/** A fax as mail: a text that says what is known of it, then its pages. What the far side said of itself is only quoted. */
import type { FaxKernels, MimeKernels } from '../../core/kernels.ts';
import { formatDate } from '../../grammar/date.ts';
import { formatPdf, formatPng } from '../../kit/bitmap-file.ts';
import type { KeptFax } from './kept-fax.ts';
import { codedPages, drawnPage } from './kept-page.ts';
import { formatTiff } from './tagged-image.ts';

export type Attachment = 'pdf' | 'png' | 'tiff';

export interface FaxMessage {
  readonly fax: KeptFax;
  readonly from: string;
  readonly to: string;
  /** Absent: our own, with the sender and the number of pages. */
  readonly subject?: string;
  readonly messageIdHost: string;
  readonly attach: readonly Attachment[];
  /** Why it comes to somebody else than configured. */
  readonly note?: string;
  readonly at: number;
  readonly kernels: FaxKernels & MimeKernels;
}

const READ_OCTETS = 57 * 256;

export async function* formatFaxMessage(message: FaxMessage): AsyncGenerator<Uint8Array> {
  const { fax, kernels } = message;
  const { call, end, pages, id } = fax;
  const boundary = `fax-${id}`;
  const sender = printable(end.senderId ?? '');
  const caller = printable(call.callerId ?? '');
  const who = sender || caller;
  const subject = message.subject ?? `${end.complete ? 'New fax' : 'Partial fax'} received${who === '' ? '' : ` from ${who}`} (${count(pages.length)})`;
  const fields = [
    ['From', message.from], ['To', message.to], ['Subject', subject], ['Date', formatDate(call.at)], ['Message-ID', `<fax.${id}@${message.messageIdHost}>`],
    // RFC 3834 §5
    ['Auto-Submitted', 'auto-generated'],
    ['X-Fax-Pages', String(pages.length)], ['X-Fax-Line', printable(call.modem)], ['X-Fax-Complete', end.complete ? 'yes' : 'no'],
    ['X-Fax-Sender', sender], ['X-Fax-Caller', caller], ['X-Fax-Called', printable(call.calledId ?? '')],
    ['MIME-Version', '1.0'], ['Content-Type', `multipart/mixed; boundary="${boundary}"`],
  ].filter(([, value]) => value !== '').map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const utf8 = /[^\0-\x7f]/.test(message.note ?? '');
  yield Buffer.from(`${fields}\r\n--${boundary}\r\nContent-Type: text/plain; charset=${utf8 ? 'utf-8' : 'us-ascii'}\r\n${utf8 ? 'Content-Transfer-Encoding: 8bit\r\n' : ''}\r\n${textOf(message, sender, caller)}`);

  for (const kind of message.attach) {
    if (kind === 'pdf') yield* part(boundary, 'application/pdf', 'fax.pdf', formatPdf(codedPages(pages), subject), kernels);
    else if (kind === 'tiff') yield* part(boundary, 'image/tiff', 'fax.tiff', formatTiff(pages), kernels);
    else for (const [index, page] of pages.entries()) yield* part(boundary, 'image/png', `page${index + 1}.png`, [await formatPng(await drawnPage(page, kernels))], kernels);
  }
  yield Buffer.from(`\r\n--${boundary}--\r\n`);
}

function textOf({ fax: { call, end, pages }, note }: FaxMessage, sender: string, caller: string): string {
  const resolutions = [...new Set(pages.map(({ resolution }) => resolution))].join(' and ');
  const lines = [
    ...(note === undefined ? [] : [note, '']),
    ...(end.complete ? [] : [`This is a partial fax: the call was interrupted after ${count(pages.filter(({ whole }) => whole).length)}${end.hangup === undefined || end.hangup === 0 ? '' : ` (hang-up code ${end.hangup})`}.`, '']),
    `Pages:      ${pages.length}`,
    `Resolution: ${resolutions}`,
    `Line:       ${printable(call.modem)}`,
    ...(call.calledId === undefined ? [] : [`Called:     ${printable(call.calledId)}`]),
    `Sender id:  ${sender === '' ? '(none given)' : sender}`,
    ...(caller === '' ? [] : [`Caller:     ${caller}`]),
    `Received:   ${formatDate(call.at)}`,
  ];
  const remarks = pages.flatMap(({ rows, badRows, verdict, whole }, index) => {
    if (!whole) return [`Page ${index + 1} is cut off after ${rows} rows.`];
    if (verdict === 'refused') return [`Page ${index + 1} is a poor copy (${badRows} of ${rows} rows unreadable) and was refused; the page behind it may be the same page, sent again.`];
    return badRows > 0 ? [`Page ${index + 1}: ${badRows} of ${rows} rows were unreadable and repeat the row above.`] : [];
  });
  return [...lines, ...(remarks.length > 0 ? ['', ...remarks] : []), ''].join('\r\n');
}

async function* part(boundary: string, type: string, name: string, content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, kernels: MimeKernels): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`\r\n--${boundary}\r\nContent-Type: ${type}; name="${name}"\r\nContent-Disposition: attachment; filename="${name}"\r\nContent-Transfer-Encoding: base64\r\n\r\n`);
  const base64 = kernels.openBase64();
  for await (const chunk of content) {
    for (let at = 0; at < chunk.length; at += READ_OCTETS) yield base64.feed(chunk.subarray(at, at + READ_OCTETS));
  }
  yield base64.finish();
}

/** A stranger's words in a header field or a text. */
export function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, ' ').replaceAll(/\s+/g, ' ').trim().slice(0, 60);
}

function count(pages: number): string {
  return pages === 1 ? '1 page' : `${pages} pages`;
}
