/** RCPT (RFC 5321 §4.1.1.3). Whether we take mail for the recipient is the intake's decision. */
import { refuse, type Refusal } from '../../../core/status.ts';
import { parseRcpt, type RcptCommand } from '../../../grammar/smtp/command.ts';
import { whenKnown, type Command, type Conversation, type OpenMail } from '../conversation.ts';
import { RCPT_TRIES_FACTOR } from '../limits.ts';

const RECIPIENT_OK = '250 2.1.5 Ok.\r\n';

export const rcpt: Command = {
  run(talk, argument) {
    const { mail } = talk;
    if (mail === null) return talk.refuse(refuse('badSequence', { text: 'MAIL first' }));
    if (mail.chunks !== null) return talk.refuse(refuse('badSequence', { text: 'The content has begun to come' }));
    mail.tried++;
    const command = parseRcpt(talk.manners.path(argument, 'TO', talk.extended));
    if (command.kind === 'bad') return talk.refuse(refuse(command.refusal, { text: command.text }), { from: mail.from });
    const about = { from: mail.from, to: command.recipient };
    const refusal = judge(talk, mail, command);
    if (refusal !== null) return talk.refuse(refusal, about);
    return whenKnown(mail.transaction.rcpt(command.recipient, command.options), answer => {
      if (answer.kind === 'refused') return talk.passOn(answer, about);
      mail.accepted++;
      return talk.answer(RECIPIENT_OK);
    });
  },
};

function judge(talk: Conversation, mail: OpenMail, command: RcptCommand): Refusal | null {
  const [first] = command.parameters;
  if (first !== undefined && !talk.extended) return refuse('unknownParameter', { text: `${first} needs EHLO` });
  // RFC 6531 §3.4: the extension must have been asked for at MAIL.
  if (command.international && !mail.smtputf8) return refuse('needsSmtputf8');
  const { recipients } = talk.limits;
  if (mail.tried > recipients * RCPT_TRIES_FACTOR) return refuse('tooManyErrors');
  return mail.accepted >= recipients ? refuse('tooManyRecipients') : null;
}
