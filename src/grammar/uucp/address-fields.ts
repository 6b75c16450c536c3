/**
 * The addresses in a header's From, To, Cc, Reply-To and Sender, replaced where they stand: every other octet of the
 * header, folding and comments included, stays as it came. Octets are latin1 characters here.
 */
const FIELDS = /^(?:from|to|cc|reply-to|sender)[ \t]*:/i;

/** `rewrite` gets an addr-spec or a bang path and gives what is to stand there. `fields` fits those that are looked at, with their colon. */
export function rewriteAddressFields(header: string, rewrite: (address: string) => string, fields: RegExp = FIELDS): string {
  let out = '';
  let copied = 0;
  for (let at = 0; at < header.length; ) {
    const end = endOfField(header, at);
    const name = fields.exec(header.slice(at, Math.min(at + 20, end)));
    if (name !== null) {
      for (const [from, to] of addressSpans(header, at + name[0].length, end)) {
        const written = header.slice(from, to);
        const wanted = rewrite(written);
        if (wanted === written) continue;
        out += header.slice(copied, from) + wanted;
        copied = to;
      }
    }
    at = end;
  }
  return copied === 0 ? header : out + header.slice(copied);
}

/** Behind the field's last line, continuation lines included. */
function endOfField(header: string, from: number): number {
  for (let lf = header.indexOf('\n', from); lf >= 0; lf = header.indexOf('\n', lf + 1)) {
    const next = header[lf + 1];
    if (next !== ' ' && next !== '\t') return lf + 1;
  }
  return header.length;
}

/** Where addresses stand (RFC 5322 §3.4): in <…>, or alone between commas. */
function addressSpans(text: string, from: number, end: number): [number, number][] {
  const spans: [number, number][] = [];
  let words: [number, number][] = [];
  let bracketed = false;
  const finish = () => {
    // Several words without brackets are a name, or nothing we understand.
    if (!bracketed && words.length === 1) spans.push(words[0] as [number, number]);
    words = [];
    bracketed = false;
  };
  let at = from;
  while (at < end) {
    const char = text[at] as string;
    if (char === '(') at = behindComment(text, at, end);
    else if (char === '<') {
      const close = closingAngle(text, at + 1, end);
      if (close < 0) return [];
      const inside = text.slice(at + 1, close);
      // A source route (RFC 5322 §4.4) leads elsewhere than it seems; it stays.
      if (inside.trim() !== '' && !inside.startsWith('@') && !/[\s(]/.test(inside.replace(/^"(?:\\.|[^"\\])*"/, ''))) spans.push([at + 1, close]);
      bracketed = true;
      at = close + 1;
    } else if (char === ',' || char === ';') {
      finish();
      at++;
    } else if (char === ':') {
      words = []; // a group's name
      at++;
    } else if (/\s/.test(char)) at++;
    else {
      const start = at;
      while (at < end && !/[\s,;:<>(]/.test(text[at] as string)) at = text[at] === '"' ? behindQuoted(text, at, end) : text[at] === '[' ? behindLiteral(text, at, end) : at + 1;
      if (at === start) at++;
      else words.push([start, at]);
    }
  }
  finish();
  return spans;
}

function behindComment(text: string, from: number, end: number): number {
  let depth = 0;
  for (let at = from; at < end; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '(') depth++;
    else if (text[at] === ')' && --depth === 0) return at + 1;
  }
  return end;
}

function behindQuoted(text: string, from: number, end: number): number {
  for (let at = from + 1; at < end; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at + 1;
  }
  return end;
}

function behindLiteral(text: string, from: number, end: number): number {
  const close = text.indexOf(']', from);
  return close < 0 || close >= end ? from + 1 : close + 1;
}

function closingAngle(text: string, from: number, end: number): number {
  for (let at = from; at < end; at++) {
    if (text[at] === '"') at = behindQuoted(text, at, end) - 1;
    else if (text[at] === '>') return at;
  }
  return -1;
}
