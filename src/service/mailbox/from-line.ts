/** mbox's separator line, and the quoting of lines that look like one (RFC 4155, in the form called mboxrd). */
import { formatCtime } from '../../grammar/date.ts';
import type { Change } from './lf-content.ts';

/** Nothing that a stranger put into an address may end the line or shift its words. */
export function fromLine(reversePath: string, at: number): string {
  return `From ${reversePath.replaceAll(/[\s\u0000-\u001f\u007f]/g, '-') || 'MAILER-DAEMON'} ${formatCtime(at)}\n`;
}

/** Every line of `>`s and `From ` gets one `>` more: what was quoted before can be told from what was not. Ends with an empty line. */
export function createQuoting(): Change {
  // The start of a line, as long as it could still become `>>>From `.
  let held = '';
  let atStart = true;
  let wrote = false;
  return {
    feed(piece) {
      const text = held + piece.toString('latin1');
      const wasStart = atStart;
      held = '';
      const cut = text.lastIndexOf('\n') + 1;
      const tail = text.slice(cut);
      const open = (cut > 0 || wasStart) && tail !== '' && LOOKS_LIKE.test(tail) && tail.length < LONGEST_HELD;
      const ready = open ? text.slice(0, cut) : text;
      if (open) held = tail;
      if (ready === '') return Buffer.alloc(0);
      wrote = true;
      atStart = ready.endsWith('\n');
      return Buffer.from(ready.replaceAll(wasStart ? /(^|\n)(>*From )/g : /(\n)(>*From )/g, '$1>$2'), 'latin1');
    },
    finish() {
      const ended = held === '' && (atStart || !wrote);
      return Buffer.from(`${held}${ended ? '' : '\n'}\n`, 'latin1');
    },
  };
}

const LOOKS_LIKE = /^>*(?:F(?:r(?:o(?:m)?)?)?)?$/;
/** A line of nothing but `>` is not held for ever. */
const LONGEST_HELD = 4096;
