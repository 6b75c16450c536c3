/** Writes what an order says. Nothing is held but a piece of input that must be looked at before it is encoded. */
import { randomBytes } from 'node:crypto';
import { parseContentType } from '../../../grammar/mime/field.ts';
import { openTransferEncoder, openTransferSurvey, type Transfer } from '../../../grammar/mime/transfer-lines.ts';
import { firstValue, parseRawFields } from '../../../grammar/header/edit.ts';
import { Usage } from '../command.ts';
import type { MimeInput, MimeOrder } from './makemime-order.ts';

export type OpenInput = (file: string) => AsyncIterable<Buffer>;

/** A pipe is read once; what has to be looked at first is held. */
const MOST_HELD = 64 * 1024 * 1024;
const LONGEST_HEADER = 1024 * 1024;
const PREAMBLE = 'This is a MIME-formatted message.  If you see this text it means that your\nE-mail software does not support MIME-formatted messages.\n';

export function writeSection(order: MimeOrder, open: OpenInput): AsyncIterable<Buffer> {
  if (order.kind === 'section') return writeLeaf(order, open);
  return order.kind === 'collection' ? writeCollection(order, open) : writeJoined(order, open);
}

function read(input: MimeInput | undefined, open: OpenInput): AsyncIterable<Buffer> {
  if (input === undefined) throw new Usage('a FILE is missing');
  return typeof input === 'string' ? open(input) : writeSection(input, open);
}

async function* writeLeaf(order: MimeOrder, open: OpenInput): AsyncGenerator<Buffer> {
  const [input] = order.inputs;
  let content = null as AsyncIterable<Buffer> | readonly Buffer[] | null;
  let transfer = order.transfer;
  let { type } = order;
  if (transfer === undefined || type === 'auto') {
    const survey = openTransferSurvey();
    const twice = typeof input === 'string' && input !== '-' && !input.startsWith('&');
    const held: Buffer[] = [];
    let octets = 0;
    for await (const chunk of read(input, open)) {
      survey.feed(chunk);
      octets += chunk.length;
      if (!twice && octets > MOST_HELD) throw new Usage(`more than ${MOST_HELD} octets from a pipe need -e`);
      if (!twice) held.push(chunk);
    }
    const found = survey.finish();
    transfer ??= found.transfer;
    if (type === 'auto') type = found.isText ? 'text/plain' : 'application/octet-stream';
    if (!twice) content = held;
  }
  content ??= read(input, open);
  yield Buffer.from(`${header(order, contentType(type, order), transfer)}\n`);
  const encoder = openTransferEncoder(transfer);
  for await (const chunk of content) yield encoder.feed(chunk);
  yield encoder.finish();
}

async function* writeCollection(order: MimeOrder, open: OpenInput): AsyncGenerator<Buffer> {
  const boundary = `=_${randomBytes(16).toString('hex')}`;
  yield Buffer.from(`${header(order, `${order.type}; boundary="${boundary}"`, order.transfer ?? '8bit')}\n${PREAMBLE}\n--${boundary}\n`);
  yield* read(order.inputs[0], open);
  yield Buffer.from(`\n--${boundary}--\n`);
}

/** The section goes before the line that closes the collection. */
async function* writeJoined(order: MimeOrder, open: OpenInput): AsyncGenerator<Buffer> {
  const [collection, section] = order.inputs;
  let head = '';
  let boundary: string | null = null;
  let held = '';
  let joined = false;
  const take = async function* (last: boolean): AsyncGenerator<Buffer> {
    const cut = last ? held.length : held.lastIndexOf('\n') + 1;
    const lines = held.slice(0, cut);
    held = held.slice(cut);
    const close = joined ? null : new RegExp(`^--${escaped(boundary!)}--[ \\t]*$`, 'm').exec(lines);
    if (close === null) {
      yield Buffer.from(lines, 'latin1');
      return;
    }
    joined = true;
    yield Buffer.from(`${lines.slice(0, close.index)}--${boundary}\n`, 'latin1');
    yield* read(section, open);
    yield Buffer.from(`\n--${boundary}--\n`, 'latin1');
  };
  for await (const chunk of read(collection, open)) {
    held += chunk.toString('latin1');
    if (boundary === null) {
      const end = held.indexOf('\n\n');
      if (end < 0) {
        if (held.length > LONGEST_HEADER) throw new Usage('the collection has no end of its header');
        continue;
      }
      head = held.slice(0, end + 1);
      boundary = boundaryOf(head);
      if (order.fields.length > 0) yield Buffer.from(order.fields.map(field => `${field}\n`).join(''));
    }
    yield* take(false);
  }
  if (boundary === null) throw new Usage('the collection is no multipart');
  yield* take(true);
  if (!joined) throw new Usage('the collection has no closing boundary');
}

function boundaryOf(head: string): string {
  const boundary = parseContentType(firstValue(parseRawFields(head), 'content-type') ?? '')?.parameters.get('boundary');
  if (boundary === undefined || boundary === '') throw new Usage('the collection is no multipart');
  return boundary;
}

function escaped(text: string): string {
  return text.replaceAll(/[^\w]/g, '\\$&');
}

function header(order: MimeOrder, type: string, transfer: Transfer): string {
  return [...order.fields, `Content-Type: ${type}`, `Content-Transfer-Encoding: ${transfer}`].map(field => `${field}\n`).join('');
}

function contentType(type: string, { charset, name }: MimeOrder): string {
  const parameters = [
    ...(charset === undefined ? [] : [`charset="${quoted(charset)}"`]),
    // RFC 2231 §4 where the name is not ASCII.
    ...(name === undefined ? [] : [/^[ -~]*$/.test(name) ? `name="${quoted(name)}"` : `name*=utf-8''${encodeURIComponent(name)}`]),
  ];
  return [type, ...parameters].join('; ');
}

function quoted(text: string): string {
  return text.replaceAll(/[\r\n]/g, ' ').replaceAll(/["\\]/g, '\\$&');
}
