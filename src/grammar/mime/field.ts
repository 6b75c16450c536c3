/** Header fields by offset (RFC 5322 §2.2), and the values MIME needs (RFC 2045 §5). Whatever is not changed keeps its octets. */

export interface HeaderField {
  /** Lower case. */
  readonly name: string;
  /** Offset of the first octet, and of the first behind the field's last CRLF. */
  readonly start: number;
  readonly end: number;
  /** Unfolded, trimmed; octets above 127 as Latin-1. */
  readonly value: string;
}

export interface ContentType {
  /** Lower case, `text/plain`. */
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Lines that are no field (RFC 5322 §3.5 allows none) are passed over; they stay where they are. */
export function parseFields(header: Buffer): HeaderField[] {
  const fields: HeaderField[] = [];
  for (let start = 0; start < header.length;) {
    let end = lineEnd(header, start);
    while (end < header.length && (header[end] === 0x20 || header[end] === 0x09)) end = lineEnd(header, end);
    const text = header.toString('latin1', start, end);
    const colon = text.indexOf(':');
    const name = colon > 0 ? text.slice(0, colon).trimEnd() : '';
    if (/^[!-9;-~]+$/.test(name)) {
      fields.push({ name: name.toLowerCase(), start, end, value: text.slice(colon + 1).replaceAll(/\r?\n/g, '').trim() });
    }
    start = end;
  }
  return fields;
}

function lineEnd(header: Buffer, from: number): number {
  const lf = header.indexOf(0x0a, from);
  return lf < 0 ? header.length : lf + 1;
}

/** A token without the comments around it (RFC 2045 §5.1), lower case: `8bit`, `1.0`. */
export function parseToken(value: string): string {
  return withoutComments(value).trim().toLowerCase();
}

/** Null when there is no type to be found in it. */
export function parseContentType(value: string): ContentType | null {
  const text = withoutComments(value);
  const type = /^\s*([!#$%&'*+\-.^_`{|}~\w]+\s*\/\s*[!#$%&'*+\-.^_`{|}~\w]+)\s*(?=;|$)/.exec(text);
  if (type === null) return null;
  const parameters = new Map<string, string>();
  for (const [, name, quoted, plain] of text.slice(type[0].length).matchAll(PARAMETER)) {
    const key = name!.toLowerCase();
    if (!parameters.has(key)) parameters.set(key, quoted?.replaceAll(/\\(.)/gs, '$1') ?? plain!.trim());
  }
  return { type: type[1]!.replaceAll(/\s/g, '').toLowerCase(), parameters };
}

// QUIRK: an unquoted value runs to the next semicolon, because senders leave quotes away where '=' or '/' want them.
const PARAMETER = /;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;"]*))/gs;

/** Comments nest, and quoted strings hide parentheses (RFC 5322 §3.2.2). */
function withoutComments(value: string): string {
  if (!value.includes('(')) return value;
  let out = '';
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < value.length; at++) {
    const character = value[at]!;
    if (character === '\\') {
      if (depth === 0) out += value.slice(at, at + 2);
      at++;
    } else if (depth === 0 && character === '"') {
      quoted = !quoted;
      out += character;
    } else if (!quoted && character === '(') depth++;
    else if (!quoted && character === ')' && depth > 0) depth--;
    else if (depth === 0) out += character;
  }
  return out;
}
