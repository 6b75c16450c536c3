/** The language of `.courier` files: a line an instruction, done from the top. An empty list means: throw it away. */

export type Instruction =
  /** mbox file or Maildir, as the path turns out to be; `maildir`: it was written with a slash behind it. */
  | { readonly kind: 'mailbox'; readonly path: string; readonly maildir: boolean }
  | { readonly kind: 'program'; readonly command: string }
  /** Its output is more instructions. */
  | { readonly kind: 'dynamic'; readonly command: string }
  | { readonly kind: 'forward'; readonly addresses: readonly string[] };

/** Null: the file says nothing at all, so the default delivery holds. Comments alone say: discard. */
export function parseDotCourier(text: string): readonly Instruction[] | null {
  if (text.trim() === '') return null;
  const instructions: Instruction[] = [];
  // Only a command goes on behind a backslash.
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  for (let at = 0; at < lines.length; at++) {
    let line = lines[at] as string;
    if (line.startsWith('|')) {
      while (line.endsWith('\\') && at + 1 < lines.length) line = `${line.slice(0, -1)}${lines[++at] as string}`;
    }
    const instruction = parseInstruction(line.trim());
    if (instruction !== null) instructions.push(instruction);
  }
  return instructions;
}

function parseInstruction(line: string): Instruction | null {
  if (line === '' || line.startsWith('#')) return null;
  if (line.startsWith('||')) return { kind: 'dynamic', command: line.slice(2).trim() };
  if (line.startsWith('|')) return { kind: 'program', command: line.slice(1).trim() };
  if (line.startsWith('.') || line.startsWith('/')) {
    const path = line.replace(/(?<=.)\/+$/, '');
    return { kind: 'mailbox', path, maildir: path !== line };
  }
  const addresses = splitAddresses(line.replace(/^[&!]\s*/, ''));
  return addresses.length === 0 ? null : { kind: 'forward', addresses };
}

function splitAddresses(text: string): readonly string[] {
  const found: string[] = [];
  let quoted = false;
  let from = 0;
  for (let at = 0; at <= text.length; at++) {
    const char = text[at];
    if (quoted && char === '\\') at++;
    else if (char === '"') quoted = !quoted;
    else if (char === undefined || (char === ',' && !quoted)) {
      const one = text.slice(from, at).trim();
      if (one !== '') found.push(one);
      from = at + 1;
    }
  }
  return found;
}
