/** VRFY and EXPN (RFC 5321 §3.5), as far as the operator lets strangers ask. */
import type { Origin } from '../../../core/envelope.ts';
import type { Awaitable } from '../../../core/intake.ts';
import { refuse, type Refusal } from '../../../core/status.ts';
import { formatReply } from '../../../grammar/smtp/reply.ts';
import { whenKnown, type Command, type Conversation } from '../conversation.ts';

/** RFC 5321 §3.5.3: 252 is the honest answer of who will not say. */
const WILL_NOT_SAY = '252 2.5.0 Send some mail, and see\r\n';

export const vrfy: Command = {
  idle: true,
  run(talk, argument) {
    const { directory } = talk.setup;
    if (argument === '') return talk.refuse(refuse('syntax', { text: 'Say VRFY and a name' }));
    if (!talk.terms.vrfy || directory === undefined || talk.mail !== null) return talk.answer(WILL_NOT_SAY);
    return ask(talk, origin => directory.verify(nameIn(argument), origin));
  },
};

/** Members of a list are nobody's business where the operator does not say otherwise (RFC 5321 §7.3). */
export const expn: Command = {
  idle: true,
  run(talk, argument) {
    const { directory } = talk.setup;
    if (argument === '') return talk.refuse(refuse('syntax', { text: 'Say EXPN and a name' }));
    if (!talk.terms.expn || directory === undefined || talk.mail !== null) return talk.answer(WILL_NOT_SAY);
    return ask(talk, origin => directory.expand(nameIn(argument), origin));
  },
};

function ask(talk: Conversation, question: (origin: Origin) => Awaitable<readonly string[] | Refusal>) {
  return whenKnown(talk.origin(false), origin => whenKnown(question(origin), answer => {
    if ('kind' in answer) return talk.passOn(answer);
    talk.forgive();
    return talk.answer(formatReply(250, '2.1.5', answer.map(address => `<${address}>`).join('\n')));
  }));
}

/** SMTPUTF8 may follow the name (RFC 6531 §3.7.4.2). */
function nameIn(argument: string): string {
  return argument.replace(/ SMTPUTF8$/i, '').trim().replace(/^<(.*)>$/, '$1');
}
