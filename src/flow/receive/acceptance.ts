/** The end of content: what the intake says of it, in the words of the protocol. */
import type { Queued } from '../../core/intake.ts';
import type { Refusal } from '../../core/status.ts';
import { formatExdata } from '../../grammar/smtp/exdata.ts';
import type { Awaitable } from '../../core/intake.ts';
import type { ContentReading } from './content-reading.ts';
import type { Conversation, OpenMail } from './conversation.ts';

export function finishContent(talk: Conversation, content: ContentReading): Awaitable<void> {
  const { mail } = talk;
  const answer = finish(content);
  if (!(answer instanceof Promise)) return conclude(talk, content, answer, mail);
  talk.handedOver = true;
  return answer.then(late => conclude(talk, content, late, mail));
}

function finish(content: ContentReading): Promise<Queued | Refusal> | Refusal {
  try {
    return content.finish();
  } catch (cause) {
    content.close();
    throw cause;
  }
}

function conclude(talk: Conversation, content: ContentReading, answer: Queued | Refusal, mail: OpenMail | null): Awaitable<void> {
  talk.handedOver = false;
  if (answer.kind === 'refused') {
    talk.reset();
    // Ours or the intake's: at the end of content both wait before they speak, since nothing else is to be said.
    return talk.passOn(answer, mail === null ? {} : { from: mail.from });
  }
  if (talk.forwarded !== null) talk.setup.log.info('forwarded', { id: answer.id, ...talk.forwarded });
  talk.forwarded = null;
  talk.taken(content.sizeOctets);
  return talk.answer(answer.refused.size === 0 ? `250 2.0.0 Ok. ${answer.id}\r\n` : oneByOne(talk, answer, mail));
}

/** Asked for by EXDATA: what became of each accepted recipient. */
function oneByOne(talk: Conversation, { id, refused }: Queued, mail: OpenMail | null): string {
  return formatExdata(Array.from({ length: mail?.accepted ?? 0 }, (_, place) => {
    const refusal = refused.get(place);
    if (refusal === undefined) return { code: 250, status: '2.0.0', text: `Ok. ${id}` };
    talk.note(refusal, mail === null ? {} : { from: mail.from });
    return { code: refusal.reply, status: refusal.status, text: refusal.text };
  }));
}
