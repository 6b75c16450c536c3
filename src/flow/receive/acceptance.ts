/** The end of content: what the intake says of it, in the words of the protocol. */
import type { Awaitable, Queued } from '../../core/intake.ts';
import { refuse, type Refusal } from '../../core/status.ts';
import { formatExdata, type InnerReply } from '../../grammar/smtp/exdata.ts';
import { formatReply } from '../../grammar/smtp/reply.ts';
import type { ContentReading } from './content-reading.ts';
import type { Conversation, OpenMail } from './conversation.ts';

export function finishContent(talk: Conversation, content: ContentReading): Awaitable<void> {
  const { mail } = talk;
  const answer = finish(talk, content);
  if (!(answer instanceof Promise)) return conclude(talk, content, answer, mail);
  talk.handedOver = true;
  return answer.then(late => conclude(talk, content, late, mail), cause => conclude(talk, content, ours(talk, cause), mail));
}

function finish(talk: Conversation, content: ContentReading): Promise<Queued | Refusal> | Refusal {
  try {
    return content.finish();
  } catch (cause) {
    content.close();
    return ours(talk, cause);
  }
}

/** Whatever our side threw is 451: a bug of ours never bounces anyone's mail. */
function ours(talk: Conversation, cause: unknown): Refusal {
  talk.bug(cause);
  return refuse('ourFault');
}

function conclude(talk: Conversation, content: ContentReading, answer: Queued | Refusal, mail: OpenMail | null): Awaitable<void> {
  talk.handedOver = false;
  const about = mail === null ? {} : { from: mail.from };
  if (answer.kind === 'refused') {
    talk.reset();
    // Ours or the intake's: at the end of content both wait before they speak, since nothing else is to be said.
    return talk.passOn(answer, about, talk.setup.lmtp ? (mail?.accepted ?? 1) : 1);
  }
  if (talk.forwarded !== null) talk.setup.log.info('forwarded', { id: answer.id, ...talk.forwarded });
  talk.forwarded = null;
  talk.taken(content.sizeOctets);
  const ok = `250 2.0.0 Ok. ${answer.id}\r\n`;
  if (!talk.setup.lmtp) return talk.answer(answer.refused.size === 0 ? ok : formatExdata(each(talk, answer, mail)));
  // RFC 2033 §4.2: one whole reply for each RCPT that was taken, in their order.
  return talk.answer(each(talk, answer, mail).map(({ code, status, text }) => formatReply(code, status, text)).join(''));
}

/** What became of each accepted recipient. */
function each(talk: Conversation, { id, refused }: Queued, mail: OpenMail | null): readonly InnerReply[] {
  return Array.from({ length: mail?.accepted ?? 0 }, (_, place) => {
    const refusal = refused.get(place);
    if (refusal === undefined) return { code: 250, status: '2.0.0', text: `Ok. ${id}` };
    talk.note(refusal, mail === null ? {} : { from: mail.from });
    return { code: refusal.reply, status: refusal.status, text: refusal.text };
  });
}
