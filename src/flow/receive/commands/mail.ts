/** MAIL (RFC 5321 §4.1.1.2): opens a transaction at the intake. */
import type { MailOptions, Transaction } from '../../../core/intake.ts';
import { refuse, type Refusal } from '../../../core/status.ts';
import { domainOf } from '../../../grammar/address.ts';
import { parseMail, type MailCommand } from '../../../grammar/smtp/command.ts';
import { whenKnown, type Command, type Conversation } from '../conversation.ts';

const SENDER_OK = '250 2.1.0 Ok.\r\n';
const NO_OPTIONS: MailOptions = {};

export const mail: Command = {
  run(talk, argument) {
    if (talk.helo === null && !talk.manners.lenient) return talk.refuse(refuse('badSequence', { text: 'Polite people say EHLO first' }));
    if (talk.mail !== null) return talk.refuse(refuse('badSequence', { text: 'A transaction is already open' }));
    const command = parseMail(talk.manners.path(argument, 'FROM', talk.extended));
    if (command.kind === 'bad') return talk.refuse(refuse(command.refusal, { text: command.text }));
    const from = command.reversePath ?? '';
    const refusal = judge(talk, command);
    if (refusal !== null) return talk.refuse(refusal, { from });
    return whenKnown(talk.origin(command.smtputf8 === true), origin =>
      whenKnown(talk.setup.intake.open(origin, { variables: talk.terms.variables }), opened =>
        opened.kind === 'refused' ? talk.passOn(opened, { from }) : begin(talk, opened, command, origin.at)));
  },
};

function judge(talk: Conversation, command: MailCommand): Refusal | null {
  const [first] = command.parameters;
  // RFC 5321 §2.2.1: parameters belong to extensions, and after HELO there are none.
  if (first !== undefined && !talk.extended) return refuse('unknownParameter', { text: `${first} needs EHLO` });
  if (command.auth !== undefined && talk.setup.mechanisms(talk.channel).length === 0) {
    return refuse('unknownParameter', { text: 'AUTH is not offered here' });
  }
  // RFC 8689 §2: announced under TLS only, since a demand made in the clear proves nothing.
  if (command.requireTls === true && talk.tls === null) return refuse('unknownParameter', { text: 'REQUIRETLS needs STARTTLS first' });
  if (command.international && command.smtputf8 !== true) return refuse('needsSmtputf8');
  // RFC 5321 §4.1.2: only a recipient may be a name alone. A device's is completed.
  if (command.reversePath !== null && domainOf(command.reversePath) === '' && !talk.manners.lenient) return refuse('badSenderAddress', { text: 'Bad reverse-path: it has no domain' });
  const { sizeOctets } = talk.limits;
  if (sizeOctets > 0 && (command.sizeOctets ?? 0) > sizeOctets) return refuse('tooLarge');
  if (talk.transactions >= talk.limits.transactions) return refuse('tooManyTransactions');
  return null;
}

function begin(talk: Conversation, transaction: Transaction, command: MailCommand, startedAt: number) {
  if (talk.over) return transaction.abort();
  const from = command.reversePath ?? '';
  talk.transactions++;
  // Open before the intake answers, so that a session that ends meanwhile aborts it.
  talk.mail = { transaction, from, smtputf8: command.smtputf8 === true, binary: command.body === 'binarymime', startedAt, accepted: 0, tried: 0, chunks: null };
  return whenKnown(transaction.mail(command.reversePath, talk.setup.lmtp ? { ...options(command), exdata: true } : options(command)), answer => {
    if (answer.kind === 'refused') {
      talk.reset();
      return talk.passOn(answer, { from });
    }
    return talk.answer(SENDER_OK);
  });
}

function options(command: MailCommand): MailOptions {
  if (command.parameters.length === 0) return NO_OPTIONS;
  const { sizeOctets, body, smtputf8, ret, envid, exdata, security, requireTls } = command;
  // A report has no sender to be told by (courier's VERP draft).
  const verp = command.reversePath === null ? undefined : command.verp;
  return {
    ...(sizeOctets === undefined ? {} : { sizeOctets }),
    ...(body === undefined ? {} : { body }),
    ...(smtputf8 === undefined ? {} : { smtputf8 }),
    ...(ret === undefined ? {} : { ret }),
    ...(envid === undefined ? {} : { envid }),
    ...(exdata === undefined ? {} : { exdata }),
    ...(verp === undefined ? {} : { verp }),
    ...(security === undefined ? {} : { security }),
    ...(requireTls === undefined ? {} : { requireTls }),
  };
}
