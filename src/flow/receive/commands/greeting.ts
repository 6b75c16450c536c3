/** HELO and EHLO (RFC 5321 §4.1.1.1), LHLO (RFC 2033 §4.1). */
import { refuse } from '../../../core/status.ts';
import { cleanHelo } from '../../../grammar/smtp/command.ts';
import { formatReply } from '../../../grammar/smtp/reply.ts';
import type { Command, Conversation } from '../conversation.ts';
import { extensionLines } from '../extensions.ts';

export const ehlo: Command = {
  withoutAuth: true,
  withoutTls: true,
  idle: true,
  run: (talk, argument) => (talk.setup.lmtp ? talk.refuse(refuse('unknownCommand')) : extend(talk, argument, 'EHLO')),
};

export const helo: Command = {
  withoutAuth: true,
  withoutTls: true,
  idle: true,
  run(talk, argument) {
    // RFC 2033 §4.1: an LMTP server must not take HELO or EHLO for a greeting.
    if (talk.setup.lmtp) return talk.refuse(refuse('unknownCommand'));
    if (argument === '' && !talk.manners.lenient) return talk.refuse(refuse('syntax', { text: 'Say HELO and your name' }));
    greet(talk, argument, false);
    return talk.answer(formatReply(250, null, `${talk.setup.name} Ok.`));
  },
};

export const lhlo: Command = {
  withoutAuth: true,
  withoutTls: true,
  idle: true,
  run: (talk, argument) => (talk.setup.lmtp ? extend(talk, argument, 'LHLO') : talk.refuse(refuse('unknownCommand'))),
};

function extend(talk: Conversation, argument: string, verb: string) {
  if (argument === '' && !talk.manners.lenient) return talk.refuse(refuse('syntax', { text: `Say ${verb} and your name` }));
  greet(talk, argument, true);
  return talk.answer(formatReply(250, null, talk.manners.shown(extensionLines(talk)).join('\n')));
}

function greet(talk: Conversation, argument: string, extended: boolean): void {
  // RFC 5321 §4.1.4: a second EHLO is a RSET as well. The first name stands, since checks have judged it.
  talk.reset();
  talk.helo ??= cleanHelo(argument) || 'unknown';
  talk.extended = extended;
}
