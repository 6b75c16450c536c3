/** Statements: a recipe's text to its tree, or the first thing that is wrong with it. */
import type { Block, Expression, Place, Statement } from './ast.ts';
import { Expressions } from './expressions.ts';
import { Lexer, Misread, type Token } from './lexer.ts';

export type ParsedRecipe =
  | { readonly kind: 'recipe'; readonly body: Block }
  | ({ readonly kind: 'misread'; readonly what: string } & Place);

/** Blocks and parentheses within each other. */
export const DEEPEST = 100;

/** `text` is octets, one a character. */
export function parseRecipe(text: string): ParsedRecipe {
  try {
    return { kind: 'recipe', body: new Statements(new Lexer(text)).recipe() };
  } catch (error) {
    if (!(error instanceof Misread)) throw error;
    return { kind: 'misread', line: error.line, column: error.column, what: error.message };
  }
}

const WITH_VALUE = new Set(['to', 'cc', 'echo', 'log', 'logfile', 'include', 'xfilter', 'system', 'import', 'unset'] as const);
type WithValue = typeof WITH_VALUE extends Set<infer Name> ? Name : never;

class Statements {
  readonly #lexer: Lexer;
  readonly #expressions: Expressions;
  #depth = 0;

  constructor(lexer: Lexer) {
    this.#lexer = lexer;
    this.#expressions = new Expressions(lexer);
  }

  recipe(): Block {
    const body = this.#statements();
    const rest = this.#lexer.peek();
    if (rest.kind !== 'end') throw new Misread(rest, `${name(rest)} without a beginning`);
    return body;
  }

  /** Up to a `}` or the end. */
  #statements(): Block {
    const body: Statement[] = [];
    for (;;) {
      this.#skipLines();
      const next = this.#lexer.peek();
      if (next.kind === 'end' || is(next, '}')) return body;
      body.push(this.#statement());
    }
  }

  #statement(): Statement {
    const next = this.#lexer.peek();
    if (is(next, '{')) {
      const body = this.#block();
      this.#endOfLine('}');
      return { ...place(next), kind: 'block', body };
    }
    if (next.kind !== 'word') return this.#plain({ ...place(next), kind: 'evaluate', value: this.#expressions.expression() });
    switch (next.word) {
      case 'exit':
        this.#lexer.take();
        return this.#plain({ ...place(next), kind: 'exit' });
      case 'if':
        return this.#if();
      case 'while': {
        this.#lexer.take();
        const test = this.#condition('while');
        return { ...place(next), kind: 'while', test, body: this.#body() };
      }
      case 'foreach':
        return this.#foreach();
      case 'dotlock':
      case 'flock': {
        this.#lexer.take();
        const path = this.#expressions.expression();
        const body = this.#block();
        this.#endOfLine('}');
        return { ...place(next), kind: next.word, path, body };
      }
      case 'exception': {
        this.#lexer.take();
        const body = this.#block();
        this.#endOfLine('}');
        return { ...place(next), kind: 'exception', body };
      }
      case 'else':
      case 'elsif':
        throw new Misread(next, `${next.word} belongs directly behind the line that ends the if; there may be no blank line between`);
      default:
        if (!hasValue(next.word)) return this.#plain({ ...place(next), kind: 'evaluate', value: this.#expressions.expression() });
        this.#lexer.take();
        return this.#plain({ ...place(next), kind: next.word, value: this.#expressions.expression() });
    }
  }

  /** A statement of one line. */
  #plain(statement: Statement): Statement {
    const next = this.#lexer.peek();
    if (next.kind === 'end-of-line') this.#lexer.take();
    else if (next.kind !== 'end') throw new Misread(next, `${name(next)} is one too many here; each statement has its own line, or a ; behind it`);
    return statement;
  }

  #if(): Statement {
    const at = this.#lexer.take();
    const test = this.#condition('if');
    const body = this.#body();
    const next = this.#lexer.peek();
    if (next.kind !== 'word' || (next.word !== 'else' && next.word !== 'elsif')) return { ...place(at), kind: 'if', test, body, otherwise: [] };
    if (next.word === 'elsif') {
      const otherwise = this.#within(() => this.#if());
      return { ...place(at), kind: 'if', test, body, otherwise: [otherwise] };
    }
    this.#lexer.take();
    this.#endOfLine('else');
    return { ...place(at), kind: 'if', test, body, otherwise: this.#body() };
  }

  #condition(word: string): Expression {
    const open = this.#lexer.take();
    if (!is(open, '(')) throw new Misread(open, `${word} needs a condition in parentheses: ${word} ($SIZE > 1000)`);
    const test = this.#expressions.expression();
    const close = this.#lexer.take();
    if (!is(close, ')')) throw new Misread(close, `the ) of ${word} is missing before ${name(close)}`);
    this.#endOfLine(')');
    return test;
  }

  #foreach(): Statement {
    const at = this.#lexer.take();
    const value = this.#expressions.expression();
    if (value.kind !== 'match') throw new Misread(value, 'foreach needs a pattern: foreach /^To:.*/ or foreach ($X) =~ /.+/');
    this.#endOfLine('foreach');
    return { ...place(at), kind: 'foreach', ...(value.subject === undefined ? {} : { subject: value.subject }), pattern: value.pattern, body: this.#body() };
  }

  /** What if, while and foreach govern: a block, or one statement. Nothing at all at the end of the file. */
  #body(): Block {
    this.#skipLines();
    const next = this.#lexer.peek();
    if (next.kind === 'end') return [];
    if (!is(next, '{')) return [this.#within(() => this.#statement())];
    const body = this.#block();
    this.#endOfLine('}');
    return body;
  }

  #block(): Block {
    const open = this.#lexer.take();
    if (!is(open, '{')) throw new Misread(open, `a { is missing before ${name(open)}`);
    const body = this.#within(() => this.#statements());
    const close = this.#lexer.take();
    if (!is(close, '}')) throw new Misread(open, 'this { has no }');
    return body;
  }

  /** Takes one line end, so that a blank line before `else` is seen. */
  #endOfLine(behind: string): void {
    const next = this.#lexer.peek();
    if (next.kind === 'end-of-line') this.#lexer.take();
    else if (next.kind !== 'end') throw new Misread(next, `${behind} ends its line; ${name(next)} belongs on the next`);
  }

  #skipLines(): void {
    while (this.#lexer.peek().kind === 'end-of-line') this.#lexer.take();
  }

  #within<T>(work: () => T): T {
    if (++this.#depth > DEEPEST) throw new Misread(this.#lexer.peek(), `more than ${DEEPEST} blocks within each other`);
    try {
      return work();
    } finally {
      this.#depth--;
    }
  }
}

function hasValue(word: string): word is WithValue {
  return (WITH_VALUE as ReadonlySet<string>).has(word);
}

export function is(token: Token, sign: string): boolean {
  return token.kind === 'sign' && token.sign === sign;
}

export function place({ line, column }: Place): Place {
  return { line, column };
}

export function name(token: Token): string {
  if (token.kind === 'sign') return `"${token.sign}"`;
  if (token.kind === 'word') return `"${token.word}"`;
  if (token.kind === 'end') return 'the end of the file';
  return token.kind === 'end-of-line' ? 'the end of the line' : `a ${token.kind}`;
}
