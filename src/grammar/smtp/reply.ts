/** SMTP replies, both ways (RFC 5321 §4.2, RFC 2034 §4): shared by server, client and tests. */

export interface Reply {
  readonly code: number; // 200…599
  /** `x.y.z` at the start of the first line, class equal to the code's (RFC 2034 §4). */
  readonly status?: string;
  /** Text of each line, enhanced status taken off. */
  readonly lines: readonly string[];
}

const STATUS = /^([245])\.(\d{1,3})\.(\d{1,3})(?: |$)/;

/** `code SP status SP text` lines, CRLF at the end of each. Control characters become blanks. */
export function formatReply(code: number, status: string | null, text: string): string {
  const lines = text.split('\n');
  const prefix = status === null ? '' : `${status} `;
  let out = '';
  lines.forEach((line, n) => {
    out += `${code}${n === lines.length - 1 ? ' ' : '-'}${prefix}${line.replaceAll(/[\u0000-\u001f\u007f]/g, ' ')}\r\n`;
  });
  return out;
}

/** Collects reply lines (without CRLF) into replies; refuses what is not a reply. */
export interface ReplyReader {
  /** A whole reply, null when more lines must come, or 'garbage' (RFC 5321 §4.2). */
  line(text: string): Reply | null | 'garbage';
}

const ZERO = 48;
const CODE_DIGITS = 3;
const PART_DIGITS = 3; // RFC 3463 §2
const LINES = 200; // no RFC limit; bounds what a hostile peer can make us hold

export function createReplyReader(): ReplyReader {
  let code = 0;
  let lines: string[] = [];
  return {
    line(text) {
      const said = codeOf(text);
      const between = text[CODE_DIGITS];
      if (said === null || (between !== undefined && between !== ' ' && between !== '-')) return 'garbage';
      if ((lines.length > 0 && said !== code) || lines.length >= LINES) return 'garbage';
      code = said;
      lines.push(text.slice(CODE_DIGITS + 1));
      if (between === '-') return null;
      const whole = finish(code, lines);
      lines = [];
      return whole;
    },
  };
}

/** Every reply of every message comes through here: by hand, since a match is an array and three strings. */
function codeOf(text: string): number | null {
  const first = text.charCodeAt(0) - ZERO;
  const second = text.charCodeAt(1) - ZERO;
  const third = text.charCodeAt(2) - ZERO;
  if (!(first >= 2 && first <= 5 && second >= 0 && second <= 9 && third >= 0 && third <= 9)) return null;
  return first * 100 + second * 10 + third;
}

function finish(code: number, raw: string[]): Reply {
  const first = raw[0] ?? '';
  const end = statusEnd(first, code);
  if (end === 0) return { code, lines: raw };
  const status = first.slice(0, end);
  if (raw.length > 1) return { code, status, lines: raw.map(line => line.replace(STATUS, '')) };
  raw[0] = first.slice(end + 1);
  return { code, status, lines: raw };
}

/** Behind the enhanced status code that the text begins with, of this reply's class; 0: there is none. */
function statusEnd(text: string, code: number): number {
  if (text.charCodeAt(0) - ZERO !== Math.trunc(code / 100) || code < 200 || (code >= 300 && code < 400)) return 0;
  const subject = partEnd(text, 1);
  const end = subject === 0 ? 0 : partEnd(text, subject);
  return end === text.length || text[end] === ' ' ? end : 0;
}

/** Behind a dot and one to three digits; 0: they are not there. */
function partEnd(text: string, dot: number): number {
  if (text[dot] !== '.') return 0;
  let at = dot + 1;
  while (at <= dot + PART_DIGITS && text.charCodeAt(at) >= ZERO && text.charCodeAt(at) < ZERO + 10) at++;
  return at > dot + 1 ? at : 0;
}
