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

const LINES = 200; // no RFC limit; bounds what a hostile peer can make us hold

export function createReplyReader(): ReplyReader {
  let code = 0;
  let lines: string[] = [];
  return {
    line(text) {
      const digits = /^([2-5]\d\d)([ -]|$)/.exec(text);
      if (digits === null || (lines.length > 0 && Number(digits[1]) !== code) || lines.length >= LINES) return 'garbage';
      code = Number(digits[1]);
      lines.push(text.slice(4));
      if (digits[2] === '-') return null;
      const whole = finish(code, lines);
      lines = [];
      return whole;
    },
  };
}

function finish(code: number, raw: readonly string[]): Reply {
  const found = STATUS.exec(raw[0] ?? '');
  if (found === null || Number(found[1]) !== Math.trunc(code / 100)) return { code, lines: raw };
  return { code, status: `${found[1]}.${found[2]}.${found[3]}`, lines: raw.map(line => line.replace(STATUS, '')) };
}
