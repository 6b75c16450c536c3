/**
 * Octets to words. Two things depend on what came before: `/` begins a pattern, but a path behind `=`, `to` and the
 * like, and a division before a blank; and a line end is a token, unless a backslash stands before it.
 */
import { functions, type PatternOptions, type Piece, type Place } from './ast.ts';
import { parsePieces, unquoteSingle } from './literal.ts';

export type Token = Place & (
  | { readonly kind: 'text' | 'command'; readonly pieces: readonly Piece[] }
  | { readonly kind: 'pattern'; readonly pieces: readonly Piece[]; readonly options: PatternOptions }
  | { readonly kind: 'word'; readonly word: string }
  | { readonly kind: 'sign'; readonly sign: string }
  | { readonly kind: 'end-of-line' | 'end' }
);

/** The first thing wrong in a recipe. Thrown within the grammar only; parseRecipe() gives it as a value. */
export class Misread extends Error {
  readonly line: number;
  readonly column: number;
  constructor({ line, column }: Place, what: string) {
    super(what);
    this.line = line;
    this.column = column;
  }
}

const WORD = /[A-Za-z0-9_\-.:/${}@]+/y;
const BLANK = /(?:[ \t\r]|\\\r?\n)+/y;
const COMMENT = /#[^\n]*/y;
const SIGNS = ['||', '&&', '==', '=~', '!=', '<=', '>=', '=', '<', '>', '|', '&', '+', '*', '!', '~', '(', ')', ',', '{', '}'] as const;
const OPTIONS = /:([A-Za-z0-9,.+-]*)/y;

export const STATEMENTS: ReadonlySet<string> = new Set(['to', 'cc', 'echo', 'log', 'logfile', 'include', 'xfilter', 'system', 'import', 'unset', 'exit', 'if', 'elsif', 'else', 'while', 'foreach', 'dotlock', 'flock', 'exception']);
const COMPARISONS: ReadonlySet<string> = new Set(['lt', 'le', 'gt', 'ge', 'eq', 'ne']);
/** Behind these a `/` begins a path. */
const PATH_NEXT: ReadonlySet<string> = new Set(['to', 'cc', 'logfile', 'include', 'dotlock', 'flock']);

export class Lexer {
  readonly #text: string;
  #at = 0;
  #line = 1;
  #lineStart = 0;
  #pathNext = false;
  #held: Token | null = null;

  constructor(text: string) {
    this.#text = text;
  }

  peek(): Token {
    return (this.#held ??= this.#read());
  }

  take(): Token {
    const token = this.peek();
    this.#held = null;
    return token;
  }

  #read(): Token {
    while (this.#skip(BLANK) || this.#skip(COMMENT));
    const place = this.#place();
    const pathNext = this.#pathNext;
    this.#pathNext = false;
    const next = this.#text[this.#at];
    if (next === undefined) return { ...place, kind: 'end' };
    if (next === '\n' || next === ';') {
      this.#advance(1);
      return { ...place, kind: 'end-of-line' };
    }
    if (next === '"' || next === "'" || next === '`') return this.#quoted(next, place);
    const after = this.#text[this.#at + 1];
    const apart = after === undefined || /[\s]/.test(after);
    if (next === '/' && apart) return this.#sign('/', place);
    if (next === '/' && !pathNext) return this.#pattern(place);
    // A minus before a blank subtracts; before anything else it belongs to the word.
    if (next === '-' && apart) return this.#sign('-', place);
    for (const sign of SIGNS) {
      if (this.#text.startsWith(sign, this.#at)) return this.#sign(sign, place);
    }
    WORD.lastIndex = this.#at;
    const word = WORD.exec(this.#text)?.[0];
    if (word === undefined) throw new Misread(place, `"${printable(next)}" has no meaning here; text with such characters stands in quotes`);
    this.#advance(word.length);
    if (STATEMENTS.has(word) || COMPARISONS.has(word) || Object.hasOwn(functions, word)) {
      this.#pathNext = PATH_NEXT.has(word);
      return { ...place, kind: 'word', word };
    }
    return { ...place, kind: 'text', pieces: parsePieces(word) };
  }

  #sign(sign: string, place: Place): Token {
    this.#advance(sign.length);
    this.#pathNext = sign === '=';
    return { ...place, kind: 'sign', sign };
  }

  #quoted(quote: '"' | "'" | '`', place: Place): Token {
    let text = '';
    for (let at = this.#at + 1; ; at++) {
      const next = this.#text[at];
      if (next === undefined || next === '\n') throw new Misread(place, `the closing ${quote} is missing on this line; a backslash at its end continues it`);
      if (next === quote) {
        this.#advance(at + 1 - this.#at);
        if (quote === "'") return { ...place, kind: 'text', pieces: text === '' ? [] : [unquoteSingle(text)] };
        // The shell finds variables in its environment: what strangers wrote is never part of a command.
        return quote === '"' ? { ...place, kind: 'text', pieces: parsePieces(text, '"') } : { ...place, kind: 'command', pieces: [text.replaceAll(/\\([`\\])/g, '$1')] };
      }
      if (next !== '\\') text += next;
      else if (this.#text[at + 1] === '\n') {
        at++;
        while (/[ \t]/.test(this.#text[at + 1] ?? '')) at++;
      } else text += next + (this.#text[++at] ?? '');
    }
  }

  #pattern(place: Place): Token {
    let end = this.#at + 1;
    while (this.#text[end] !== '/') {
      if (this.#text[end] === '\\') end++;
      if (this.#text[end] === undefined || this.#text[end] === '\n') throw new Misread(place, 'the closing / of this pattern is missing; a division has a blank behind its /');
      end++;
    }
    const text = this.#text.slice(this.#at + 1, end);
    this.#advance(end + 1 - this.#at);
    OPTIONS.lastIndex = this.#at;
    const options = OPTIONS.exec(this.#text);
    if (options !== null) this.#advance(options[0].length);
    return { ...place, kind: 'pattern', pieces: parsePatternPieces(text), options: parseOptions(options?.[1] ?? '') };
  }

  #skip(what: RegExp): boolean {
    what.lastIndex = this.#at;
    const found = what.exec(this.#text);
    if (found === null) return false;
    this.#advance(found[0].length);
    return true;
  }

  #advance(octets: number): void {
    const end = this.#at + octets;
    for (let at = this.#text.indexOf('\n', this.#at); at >= 0 && at < end; at = this.#text.indexOf('\n', at + 1)) {
      this.#line++;
      this.#lineStart = at + 1;
    }
    this.#at = end;
  }

  #place(): Place {
    return { line: this.#line, column: this.#at - this.#lineStart + 1 };
  }
}

/** `\$` is the pattern language's own escape, so it stays; `$` before `)`, `|`, `/` is the end of the line. */
function parsePatternPieces(text: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '$' && /[A-Za-z0-9_{]/.test(text[at + 1] ?? '')) {
      const [first, ...rest] = parsePieces(text.slice(at));
      if (typeof first === 'string' || first === undefined) continue;
      const length = text[at + 1] === '{' ? text.indexOf('}', at) + 1 - at : first.variable.length + 1;
      if (at > from) pieces.push(text.slice(from, at));
      pieces.push(first);
      at += length - 1;
      from = at + 1;
      if (rest.length === 0) break;
    }
  }
  if (from < text.length) pieces.push(text.slice(from));
  return pieces;
}

function parseOptions(text: string): PatternOptions {
  const [letters = '', first, factor] = text.split(',');
  const wide = letters.includes('w');
  const body = wide || letters.includes('b');
  const header = letters.includes('h') || wide || (!body && !letters.includes('H')) ? 'all' : letters.includes('H') ? 'top' : 'none';
  const number = (written: string | undefined): number => Number.parseFloat(written ?? '1') || 0;
  return {
    header, body, caseSensitive: letters.includes('D'),
    ...(first === undefined ? {} : { weight: { first: number(first), factor: number(factor) } }),
  };
}

function printable(octet: string): string {
  return octet >= ' ' && octet <= '~' ? octet : `\\x${octet.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
