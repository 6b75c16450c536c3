/** The SEARCH and REPLACE words of faxrc. No pattern can take longer than the number is long. */
import { read, shown, wrong, type Parsed } from '../config/parsed.ts';

export interface NumberPattern {
  /** Captures 1 to 8, and behind a prefix the rest as 9; null when it does not match. */
  match(number: string): readonly string[] | null;
}

const CAPTURES = 8;
const REST = 9;

/** `n` a digit, `.` anything, `( )` a capture; everything else is itself, letters in either case. */
export function parseNumberPattern(text: string, how: { readonly prefix: boolean }): Parsed<NumberPattern> {
  let source = '';
  let captures = 0;
  let open = false;
  for (const character of text) {
    if (character === '(') {
      if (open) return wrong(`${shown(text)} has a ( inside ( )`, '(nnn)(nnnn)');
      if (++captures > CAPTURES) return wrong(`${shown(text)} captures more than ${CAPTURES} times`, '(nnn)(nnnn)');
      open = true;
      source += '(';
    } else if (character === ')') {
      if (!open) return wrong(`${shown(text)} has a ) without (`, '(nnn)(nnnn)');
      open = false;
      source += ')';
    } else {
      const piece = pieceOf(character);
      if (piece === null) return wrong(`${shown(character)} is in no number, so ${shown(text)} can never match`, '0-9 A-D * , @ ~ W, n for a digit, . for anything');
      source += piece;
    }
  }
  if (open) return wrong(`${shown(text)} has a ( without )`, '(nnn)(nnnn)');
  if (source.replaceAll(/[()]/g, '') === '') return wrong(`${shown(text)} matches nothing`, 'nnnnnnn');
  const expression = new RegExp(`^${source}${how.prefix ? '(.*)' : ''}$`, 'is');
  return read({
    match(number) {
      const found = expression.exec(number);
      if (found === null) return null;
      const groups: string[] = Array.from({ length: REST + 1 }, () => '');
      for (let n = 1; n <= captures; n++) groups[n] = found[n] ?? '';
      groups[REST] = how.prefix ? (found[captures + 1] ?? '') : '';
      return groups;
    },
  });
}

function pieceOf(character: string): string | null {
  if (character === 'n' || character === 'N') return '[0-9]';
  if (character === '.') return '.';
  // Courier's manual lets `-` and `+` stand for the pauses they become.
  if (character === '-') return ',';
  if (character === '+') return '@';
  return /[0-9A-D*,@~W!TP]/i.test(character) ? (character === '*' ? '\\*' : character) : null;
}

/** The text with `$1` to `$9` in it; a capture that the search has not is empty. */
export function parseReplacement(text: string): Parsed<(groups: readonly string[]) => string> {
  const pieces: (string | number)[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (character === '$') {
      const digit = /^[1-9]$/.exec(text[++at] ?? '');
      if (digit === null) return wrong(`${shown(text)} has a $ without a digit from 1 to 9`, '999$1');
      pieces.push(Number(digit[0]));
    } else if (/[0-9A-D*,@~W!TP]/i.test(character)) pieces.push(character.toUpperCase());
    else if (character === '-') pieces.push(',');
    else if (character === '+') pieces.push('@');
    else return wrong(`${shown(character)} cannot be dialled`, '0-9 A-D * , @ ~ W and $1 to $9');
  }
  return read(groups => pieces.map(piece => (typeof piece === 'number' ? (groups[piece] ?? '') : piece)).join(''));
}
