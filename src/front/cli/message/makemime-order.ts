/** What makemime is told: one section, collection or addition, whose inputs may be orders themselves. */
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import type { Transfer } from '../../../grammar/mime/transfer-lines.ts';
import { Usage } from '../command.ts';

export interface MimeOrder {
  readonly kind: 'section' | 'collection' | 'join';
  readonly type: string;
  readonly transfer?: Transfer;
  readonly charset?: string;
  readonly name?: string;
  readonly fields: readonly string[];
  readonly output?: string;
  /** One; for `join` the collection and the section. */
  readonly inputs: readonly MimeInput[];
}

export type MimeInput = string | MimeOrder;

const DEEPEST = 50;
const LARGEST_ORDER = 1024 * 1024;
const TRANSFERS: ReadonlySet<string> = new Set(['7bit', '8bit', 'quoted-printable', 'base64']);
const TYPE = /^[!#$%&'*+\-.^_`{|}~\w]+\/[!#$%&'*+\-.^_`{|}~\w]+(?:\s*;.*)?$/;

export function parseMimeOrder(words: readonly string[]): MimeOrder {
  const reader = { at: 0 };
  const order = parseOrder(words, reader, 0);
  if (reader.at < words.length) throw new Usage(`${words[reader.at]}: one word too many`);
  return order;
}

function parseOrder(words: readonly string[], reader: { at: number }, depth: number): MimeOrder {
  if (depth > DEEPEST) throw new Usage(`more than ${DEEPEST} ( within each other`);
  const next = (what: string): string => {
    const word = words[reader.at++];
    if (word === undefined) throw new Usage(`${what} is missing at the end`);
    return word;
  };
  const input = (): MimeInput => {
    const word = next('a FILE');
    if (word !== '(') return word;
    const order = parseOrder(words, reader, depth + 1);
    if (next('a )') !== ')') throw new Usage('a ) is missing');
    return order;
  };
  const first = next('-c, -m or -j');
  const kind = ({ '-c': 'section', '-m': 'collection', '-j': 'join' } as const)[first];
  if (kind === undefined) throw new Usage(`${first}: -c, -m or -j comes first`);
  // -m may go without a type, which then is multipart/mixed.
  const type = kind === 'join' ? '' : kind === 'collection' && (words[reader.at] ?? '').startsWith('-') ? 'multipart/mixed' : next('a TYPE');
  const inputs: MimeInput[] = [];
  if (kind === 'join') inputs.push(input());
  const order: { transfer?: Transfer; charset?: string; name?: string; output?: string } = {};
  const fields: string[] = [];
  for (let word = words[reader.at]; word !== undefined && /^-[eoCNa]$/.test(word); word = words[reader.at]) {
    reader.at++;
    const value = next(`the value of ${word}`);
    if (word === '-a') fields.push(value);
    else if (word === '-e') order.transfer = transferOf(value, kind);
    else if (word === '-C') order.charset = value;
    else if (word === '-N') order.name = value;
    else if (depth > 0) throw new Usage('-o within ( )');
    else order.output = value;
  }
  inputs.push(input());
  checkType(kind, type);
  if (fields.some(field => /[\r\n]/.test(field.replaceAll(/\r?\n(?=[ \t])/g, '')) || !/^[!-9;-~]+:/.test(field))) throw new Usage("-a 'FIELD: VALUE'");
  return { kind, type, fields, inputs, ...order };
}

function transferOf(value: string, kind: MimeOrder['kind']): Transfer {
  const transfer = value.toLowerCase();
  if (!TRANSFERS.has(transfer)) throw new Usage(`-e ${value}: 7bit, 8bit, quoted-printable or base64`);
  // RFC 2045 §6.4
  if (kind === 'collection' && transfer !== '7bit' && transfer !== '8bit') throw new Usage('-e of a collection is 7bit or 8bit');
  return transfer as Transfer;
}

function checkType(kind: MimeOrder['kind'], type: string): void {
  if (kind === 'join' || (kind === 'section' && type === 'auto')) return;
  if (!TYPE.test(type) || /[\r\n]/.test(type)) throw new Usage(`${type}: a type such as text/plain`);
  const multipart = /^multipart\//i.test(type);
  if (kind === 'section' && multipart) throw new Usage('a multipart is made by -m');
  if (kind === 'collection' && !multipart) throw new Usage(`-m ${type}: a multipart/ type`);
}

/** A word a line; blanks before it and lines of `#` do not count; `-` alone ends them, and the rest is input. */
export async function readOrderFile(name: string, stdin: Readable): Promise<readonly string[]> {
  const fd = /^&(\d+)$/.exec(name)?.[1];
  const source: AsyncIterable<Buffer> = name === '-' || fd === '0' ? (stdin as AsyncIterable<Buffer>) : fd === undefined ? createReadStream(name) : createReadStream('', { fd: Number(fd), autoClose: false });
  const iterator = source[Symbol.asyncIterator]();
  const words: string[] = [];
  let held = '';
  for (let octets = 0; ;) {
    const next = await iterator.next();
    if (next.done !== true) held += next.value.toString('utf8');
    octets += next.done === true ? 0 : next.value.length;
    if (octets > LARGEST_ORDER && held.length > LARGEST_ORDER) throw new Usage('the words are too many');
    for (let end = held.indexOf('\n'); end >= 0 || (next.done === true && held !== ''); end = held.indexOf('\n')) {
      const line = held.slice(0, end < 0 ? undefined : end).trimStart();
      held = end < 0 ? '' : held.slice(end + 1);
      if (line === '-') {
        // Whoever reads standard input now gets what we read too far.
        if (source === stdin && held !== '') stdin.unshift(Buffer.from(held, 'utf8'));
        return words;
      }
      if (line !== '' && !line.startsWith('#')) words.push(line);
    }
    if (next.done === true) return words;
  }
}
