/** Text with variables in it: `$NAME` and `${any name}`. A `$` before anything else is a `$`. */
import type { Piece } from './ast.ts';

const VARIABLE = /\$(?:([A-Za-z0-9_]+)|\{([^}]*)\})/g;

/** `escaped`: a backslash before `$`, itself or the closing quote is taken off, as in double quotes. */
export function parsePieces(text: string, escaped?: '"' | '`'): readonly Piece[] {
  const pieces: Piece[] = [];
  let plain = '';
  let from = 0;
  const flush = (): void => {
    if (plain !== '') pieces.push(plain);
    plain = '';
  };
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\' && escaped !== undefined) {
      const next = text[at + 1];
      if (next === '$' || next === '\\' || next === escaped) {
        plain += text.slice(from, at) + next;
        from = ++at + 1;
      }
      continue;
    }
    if (text[at] !== '$') continue;
    VARIABLE.lastIndex = at;
    const found = VARIABLE.exec(text);
    if (found?.index !== at) continue;
    plain += text.slice(from, at);
    flush();
    pieces.push({ variable: found[1] ?? found[2] ?? '' });
    at += found[0].length - 1;
    from = at + 1;
  }
  plain += text.slice(from);
  flush();
  return pieces;
}

/** In single quotes only the quote and the backslash may be escaped. */
export function unquoteSingle(text: string): string {
  return text.replaceAll(/\\([\\'])/g, '$1');
}

export function expand(pieces: readonly Piece[], variables: ReadonlyMap<string, string>): string {
  const [only] = pieces;
  if (pieces.length === 1 && typeof only === 'string') return only;
  let text = '';
  for (const piece of pieces) text += typeof piece === 'string' ? piece : (variables.get(piece.variable) ?? '');
  return text;
}
