/** What uux's end means for the mail it was given (sysexits; fax-uucp-socks 5.3). */
import type { Deferred, Outcome } from '../../../core/outcome.ts';
import type { Log } from '../../../core/log.ts';
import type { Ran } from '../../../kit/run-program.ts';

const UNKNOWN_SYSTEM = 69;
const LONGEST = 500;

export function outcomeOf(ran: Ran, node: string, log: Log): Outcome {
  switch (ran.kind) {
    case 'exited':
      if (ran.code === 0) {
        const job = ran.stdout.trim().split('\n').at(-1) ?? '';
        return { kind: 'relayed', status: '2.0.0', said: { type: 'x-uucp', text: job === '' ? `Given to uux for ${node}` : `Given to uux for ${node}, job ${job}`.slice(0, LONGEST) } };
      }
      // Its own words name paths of this box; they are for the log.
      log.warn('uux', { node, code: ran.code, said: wordsOf(ran.stderr) });
      // uux knows the systems of this box, and that is the only clear word it has: all else may be better tomorrow.
      if (ran.code === UNKNOWN_SYSTEM) return { kind: 'failed', status: '5.1.2', said: { type: 'x-uucp', text: `UUCP here knows no system ${node}` } };
      return deferred('nexthop', `uux ended with ${ran.code}`);
    case 'absent':
      log.error('uux', { node, why: ran.why });
      return deferred('nexthop', 'uux cannot be run here');
    case 'killed':
      return deferred('nexthop', `uux did not end: ${ran.why}`);
    case 'starved':
      log.error('uux', { node, cause: ran.cause });
      return deferred('message', 'The message cannot be read now');
    default:
      return ran satisfies never;
  }
}

function deferred(blame: Deferred['blame'], text: string): Deferred {
  return { kind: 'deferred', status: '4.3.0', blame, said: { type: 'x-uucp', text } };
}

/** On one line, and not endless. */
function wordsOf(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim().slice(0, LONGEST);
}
