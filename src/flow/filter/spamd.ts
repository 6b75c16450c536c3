/** SpamAssassin's daemon by the spamc protocol (SPAMC/1.5): SYMBOLS gives the score and the names of the tests. */
import type { Filter } from '../../core/policy.ts';
import type { ContentFilter } from '../../grammar/config/content-filters.ts';
import { answerOf, reach, send } from './place.ts';
import { judgeScore, wholeOf } from './scores.ts';

const ANSWER_OCTETS = 64 * 1024;

export function createSpamd({ name, place, whenAbsent, scores, subjectTag, fields, user }: ContentFilter): Filter {
  return {
    name,
    whenAbsent,
    async inspect(message, signal) {
      const socket = await reach(place, signal);
      try {
        const answer = answerOf(socket, ANSWER_OCTETS);
        answer.catch(() => undefined);
        const octets = message.trace.length + message.facts.sizeOctets;
        let alive = await send(socket, `SYMBOLS SPAMC/1.5\r\n${user === undefined ? '' : `User: ${user}\r\n`}Content-length: ${octets}\r\n\r\n`);
        for await (const chunk of wholeOf(message)) alive &&= await send(socket, chunk);
        if (alive) socket.end();
        const said = parseSpamd(await answer);
        if (said.kind === 'wrong') return { kind: 'absent', why: said.why };
        return await judgeScore(message, { filter: name, score: said.score, threshold: said.threshold, tests: said.tests, actions: scores, subjectTag, fields });
      } finally {
        socket.destroy();
      }
    },
  };
}

export function parseSpamd(text: string): { readonly kind: 'score'; readonly score: number; readonly threshold: number; readonly tests: readonly string[] } | { readonly kind: 'wrong'; readonly why: string } {
  const [head = '', body = ''] = text.split(/\r?\n\r?\n/, 2);
  const [, code, word = ''] = /^SPAMD\/\d\.\d (\d+) ?(.*)$/m.exec(head) ?? [];
  if (code === undefined) return { kind: 'wrong', why: text === '' ? 'closed without an answer' : `answered '${text.slice(0, 100)}'` };
  if (code !== '0') return { kind: 'wrong', why: `spamd says ${code} ${word}` };
  const [, score, threshold] = /^Spam: *(?:True|False|Yes|No) *; *(-?[\d.]+) *\/ *(-?[\d.]+)/im.exec(head) ?? [];
  if (score === undefined || threshold === undefined) return { kind: 'wrong', why: 'an answer without a score' };
  return { kind: 'score', score: Number(score), threshold: Number(threshold), tests: body.split(/[\s,]+/).filter(test => /^[\w.]+$/.test(test)) };
}
