/** DATA (RFC 5321 §4.1.1.4). The intake may refuse before 354, so that nobody sends what cannot be kept. */
import { refuse } from '../../../core/status.ts';
import { finishContent } from '../acceptance.ts';
import { ContentReading } from '../content-reading.ts';
import { whenKnown, type Command } from '../conversation.ts';

const GO_AHEAD = '354 Ok. End with CRLF.CRLF\r\n';

export const content: Command = {
  run(talk, argument) {
    const { mail } = talk;
    if (argument !== '') return talk.refuse(refuse('syntax', { text: 'DATA stands alone' }));
    if (mail === null) return talk.refuse(refuse('badSequence', { text: 'MAIL first' }));
    // RFC 3030 §2: one message, one way.
    if (mail.chunks !== null) return talk.refuse(refuse('badSequence', { text: 'The message has begun to come by BDAT' }));
    // RFC 3030 §3: what has no lines has no line with a dot for its end.
    if (mail.binary) return talk.refuse(refuse('badSequence', { text: 'BODY=BINARYMIME comes by BDAT' }));
    const { from } = mail;
    // RFC 2920 §3.1: a pipelining client sends DATA before it knows that every RCPT was refused.
    if (mail.accepted === 0) return talk.refuse(mail.tried > 0 ? refuse('noValidRecipients') : refuse('badSequence', { text: 'RCPT first' }), { from });
    return whenKnown(mail.transaction.data(), writer => {
      if (writer.kind === 'refused') {
        talk.reset();
        return talk.passOn(writer, { from });
      }
      if (talk.over) return mail.transaction.abort();
      const content = new ContentReading(talk.setup.kernels, writer, talk.contentPolicy);
      talk.receive(content, () => finishContent(talk, content));
      return talk.answer(GO_AHEAD);
    });
  },
};
