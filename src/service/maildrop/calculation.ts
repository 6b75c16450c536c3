/** Operators on texts, by number, by octet, by bit; and what echo and log make of a text. */
import type { BinaryOperator } from '../../grammar/maildrop/ast.ts';
import { bitwise, formatNumber, parseNumber, truth } from '../../grammar/maildrop/numbers.ts';

export function calculate(operator: BinaryOperator, left: string, right: string): string {
  switch (operator) {
    case 'lt':
      return truth(left < right);
    case 'le':
      return truth(left <= right);
    case 'gt':
      return truth(left > right);
    case 'ge':
      return truth(left >= right);
    case 'eq':
      return truth(left === right);
    case 'ne':
      return truth(left !== right);
    case '<':
      return truth(parseNumber(left) < parseNumber(right));
    case '<=':
      return truth(parseNumber(left) <= parseNumber(right));
    case '>':
      return truth(parseNumber(left) > parseNumber(right));
    case '>=':
      return truth(parseNumber(left) >= parseNumber(right));
    case '==':
      return truth(parseNumber(left) === parseNumber(right));
    case '!=':
      return truth(parseNumber(left) !== parseNumber(right));
    case '+':
      return formatNumber(parseNumber(left) + parseNumber(right));
    case '-':
      return formatNumber(parseNumber(left) - parseNumber(right));
    case '*':
      return formatNumber(parseNumber(left) * parseNumber(right));
    case '/':
      return formatNumber(parseNumber(left) / parseNumber(right));
    case '|':
    case '&':
      return bitwise(operator, left, right);
    default:
      return operator satisfies never;
  }
}

/** `\n`, `\r` and `\t`, another backslash goes; `\c` at the very end means no line end. */
export function spoken(text: string): string {
  const open = text.endsWith('\\c');
  const plain = (open ? text.slice(0, -2) : text).replaceAll(/\\([^])/g, (_, next: string) => ({ n: '\n', r: '\r', t: '\t' })[next] ?? next);
  return open ? plain : `${plain}\n`;
}
