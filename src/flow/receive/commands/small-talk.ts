/** The commands that move no mail (RFC 5321 §4.1.1.5 to §4.1.1.10). */
import { refuse } from '../../../core/status.ts';
import type { Command } from '../conversation.ts';

const OK = '250 2.0.0 Ok.\r\n';

export const rset: Command = {
  withoutAuth: true,
  withoutTls: true,
  idle: true,
  run(talk, argument) {
    if (argument !== '') return talk.refuse(refuse('syntax', { text: 'RSET stands alone' }));
    talk.reset();
    return talk.answer(OK);
  },
};

export const noop: Command = {
  withoutAuth: true,
  withoutTls: true,
  idle: true,
  run: talk => talk.answer(OK),
};

export const quit: Command = {
  withoutAuth: true,
  withoutTls: true,
  run(talk, argument) {
    if (argument !== '') return talk.refuse(refuse('syntax', { text: 'QUIT stands alone' }));
    talk.answer('221 2.0.0 Bye.\r\n');
    return talk.end(true);
  },
};

export const help: Command = {
  withoutAuth: true,
  idle: true,
  run: talk => talk.answer('214-2.0.0 EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY EXPN AUTH STARTTLS HELP QUIT\r\n214 2.0.0 See RFC 5321\r\n'),
};
