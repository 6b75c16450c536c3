/** ClamAV's daemon: the message by INSTREAM, a four-octet length before each piece; one line back (clamd(8)). */
import type { Filter, FilterAnswer } from '../../core/policy.ts';
import { refuse } from '../../core/status.ts';
import type { ContentFilter } from '../../grammar/config/content-filters.ts';
import { answerOf, reach, send } from './place.ts';
import { forAll, wholeOf, withoutForeign } from './scores.ts';

const ANSWER_OCTETS = 8 * 1024;
const PIECE_OCTETS = 128 * 1024;

export function createClamd({ name, place, whenAbsent, found, fields }: ContentFilter): Filter {
  return {
    name,
    whenAbsent,
    async inspect(message, signal) {
      const socket = await reach(place, signal);
      try {
        const answer = answerOf(socket, ANSWER_OCTETS, text => text.includes('\0'));
        answer.catch(() => undefined);
        let alive = await send(socket, 'zINSTREAM\0');
        for await (const chunk of wholeOf(message)) {
          for (let at = 0; alive && at < chunk.length; at += PIECE_OCTETS) {
            const piece = chunk.subarray(at, at + PIECE_OCTETS);
            alive = await send(socket, Buffer.concat([length(piece.length), piece]));
          }
        }
        if (alive) await send(socket, length(0));
        const said = (await answer).replaceAll('\0', '').trim();
        const status = (value: string): FilterAnswer => ({ kind: 'looked', verdicts: new Map(), addFields: [{ name: 'X-Virus-Status', value }], changes: withoutForeign(['X-Virus-Status']) });
        if (/^stream: OK$/.test(said)) return fields ? status('Clean') : { kind: 'looked', verdicts: new Map(), addFields: [] };
        const [, what] = /^stream: (.+) FOUND$/.exec(said) ?? [];
        if (what === undefined) return { kind: 'absent', why: said === '' ? 'closed without an answer' : said };
        const why = `${name}: ${what}`;
        if (found === 'flag') return status(`Infected (${what.replaceAll(/[^!-~]/g, '_')})`);
        return { kind: 'looked', verdicts: forAll(message, found === 'quarantine' ? { kind: 'quarantine', why } : refuse('contentRefused', { text: `Message refused: it has ${what.replaceAll(/[^ -~]/g, '_')}`, why })), addFields: [] };
      } finally {
        socket.destroy();
      }
    },
  };
}

function length(octets: number): Buffer {
  const four = Buffer.alloc(4);
  four.writeUInt32BE(octets);
  return four;
}
