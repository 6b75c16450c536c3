/** Macros of SPF records (RFC 7208 §7): read once, expanded for each message. */
export type MacroText = readonly (string | Macro)[];

export interface Macro {
  /** In small letters. */
  readonly letter: MacroLetter;
  /** Rightmost parts that are kept; null: all. */
  readonly parts: number | null;
  readonly reversed: boolean;
  readonly delimiters: string;
  /** A capital letter: as in a URL. */
  readonly escaped: boolean;
}

export type MacroLetter = 's' | 'l' | 'o' | 'd' | 'i' | 'p' | 'v' | 'h' | 'c' | 'r' | 't';

const MACRO = /%(?:\{([slodipvhcrt])(\d*)(r?)([-.+,/_=]*)\}|([%_-]))/giy;
const ONLY_EXPLAINED = 'crt';
/** RFC 1035 §2.3.4, in text. */
const LONGEST_NAME = 253;
const LONGEST_LABEL = 63;

/** Null: no such syntax. `explain` allows blanks, and the letters that only an explanation may have. */
export function parseMacroText(text: string, kind: 'domain' | 'explain'): MacroText | null {
  const found: (string | Macro)[] = [];
  let at = 0;
  while (at < text.length) {
    const next = text.indexOf('%', at);
    const plain = text.slice(at, next < 0 ? text.length : next);
    if (!(kind === 'explain' ? /^[\x20-\x7e]*$/ : /^[\x21-\x7e]*$/).test(plain)) return null;
    if (plain !== '') found.push(plain);
    if (next < 0) break;
    MACRO.lastIndex = next;
    const match = MACRO.exec(text);
    if (match === null) return null;
    at = MACRO.lastIndex;
    const [, letter, digits = '', reversed = '', delimiters = '', literal] = match;
    if (letter === undefined) {
      found.push(literal === '%' ? '%' : literal === '_' ? ' ' : '%20');
      continue;
    }
    const small = letter.toLowerCase() as MacroLetter;
    if (kind === 'domain' && ONLY_EXPLAINED.includes(small)) return null;
    const parts = digits === '' ? null : Number(digits);
    // RFC 7208 §7.1: not zero; §7.3: at least 128 are understood, and more is simply all.
    if (parts === 0) return null;
    found.push({ letter: small, parts, reversed: reversed !== '', delimiters: delimiters === '' ? '.' : delimiters, escaped: letter !== small });
  }
  return found;
}

/** domain-spec of RFC 7208 §12: it ends with a macro, or with a top label that is not a number. */
export function parseDomainSpec(text: string): MacroText | null {
  return endsWell(text) ? parseMacroText(text, 'domain') : null;
}

function endsWell(text: string): boolean {
  const last = text.at(-1) ?? '';
  // Which macro it is, the parser will tell.
  if (/^%[%_-]$/.test(text.slice(-2))) return true;
  if (last === '}') return text.lastIndexOf('%{') > text.lastIndexOf('}', text.length - 2);
  const name = last === '.' ? text.slice(0, -1) : text;
  const dot = name.lastIndexOf('.');
  // A stranger's record is 64 KiB if he likes: a label is cut out before it is looked at.
  const label = dot < 0 ? '' : name.slice(dot + 1, dot + 1 + LONGEST_LABEL + 1);
  return label.length <= LONGEST_LABEL && /^[a-z0-9-]+$/i.test(label) && /[a-z-]/i.test(label) && !label.startsWith('-') && !label.endsWith('-');
}

export function usesName(text: MacroText): boolean {
  return text.some(part => typeof part !== 'string' && part.letter === 'p');
}

export function expandMacros(text: MacroText, values: Readonly<Record<MacroLetter, string>>): string {
  return text.map(part => (typeof part === 'string' ? part : expandOne(part, values[part.letter]))).join('');
}

/** A name too long to be asked for loses labels on the left (RFC 7208 §7.3). */
export function expandDomain(text: MacroText, values: Readonly<Record<MacroLetter, string>>): string {
  let name = expandMacros(text, values).replace(/\.$/, '');
  while (name.length > LONGEST_NAME) {
    const dot = name.indexOf('.');
    name = dot < 0 ? '' : name.slice(dot + 1);
  }
  return name;
}

function expandOne({ parts, reversed, delimiters, escaped }: Macro, value: string): string {
  let found = splitAt(value, delimiters);
  if (reversed) found = found.toReversed();
  if (parts !== null) found = found.slice(-Math.min(parts, found.length));
  const joined = found.join('.');
  return escaped ? Buffer.from(joined).toString('latin1').replaceAll(/[^\w.~-]/g, octet => `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`) : joined;
}

function splitAt(value: string, delimiters: string): string[] {
  const found = [''];
  for (const letter of value) {
    if (delimiters.includes(letter)) found.push('');
    else found[found.length - 1] += letter;
  }
  return found;
}
