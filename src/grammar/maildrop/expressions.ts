/** Expressions, weakest first: = || && comparison | & + - * / =~ and what stands alone. Comparisons do not chain. */
import { functions, type BinaryOperator, type Expression, type FunctionName, type Place } from './ast.ts';
import { Misread, type Lexer, type Token } from './lexer.ts';

const COMPARISONS: ReadonlySet<string> = new Set(['<', '<=', '>', '>=', '==', '!=', 'lt', 'le', 'gt', 'ge', 'eq', 'ne']);
/** Each level's operators, weakest first; they group to the left. */
const LEVELS: readonly (readonly string[])[] = [['|'], ['&'], ['+', '-'], ['*', '/']];
const DEEPEST = 100;

export class Expressions {
  readonly #lexer: Lexer;
  #depth = 0;

  constructor(lexer: Lexer) {
    this.#lexer = lexer;
  }

  expression(): Expression {
    if (++this.#depth > DEEPEST) throw new Misread(this.#lexer.peek(), `more than ${DEEPEST} parentheses within each other`);
    const left = this.#either();
    this.#depth--;
    if (!this.#sees('=')) return left;
    const equals = this.#lexer.take();
    if (left.kind !== 'text' && left.kind !== 'join') throw new Misread(equals, 'only a variable can stand before =');
    const value = this.#either();
    if (this.#sees('=')) throw new Misread(this.#lexer.peek(), 'an assignment within another needs parentheses');
    return { ...at(left), kind: 'assign', name: left, value };
  }

  #either(): Expression {
    let left = this.#both();
    while (this.#sees('||')) {
      this.#lexer.take();
      left = { ...at(left), kind: 'either', left, right: this.#both() };
    }
    return left;
  }

  #both(): Expression {
    let left = this.#comparison();
    while (this.#sees('&&')) {
      this.#lexer.take();
      left = { ...at(left), kind: 'both', left, right: this.#comparison() };
    }
    return left;
  }

  #comparison(): Expression {
    const left = this.#level(0);
    const operator = operatorOf(this.#lexer.peek());
    if (operator === null || !COMPARISONS.has(operator)) return left;
    this.#lexer.take();
    const value: Expression = { ...at(left), kind: 'binary', operator: operator as BinaryOperator, left, right: this.#level(0) };
    const next = operatorOf(this.#lexer.peek());
    if (next !== null && COMPARISONS.has(next)) throw new Misread(this.#lexer.peek(), 'comparisons do not chain: (a < b) < c');
    return value;
  }

  #level(level: number): Expression {
    const operators = LEVELS[level];
    if (operators === undefined) return this.#matched();
    let left = this.#level(level + 1);
    for (;;) {
      const operator = operatorOf(this.#lexer.peek());
      if (operator === null || !operators.includes(operator)) return left;
      this.#lexer.take();
      left = { ...at(left), kind: 'binary', operator: operator as BinaryOperator, left, right: this.#level(level + 1) };
    }
  }

  #matched(): Expression {
    let value = this.#alone();
    while (this.#sees('=~')) {
      this.#lexer.take();
      const pattern = this.#lexer.take();
      if (pattern.kind !== 'pattern') throw new Misread(pattern, 'behind =~ stands a /pattern/');
      value = { ...at(value), kind: 'match', subject: value, pattern: { ...at(pattern), pieces: pattern.pieces, options: pattern.options } };
    }
    return value;
  }

  #alone(): Expression {
    const token = this.#lexer.take();
    switch (token.kind) {
      case 'pattern':
        return { ...at(token), kind: 'match', pattern: { ...at(token), pieces: token.pieces, options: token.options } };
      case 'text':
      case 'command':
        return this.#join({ ...at(token), kind: token.kind, pieces: token.pieces });
      case 'word':
        if (Object.hasOwn(functions, token.word)) return this.#call(token, token.word as FunctionName);
        break;
      case 'sign': {
        if (token.sign === '(') {
          const value = this.expression();
          this.#expect(')', token);
          return value;
        }
        if (token.sign === '!' || token.sign === '~') {
          if (++this.#depth > DEEPEST) throw new Misread(token, `more than ${DEEPEST} negations`);
          const value = this.#alone();
          this.#depth--;
          return { ...at(token), kind: token.sign === '!' ? 'not' : 'complement', value };
        }
        break;
      }
      case 'end-of-line':
      case 'end':
        throw new Misread(token, 'something is missing at the end of this line');
      default:
        token satisfies never;
    }
    throw new Misread(token, `a value is expected here, not ${operatorOf(token) ?? 'this'}`);
  }

  /** Texts in a row are one text. */
  #join(first: Expression): Expression {
    const parts = [first];
    for (let next = this.#lexer.peek(); next.kind === 'text' || next.kind === 'command'; next = this.#lexer.peek()) {
      this.#lexer.take();
      parts.push({ ...at(next), kind: next.kind, pieces: next.pieces });
    }
    return parts.length === 1 ? first : { ...at(first), kind: 'join', parts };
  }

  #call(token: Token, name: FunctionName): Expression {
    const { least, most, bare } = functions[name];
    const parameters: Expression[] = [];
    if (this.#sees('(')) {
      const open = this.#lexer.take();
      while (!this.#sees(')')) {
        parameters.push(this.expression());
        if (!this.#sees(')')) this.#expect(',', open);
      }
      this.#lexer.take();
    } else if (!bare) throw new Misread(token, `${name} needs its parameters in parentheses`);
    else if (most > 0) parameters.push(this.#alone());
    if (parameters.length < least || parameters.length > most) throw new Misread(token, `${name} takes ${least === most ? least : `${least} to ${most}`} parameters, not ${parameters.length}`);
    return { ...at(token), kind: 'call', name, parameters };
  }

  #expect(sign: string, open: Place): void {
    const next = this.#lexer.take();
    if (operatorOf(next) !== sign) throw new Misread(next, `a ${sign} is missing here, for the ( in line ${open.line}, column ${open.column}`);
  }

  #sees(sign: string): boolean {
    const next = this.#lexer.peek();
    return next.kind === 'sign' && next.sign === sign;
  }
}

function operatorOf(token: Token): string | null {
  return token.kind === 'sign' ? token.sign : token.kind === 'word' ? token.word : null;
}

function at({ line, column }: Place): Place {
  return { line, column };
}
