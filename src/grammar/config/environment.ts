/**
 * Courier's `esmtpd`, `courierd` and `module.*`: assignments a Bourne shell would take, one a line.
 * Quotes, backslashes, comments and $NAME of earlier assignments are understood; commands are not, and are refused:
 * a configuration that is read must not be a program that runs.
 */
import { settle, shown, type Parsed, type Problem } from './parsed.ts';

export interface Assignment {
  readonly line: number;
  readonly name: string;
  readonly value: string;
}

const example = 'NAME=value, or NAME="two words"';

/** `known` has what $NAME may mean beside the assignments of this text. */
export function parseEnvironment(text: string, known: ReadonlyMap<string, string> = new Map()): Parsed<readonly Assignment[]> {
  const problems: Problem[] = [];
  const assignments: Assignment[] = [];
  const values = new Map(known);
  const reader = new ShellReader(text, values, problems);
  while (reader.skipToStatement()) {
    const line = reader.line;
    const name = reader.name();
    if (name === undefined) {
      problems.push({ line, what: `${shown(reader.restOfLine())} is not an assignment`, right: example });
      continue;
    }
    const value = reader.word(line);
    if (value === undefined) continue;
    values.set(name, value);
    assignments.push({ line, name, value });
    const rest = reader.restOfLine().trim();
    if (rest !== '' && rest !== ';' && !/^;?\s*#/.test(rest)) {
      const right = `${name}="${(value + rest).replace(/["\\$`]/g, '')}"`;
      problems.push({ line, what: `${shown(rest)} follows the value of ${name}; a value with blanks needs quotes`, right });
    }
  }
  return settle(assignments, problems);
}

/** Quoted where a shell would need it. */
export function formatAssignment(name: string, value: string): string {
  return /^[\w./:,@%+-]*$/.test(value) ? `${name}=${value}` : `${name}='${value.replaceAll("'", String.raw`'\''`)}'`;
}

class ShellReader {
  line = 1;
  readonly #text: string;
  readonly #values: ReadonlyMap<string, string>;
  readonly #problems: Problem[];
  #at = 0;

  constructor(text: string, values: ReadonlyMap<string, string>, problems: Problem[]) {
    this.#text = (text.startsWith('\uFEFF') ? text.slice(1) : text).replaceAll('\r\n', '\n');
    this.#values = values;
    this.#problems = problems;
  }

  /** Past blanks, empty lines and comments; false at the end. */
  skipToStatement(): boolean {
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined) return false;
      if (char === '#') this.restOfLine();
      else if (/\s/.test(char)) this.#take();
      else return true;
    }
  }

  /** `NAME=`, perhaps after `export`. */
  name(): string | undefined {
    const found = /(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=/y;
    found.lastIndex = this.#at;
    const match = found.exec(this.#text);
    if (match !== null) this.#at += match[0].length;
    return match?.[1];
  }

  /** One shell word; undefined (and a problem) when a shell would do more than read it. */
  word(line: number): string | undefined {
    let value = '';
    let quote = '';
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined) {
        if (quote === '') return value;
        this.#problems.push({ line, what: `the quote ${quote} is not closed`, right: example });
        return undefined;
      }
      if (quote === '' && /[\s;#]/.test(char) && !(char === '#' && value !== '')) return value;
      this.#take();
      if (char === quote) quote = '';
      else if (quote === '' && (char === '"' || char === "'")) quote = char;
      else if (quote === "'") value += char;
      else if (char === '\\') value += this.#escaped(quote);
      else if (char === '$' || char === '`') {
        const expanded = this.#expanded(char);
        if (expanded === undefined) {
          this.restOfLine();
          return undefined;
        }
        value += expanded;
      } else if (quote === '' && /[|&<>()]/.test(char)) {
        this.#problems.push({ line: this.line, what: `'${char}' would be a command for a shell; this file is only read`, right: `NAME='…${char}…'` });
        this.restOfLine();
        return undefined;
      } else value += char;
    }
  }

  restOfLine(): string {
    const end = this.#text.indexOf('\n', this.#at);
    const rest = this.#text.slice(this.#at, end < 0 ? undefined : end);
    this.#at += rest.length;
    if (end >= 0) this.#take();
    return rest;
  }

  #take(): string {
    const char = this.#text[this.#at++] ?? '';
    if (char === '\n') this.line++;
    return char;
  }

  /** Inside double quotes a backslash is itself, but before the four characters that mean something there. */
  #escaped(quote: string): string {
    const next = this.#take();
    if (next === '\n') return '';
    return quote === '' || /["\\$`]/.test(next) ? next : `\\${next}`;
  }

  #expanded(char: string): string | undefined {
    const found = /\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*)/y;
    found.lastIndex = this.#at;
    const match = char === '$' ? found.exec(this.#text) : null;
    const name = match?.[1] ?? match?.[2];
    if (match === null || name === undefined) {
      if (char === '$' && /^([\s"/.:,]|$)/.test(this.#text.slice(this.#at, this.#at + 1))) return '$';
      this.#problems.push({ line: this.line, what: `'${char}' would run a command in a shell; this file is only read`, right: example });
      return undefined;
    }
    this.#at += match[0].length;
    const value = this.#values.get(name);
    if (value === undefined) this.#problems.push({ line: this.line, what: `$${name} is not set before this line`, right: `${name}=… on a line above` });
    return value;
  }
}
