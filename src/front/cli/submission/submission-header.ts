/**
 * The header of a message from standard input: recipients read from it, Bcc taken out, From added when missing or changed
 * where the caller says so.
 * What is behind the header streams through untouched.
 */
import type { Readable } from 'node:stream';
import { asciiDomain } from '../../../grammar/domain.ts';
import { Usage } from '../command.ts';
import type { Author } from './sender.ts';

/** A header past this is no header. */
const HEADER_OCTETS = 256 * 1024;

export interface SubmissionWish {
  readonly author: Author;
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
  const recipients = wish.recipientsFromHeader ? recipientsIn(fields, wish) : [];
  const kept: string[] = [];
  let authored = false;
  for (const field of fields) {
    const name = nameOf(field);
    // Nobody is told of those who were told in secret.
    if (name === 'bcc' || name === 'resent-bcc') continue;
    if (name !== 'from') kept.push(field);
    // RFC 5322 §3.6: From at most once.
    else if (!authored) kept.push(patchFrom(field, wish.author));
    authored ||= name === 'from';
  }
  if (!authored) kept.unshift(`From: ${mailbox(wish.author.usualName, wish.author.address)}\n`);
  const rest = end < 0 ? Buffer.from('\n') : head.subarray(end);
  async function* content(): AsyncGenerator<Uint8Array> {
    yield Buffer.concat([Buffer.from(kept.join(''), 'latin1'), rest]);
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
  }
  return { recipients, content: content() };
}

/**
 * Whoever the message is for. One that is resent is for those of its newest Resent- block, which stands first, and not
 * for those it was sent to once (RFC 5322 §3.6.6).
 */
function recipientsIn(fields: readonly string[], { onlyBcc, defaultDomain }: SubmissionWish): string[] {
  const resent = newestResent(fields);
  const names = (onlyBcc ? ['bcc'] : ['to', 'cc', 'bcc']).map(name => (resent === null ? name : `resent-${name}`));
  return (resent ?? fields).filter(field => names.includes(nameOf(field))).flatMap(field => {
    const value = Buffer.from(field.slice(field.indexOf(':') + 1), 'latin1').toString('utf8');
    return addressesIn(value).map(one => (one.includes('@') || one.includes('!') ? one : `${one}@${defaultDomain}`));
  });
}

function newestResent(fields: readonly string[]): readonly string[] | null {
  const block: string[] = [];
  const seen = new Set<string>();
  for (const field of fields) {
    const name = nameOf(field);
    if (!name.startsWith('resent-')) continue;
    // A name that comes again begins the block of an earlier time.
    if (seen.has(name)) break;
    seen.add(name);
    block.push(field);
  }
  return ['resent-to', 'resent-cc', 'resent-bcc'].some(name => seen.has(name)) ? block : null;
}

/** Left as it is, to the octet, unless somebody said otherwise. */
function patchFrom(field: string, { user, host, name }: Author): string {
  if (user === undefined && host === undefined && name === undefined) return field;
  const value = Buffer.from(field.slice(field.indexOf(':') + 1), 'latin1').toString('utf8');
  const [written = ''] = addressesIn(value);
  const at = written.lastIndexOf('@');
  const address = `${user ?? (at < 0 ? written : written.slice(0, at))}@${host ?? (at < 0 ? '' : written.slice(at + 1))}`.replace(/@$/, '');
  const shown = /^\s*("(?:\\.|[^"\\])*"|[^<",]*?)\s*<[^<>]*>\s*$/s.exec(value)?.[1];
  if (name === undefined && shown !== undefined && shown !== '') return `From: ${Buffer.from(shown.trim()).toString('latin1')} <${ascii(address)}>\n`;
  return `From: ${mailbox(name ?? '', address)}\n`;
}

function mailbox(name: string, address: string): string {
  return `${name === '' ? '' : `${quoted(name)} `}<${ascii(address)}>`;
}

/** As a header may say it: the domain in A-labels where it has any. */
function ascii(address: string): string {
  const at = address.lastIndexOf('@');
  const domain = at < 0 ? null : asciiDomain(address.slice(at + 1));
  return Buffer.from(domain === null ? address : `${address.slice(0, at)}@${domain}`).toString('latin1');
}

function nameOf(field: string): string {
  return (/^([!-9;-~]+)[ \t]*:/.exec(field)?.[1] ?? '').toLowerCase();
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
