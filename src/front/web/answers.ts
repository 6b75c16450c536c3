/** What was answered, in the words of who answered. */
import type { Outcome } from '../../core/outcome.ts';

export function answerOf({ status, said }: Outcome): string {
  return wordsOf(status, said?.text ?? '');
}

/** Most texts have the status in them already. */
export function wordsOf(status: string, text: string): string {
  return text.includes(status) ? text : `${status} ${text}`.trim();
}
