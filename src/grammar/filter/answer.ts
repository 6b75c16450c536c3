/**
 * What a filter of Courier's socket protocol answers: reply lines as SMTP has them, ended by LF. The first digit decides:
 * 4 and 5 refuse with the lines as they are, 0 passes and asks no later filter, any other digit passes.
 */
import type { Refusal } from '../../core/status.ts';

export type SocketAnswer =
  | { readonly kind: 'pass' }
  /** QUIRK: undocumented, and used to let mail past every other filter; held by test/unit/filter/answer.test.ts. */
  | { readonly kind: 'final' }
  | Refusal
  | { readonly kind: 'unreadable'; readonly line: string };

/** A filter that says more than this is not talking to a mail client. */
export const ANSWER_OCTETS = 16 * 1024;

/** Null while lines may still come; `ended` says that the filter has closed. */
export function parseAnswer(text: string, ended: boolean): SocketAnswer | null {
  const lines: string[] = [];
  let at = 0;
  for (;;) {
    const lf = text.indexOf('\n', at);
    if (lf < 0 && !(ended && at < text.length)) break;
    const line = text.slice(at, lf < 0 ? text.length : lf).replace(/\r$/, '');
    lines.push(line);
    at = lf < 0 ? text.length : lf + 1;
    if (!/^\d{3}-/.test(line)) return decided(lines);
  }
  if (ended) return lines.length === 0 ? { kind: 'unreadable', line: '' } : decided(lines);
  return null;
}

function decided(lines: readonly string[]): SocketAnswer {
  const [first = ''] = lines;
  switch (first.charAt(0)) {
    case '0':
      return { kind: 'final' };
    case '4':
    case '5':
      return /^[45]\d\d(?:[ -]|$)/.test(first) ? refusal(first, lines) : { kind: 'unreadable', line: first };
    default:
      // Courier passes other text on as if it refused. Nobody said no, so it is trouble: for now, not for good.
      return /^\d/.test(first) ? { kind: 'pass' } : { kind: 'unreadable', line: first };
  }
}

function refusal(first: string, lines: readonly string[]): Refusal {
  return refusalFrom(Number(first.slice(0, 3)), lines.map(line => (/^\d{3}[ -]/.test(line) ? line.slice(4) : line.replace(/^\d{3}$/, ''))));
}

/** In a foreign program's words; its enhanced status when it has one of the right class (RFC 2034 §4). */
export function refusalFrom(code: number, texts: readonly string[]): Refusal {
  const kind = code < 500 ? 4 : 5;
  const enhanced = new RegExp(`^${kind}\\.[0-7]\\.\\d{1,3}(?= |$)`);
  const status = texts.map(line => enhanced.exec(line)?.[0]).find(found => found !== undefined);
  const text = texts.map(line => line.replace(enhanced, '').trimStart()).join('\n');
  // The client gets the filter's own number (571 and its like), which the catalogue of ours need not have.
  return { kind: 'refused', reply: code, status: status ?? `${kind}.7.1`, text: text.trim() === '' ? 'Message refused' : text } as Refusal;
}
