/**
 * Addresses of a header field, read as kindly as people write them: names, comments, groups (RFC 5322 §3.4), and the
 * obsolete forms of its §4. Octets in, octets out.
 */
export interface Mailbox {
  /** Display name without quotes, or the comment that stands for it. */
  readonly name: string;
  readonly address: string;
}

type Item = { readonly kind: 'mailbox'; readonly mailbox: Mailbox } | { readonly kind: 'group'; readonly name: string } | { readonly kind: 'end' };
interface Part {
  readonly kind: 'atom' | 'quoted' | 'literal' | 'comment' | 'sign';
  readonly text: string;
}

const PART = /[ \t\r\n]+|"(?:[^"\\]|\\[^])*"?|\[[^\]]*\]?|[()<>,;:@.]|[^\s"[\]()<>,;:@.]+|[^]/g;

/** All mailboxes, in order. A field's name in front (`To: …`) is taken for a group's. */
export function parseMailboxes(text: string): readonly Mailbox[] {
  return parseItems(text).flatMap(item => (item.kind === 'mailbox' ? [item.mailbox] : []));
}

/** As `reformime -u` writes a list: `Joe B <x@y>, group: a@b;c@d`. */
export function normaliseMailboxes(text: string): string {
  let out = '';
  let apart = '';
  for (const item of parseItems(text)) {
    if (item.kind === 'mailbox') {
      out += apart + formatMailbox(item.mailbox);
      apart = ', ';
    } else if (item.kind === 'group') {
      out += `${apart}${formatName(item.name)}: `;
      apart = '';
    } else {
      out += ';';
      apart = '';
    }
  }
  return out;
}

export function formatMailbox({ name, address }: Mailbox): string {
  return name === '' ? address : `${formatName(name)} <${address}>`;
}

function formatName(name: string): string {
  return /[()<>@,;:\\".[\]]/.test(name) ? `"${name.replaceAll(/["\\]/g, '\\$&')}"` : name;
}

function parseItems(text: string): readonly Item[] {
  const items: Item[] = [];
  /** Since the last separator. */
  let words: Part[] = [];
  let open = false;
  const flush = (): void => {
    for (const mailbox of plainMailboxes(words)) items.push({ kind: 'mailbox', mailbox });
    words = [];
  };
  const parts = parseParts(text);
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at]!;
    if (part.kind !== 'sign') words.push(part);
    else if (part.text === ',') flush();
    else if (part.text === ':') {
      items.push({ kind: 'group', name: nameOf(words) });
      words = [];
      open = true;
    } else if (part.text === ';') {
      flush();
      if (open) items.push({ kind: 'end' });
      open = false;
    } else if (part.text === '<') {
      const close = parts.findIndex((one, index) => index > at && one.kind === 'sign' && one.text === '>');
      const end = close < 0 ? parts.length : close;
      const address = parts.slice(at + 1, end).filter(one => one.kind !== 'comment').map(one => one.text).join('');
      items.push({ kind: 'mailbox', mailbox: { name: nameOf(words), address } });
      words = [];
      at = end;
      // A comment behind the address is about the one before it.
      while (parts[at + 1]?.kind === 'comment') at++;
    } else if (part.text !== '>') words.push(part);
  }
  flush();
  return items;
}

function parseParts(text: string): Part[] {
  const parts: Part[] = [];
  for (PART.lastIndex = 0; PART.lastIndex < text.length;) {
    const start = PART.lastIndex;
    const [found] = PART.exec(text)!;
    const first = found[0]!;
    if (first === '(') {
      const end = commentEnd(text, start);
      parts.push({ kind: 'comment', text: text.slice(start + 1, end - 1) });
      PART.lastIndex = end;
    } else if (first === '"') parts.push({ kind: 'quoted', text: found });
    else if (first === '[') parts.push({ kind: 'literal', text: found });
    else if ('<>,;:@.)'.includes(first)) parts.push({ kind: 'sign', text: found });
    else if (!/^\s/.test(found)) parts.push({ kind: 'atom', text: found });
  }
  return parts;
}

function commentEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '(') depth++;
    else if (text[at] === ')' && --depth === 0) return at + 1;
  }
  return text.length + 1;
}

/** Words without angle brackets: those that `@` and `.` hold together are one address, each other is one of its own. */
function plainMailboxes(words: readonly Part[]): readonly Mailbox[] {
  const addresses: string[] = [];
  let glued = false;
  for (const { kind, text } of words) {
    if (kind === 'comment') continue;
    const glue = kind === 'sign' && (text === '@' || text === '.');
    if (kind === 'sign' && !glue) continue;
    if ((glue || glued) && addresses.length > 0) addresses.push(`${addresses.pop()}${text}`);
    else addresses.push(text);
    glued = glue;
  }
  const name = words.filter(one => one.kind === 'comment').map(one => one.text).join(' ');
  return addresses.map((address, index) => ({ name: index === addresses.length - 1 ? name : '', address }));
}

/** Words in a row; a comment only when there is nothing else. */
function nameOf(words: readonly Part[]): string {
  let name = '';
  let before: Part | null = null;
  for (const part of words.filter(one => one.kind !== 'comment')) {
    const apart = before === null || part.text === '.' || (before.kind === 'sign' && before.text === '@') || part.text === '@' ? '' : ' ';
    name += apart + (part.kind === 'quoted' ? part.text.replace(/^"/, '').replace(/"$/, '').replaceAll(/\\([^])/g, '$1') : part.text);
    before = part;
  }
  return name === '' ? words.filter(one => one.kind === 'comment').map(one => one.text).join(' ') : name;
}
