/** BLOCK, set by the access file or a DNS list: every recipient is refused with its text, until the client logs in. */
import type { Check } from '../../core/policy.ts';
import { pass } from '../../core/policy.ts';
import { refuse, type Refusal, type ReplyCode } from '../../core/status.ts';

export function createBlockCheck(): Check {
  return {
    name: 'block',
    stage: 'rcpt',
    judge({ origin, variables }) {
      const text = variables.get('BLOCK');
      // Empty is not missing: it shields the client from a list that would block it later.
      if (text === undefined || text === '' || origin.login !== undefined) return pass;
      return refusalOf(text);
    },
  };
}

const temporary: readonly ReplyCode[4][] = [450, 451, 452];
const permanent: readonly ReplyCode[5][] = [550, 551, 552, 553, 554];

/** A code that leads the text is kept where RCPT may answer it (RFC 5321 §4.3.2); its class is kept in any case. */
function refusalOf(block: string): Refusal {
  const [, digits, rest = ''] = /^([45]\d\d)[ -]?(.*)$/s.exec(block) ?? [];
  const blocked = refuse('blocked', { text: digits === undefined ? block : rest === '' ? 'Blocked' : rest, why: 'BLOCK is set for this client' });
  if (digits === undefined) return blocked;
  const { kind, text, why } = blocked;
  const told = { kind, text, ...(why === undefined ? {} : { why }) };
  const code = Number(digits);
  if (digits.startsWith('4')) return { ...told, reply: temporary.find((reply) => reply === code) ?? 450, status: '4.7.1' };
  return { ...told, reply: permanent.find((reply) => reply === code) ?? 550, status: '5.7.1' };
}
