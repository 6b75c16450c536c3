/**
 * EXDATA's answer to content: one 558 reply that holds a whole reply for each accepted RCPT, in their order (courier's
 * extended DATA draft). Without the outer `558-` and `558 ` it reads as replies one after another.
 */
export interface InnerReply {
  readonly code: number;
  readonly status: string;
  /** Lines parted by LF. */
  readonly text: string;
}

export function formatExdata(replies: readonly InnerReply[]): string {
  const lines = replies.flatMap(({ code, status, text }) => {
    const own = text.split('\n');
    return own.map((line, n) => `${code}${n === own.length - 1 ? ' ' : '-'}${status} ${line.replaceAll(/[\u0000-\u001f\u007f]/g, ' ')}`);
  });
  return lines.map((line, n) => `558${n === lines.length - 1 ? ' ' : '-'}${line}\r\n`).join('');
}
