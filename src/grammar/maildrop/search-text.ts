/**
 * What patterns see of a message: header fields of all its parts, unfolded and decoded, and the lines of its texts, in
 * the charset of nobody. Line by line as the octets come, never more in memory than a header and a line.
 */
import { parseContentType, parseToken } from '../mime/field.ts';
import { normaliseMailboxes } from './addresses.ts';
import { decodeBase64, decodeOctets, decoderOf, decodeWords } from './encoded-words.ts';

export interface Line {
  /** `top`: a field of the message's own header; `part`: of a part's. */
  readonly where: 'top' | 'part' | 'body';
  readonly text: string;
}

/** A longer line is searched in pieces; a longer header ends there. */
const LONGEST_LINE = 262_144;
const LONGEST_HEADER = 1_048_576;
const DEEPEST = 20;
const ADDRESS_FIELDS = new Set(['from', 'to', 'cc', 'bcc', 'resent-from', 'resent-to', 'resent-cc', 'resent-bcc']);

type Decoder = (octets: string) => string;

export class SearchText {
  #held = '';
  #fields: string[] = [];
  #headerOctets = 0;
  #mode: 'header' | 'text' | 'skip' | 'between' = 'header';
  #top = true;
  #boundaries: string[] = [];
  #mime = true;
  #digest = false;
  #decode: Decoder = decodeOctets;
  #encoding = '';
  /** What a soft line break, or base64, leaves for the next line. */
  #open = '';
  #found: Line[] = [];

  /** Octets with LF line ends; what became searchable. */
  feed(octets: string): readonly Line[] {
    const all = this.#held + octets;
    let from = 0;
    for (let end = all.indexOf('\n'); end >= 0; end = all.indexOf('\n', from)) {
      this.#line(all.slice(from, end));
      from = end + 1;
    }
    this.#held = all.slice(from);
    while (this.#held.length > LONGEST_LINE) {
      this.#line(this.#held.slice(0, LONGEST_LINE));
      this.#held = this.#held.slice(LONGEST_LINE);
    }
    return this.#given();
  }

  finish(): readonly Line[] {
    if (this.#held !== '') this.#line(this.#held);
    if (this.#mode === 'header') this.#headerEnds();
    this.#endText();
    return this.#given();
  }

  #given(): readonly Line[] {
    const found = this.#found;
    this.#found = [];
    return found;
  }

  #line(raw: string): void {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (this.#boundaries.length > 0 && line.startsWith('--') && this.#delimiter(line)) return;
    switch (this.#mode) {
      case 'header':
        this.#headerLine(line);
        return;
      case 'text':
        this.#textLine(line);
        return;
      case 'skip':
      case 'between':
        return;
      default:
        this.#mode satisfies never;
    }
  }

  /** From the innermost out (RFC 2046 §5.1.2). */
  #delimiter(line: string): boolean {
    for (let level = this.#boundaries.length - 1; level >= 0; level--) {
      const boundary = this.#boundaries[level]!;
      if (!line.startsWith(boundary, 2)) continue;
      const closes = /^(--)?[ \t]*$/.exec(line.slice(boundary.length + 2));
      if (closes === null) continue;
      if (this.#mode === 'header') this.#headerEnds();
      this.#endText();
      this.#boundaries.length = closes[1] === undefined ? level + 1 : level;
      this.#mode = closes[1] === undefined ? 'header' : 'between';
      this.#top = false;
      return true;
    }
    return false;
  }

  #headerLine(line: string): void {
    this.#headerOctets += line.length + 1;
    if (line === '' || this.#headerOctets > LONGEST_HEADER) {
      this.#headerEnds();
      return;
    }
    const last = this.#fields.length - 1;
    // Folding ends as a blank before what it began with; the peer's texts have it so.
    if (/^[ \t]/.test(line) && last >= 0) this.#fields[last] += ` ${line}`;
    else this.#fields.push(line);
  }

  #headerEnds(): void {
    const fields = this.#fields;
    this.#fields = [];
    this.#headerOctets = 0;
    for (const field of fields) this.#found.push({ where: this.#top ? 'top' : 'part', text: searchableField(field) });
    const value = (name: string): string => fields.find(field => field.slice(0, field.indexOf(':')).trimEnd().toLowerCase() === name)?.replace(/^[^:]*:/, '').trim() ?? '';
    if (this.#top) this.#mime = parseToken(value('mime-version')).startsWith('1.0');
    this.#begin(value('content-type'), parseToken(value('content-transfer-encoding')));
    this.#top = false;
  }

  #begin(contentType: string, encoding: string): void {
    const parsed = this.#mime ? parseContentType(contentType) : null;
    const type = parsed?.type ?? (this.#digest ? 'message/rfc822' : 'text/plain');
    const boundary = parsed?.parameters.get('boundary') ?? '';
    this.#digest = type === 'multipart/digest';
    this.#encoding = encoding;
    this.#open = '';
    if (type.startsWith('multipart/') && boundary !== '' && this.#boundaries.length < DEEPEST) {
      this.#boundaries.push(boundary);
      this.#mode = 'between';
    } else if (type === 'message/rfc822' || type === 'message/global') this.#mode = 'header';
    else if (type.startsWith('text/') || type === 'message/delivery-status') {
      this.#decode = decoderOf(parsed?.parameters.get('charset') ?? '') ?? decodeOctets;
      this.#mode = 'text';
    } else this.#mode = 'skip';
  }

  #textLine(line: string): void {
    if (this.#encoding === 'base64') {
      const encoded = this.#open + line.replaceAll(/[^A-Za-z0-9+/]/g, '');
      // Four characters are three octets; the text may go on behind a line end of its own.
      const whole = encoded.length - (encoded.length % 4);
      this.#open = encoded.slice(whole);
      this.#octets(decodeBase64(encoded.slice(0, whole)));
    } else if (this.#encoding === 'quoted-printable') {
      const soft = /=[ \t]*$/.exec(line);
      const decoded = this.#open + (soft === null ? line : line.slice(0, soft.index)).replaceAll(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
      if (soft === null || decoded.length > LONGEST_LINE) {
        this.#open = '';
        this.#text(decoded);
      } else this.#open = decoded;
    } else this.#text(line);
  }

  #decoded = '';

  /** Decoded octets with line ends of their own. */
  #octets(octets: string): void {
    const all = this.#decoded + octets;
    const end = all.lastIndexOf('\n');
    if (end >= 0) for (const line of all.slice(0, end).split('\n')) this.#text(line.endsWith('\r') ? line.slice(0, -1) : line);
    this.#decoded = all.slice(end + 1);
    if (this.#decoded.length > LONGEST_LINE) {
      this.#text(this.#decoded);
      this.#decoded = '';
    }
  }

  #endText(): void {
    if (this.#mode !== 'text') return;
    if (this.#encoding === 'base64' && this.#open !== '') this.#octets(decodeBase64(this.#open));
    const rest = this.#decoded + (this.#encoding === 'quoted-printable' ? this.#open : '');
    if (rest !== '') this.#text(rest);
    this.#decoded = '';
    this.#open = '';
    this.#mode = 'between';
  }

  #text(octets: string): void {
    for (const text of this.#decode(octets).split('\n')) this.#found.push({ where: 'body', text });
  }
}

/** `Name: value`, unfolded; addresses put in order, encoded words decoded. */
export function searchableField(field: string): string {
  const colon = field.indexOf(':');
  if (colon < 0) return decodeOctets(field.trim());
  const name = field.slice(0, colon);
  const value = field.slice(colon + 1).trim();
  if (!ADDRESS_FIELDS.has(name.trimEnd().toLowerCase())) return `${decodeOctets(name)}: ${decodeWords(value)}`;
  // Decoded first, an encoded comma would part a name; so the list is put in order as it is written.
  return `${name}: ${decodeNames(normaliseMailboxes(value))}`;
}

function decodeNames(list: string): string {
  if (!list.includes('=?')) return decodeOctets(list);
  let text = '';
  let from = 0;
  for (const found of list.matchAll(/"?((?:=\?[^?\s]+\?[bqBQ]\?[^?\s]*\?=\s*)+)"?/g)) {
    const words = found[1] ?? '';
    const name = decodeWords(words.trimEnd());
    text += decodeOctets(list.slice(from, found.index)) + (/[()<>@,;:\\".[\]]/.test(name) ? `"${name.replaceAll(/["\\]/g, '\\$&')}"` : name) + words.slice(words.trimEnd().length);
    from = found.index + found[0].length;
  }
  return text + decodeOctets(list.slice(from));
}
