/**
 * The header of a message from standard input: recipients read from it, Bcc taken out, From added when missing.
 * What is behind the header streams through untouched.
 */
import type { Readable } from 'node:stream';
import { Usage } from './command.ts';

/** A header past this is no header. */
const HEADER_OCTETS = 256 * 1024;

export interface SubmissionWish {
  readonly sender: string;
  readonly name?: string;
  readonly host: string;
  readonly defaultDomain: string;
  readonly recipientsFromHeader: boolean;
  readonly onlyBcc: boolean;
}

export async function prepareSubmission(input: Readable, wish: SubmissionWish): Promise<{ recipients: string[]; content: AsyncIterable<Uint8Array> }> {
  const chunks = input[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  let head: Buffer = Buffer.alloc(0);
  let end = -1;
  for (;;) {
    const next = await chunks.next();
    if (next.done === true) break;
    head = Buffer.concat([head, Buffer.from(next.value)]);
    end = endOfHeader(head);
    if (end >= 0) break;
    if (head.length > HEADER_OCTETS) throw new Usage('the message has no empty line after its header');
  }
  const fields = splitFields(head.subarray(0, end < 0 ? head.length : end).toString('latin1'));
  const recipients: string[] = [];
  const kept: string[] = [];
  for (const field of fields) {
    const name = (/^([!-9;-~]+)[ \t]*:/.exec(field)?.[1] ?? '').toLowerCase();
    if (wish.recipientsFromHeader && (name === 'bcc' || (!wish.onlyBcc && (name === 'to' || name === 'cc')))) {
      const value = Buffer.from(field.slice(field.indexOf(':') + 1), 'latin1').toString('utf8');
      recipients.push(...addressesIn(value).map(one => (one.includes('@') || one.includes('!') ? one : `${one}@${wish.defaultDomain}`)));
    }
    if (name !== 'bcc') kept.push(field);
  }
  if (!kept.some(field => /^from[ \t]*:/i.test(field))) kept.unshift(`From: ${wish.name === undefined ? '' : `${quoted(wish.name)} `}<${wish.sender}>\n`);
  const rest = end < 0 ? Buffer.from('\n') : head.subarray(end);
  async function* content(): AsyncGenerator<Uint8Array> {
    yield Buffer.concat([Buffer.from(kept.join(''), 'latin1'), rest]);
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
  }
  return { recipients, content: content() };
}

/** Offset of the empty line itself, LF or CRLF; -1 while it has not come. */
function endOfHeader(octets: Buffer): number {
  if (octets[0] === 0x0a || (octets[0] === 0x0d && octets[1] === 0x0a)) return 0;
  for (let lf = octets.indexOf(0x0a); lf >= 0; lf = octets.indexOf(0x0a, lf + 1)) {
    if (octets[lf + 1] === 0x0a || (octets[lf + 1] === 0x0d && octets[lf + 2] === 0x0a)) return lf + 1;
  }
  return -1;
}

/** Each field with its continuation lines and line ends. */
function splitFields(header: string): string[] {
  return header.match(/[^\n]*\n(?:[ \t][^\n]*\n)*|[^\n]+$/g) ?? [];
}

function quoted(name: string): string {
  return Buffer.from(/^[\w !#$%&'*+/=?^`{|}~-]*$/.test(name) ? name : /^[ -~]*$/.test(name) ? `"${name.replaceAll(/["\\]/g, '\\$&')}"` : `=?utf-8?B?${Buffer.from(name).toString('base64')}?=`).toString('latin1');
}

/** Addresses of a To, Cc or Bcc value: comments, display names and group names fall away. */
export function addressesIn(value: string): string[] {
  const text = value.replaceAll(/\r?\n[ \t]/g, ' ');
  const found: string[] = [];
  let quote = false;
  let comment = 0;
  let angle: string | null = null;
  let plain = '';
  const finish = () => {
    // White space counts inside quotes only (RFC 5322 §4.4 lets it stand around dots and @).
    const address = (angle ?? plain).replaceAll(/("(?:\\.|[^"\\])*")|\s+/g, '$1');
    if (address !== '') found.push(address);
    angle = null;
    plain = '';
  };
  let inAngle = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    const keep = () => {
      if (inAngle) angle = (angle ?? '') + char;
      else if (angle === null) plain += char;
    };
    if (quote) {
      keep();
      if (char === '\\') {
        const escaped = text[++at] ?? '';
        if (inAngle) angle = (angle ?? '') + escaped;
        else plain += escaped;
      } else if (char === '"') quote = false;
    } else if (comment > 0) comment += char === '(' ? 1 : char === ')' ? -1 : 0;
    else if (char === '(') comment = 1;
    else if (char === '"') {
      quote = true;
      keep();
    } else if (char === '<') {
      inAngle = true;
      angle = '';
    } else if (char === '>') inAngle = false;
    else if (char === ',' && !inAngle) finish();
    else if (char === ':' && !inAngle) plain = '';
    else if (char === ';' && !inAngle) finish();
    else keep();
  }
  finish();
  return found;
}
