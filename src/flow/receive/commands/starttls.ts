/** STARTTLS (RFC 3207). What was said in the clear is forgotten, and what was sent behind the command is never read. */
import { refuse } from '../../../core/status.ts';
import type { Command } from '../conversation.ts';

export const starttls: Command = {
  withoutAuth: true,
  withoutTls: true,
  idle: true,
  run(talk, argument) {
    if (argument !== '') return talk.refuse(refuse('syntax', { text: 'STARTTLS stands alone' }));
    if (talk.tls !== null) return talk.refuse(refuse('badSequence', { text: 'TLS is already in use' }));
    if (!talk.setup.offersTls) return talk.refuse(refuse('notImplemented'));
    // RFC 3207 §4.2 forgets a login with the rest; nobody should find out that way.
    if (talk.account !== null || talk.mail !== null) return talk.refuse(refuse('badSequence'));
    return talk.startTls();
  },
};
