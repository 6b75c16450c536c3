/**
 * BDAT (RFC 3030 §2). The octets of a chunk follow its command whatever the answer will be, so a refused chunk is read and
 * dropped, and one whose size cannot be read, or is more than any message may have, ends the session: behind it nobody
 * knows what is a command.
 */
import { refuse, type Refusal } from '../../../core/status.ts';
import { parseBdat, type BdatCommand } from '../../../grammar/smtp/command.ts';
import { finishContent } from '../acceptance.ts';
import { ChunkReception } from '../chunk-reception.ts';
import { ContentReading } from '../content-reading.ts';
import { whenKnown, type Chunks, type Command, type Conversation, type OpenMail } from '../conversation.ts';
import { Discarding } from '../reading.ts';

export const bdat: Command = {
  run(talk, argument) {
    const command = parseBdat(argument);
    if (command.kind === 'bad') return talk.hangUp(refuse(command.refusal, { text: command.text }));
    const refusal = objection(talk);
    if (refusal !== null) return drop(talk, command, refusal);
    const { mail } = talk;
    if (mail === null) throw new Error('a chunk without a transaction');
    if (mail.chunks !== null) return take(talk, mail.chunks, command);
    return whenKnown(mail.transaction.data(), writer => {
      if (writer.kind === 'refused') {
        talk.reset();
        return drop(talk, command, writer);
      }
      if (talk.over) return mail.transaction.abort();
      return take(talk, begin(talk, mail, writer), command);
    });
  },
  refused(talk, argument, refusal) {
    const command = parseBdat(argument);
    return command.kind === 'bad' ? talk.hangUp(refusal) : drop(talk, command, refusal);
  },
};

function objection(talk: Conversation): Refusal | null {
  const { mail } = talk;
  if (!talk.extended) return refuse('badSequence', { text: 'EHLO first' });
  if (mail === null) return refuse('badSequence', { text: 'MAIL first' });
  if (mail.accepted > 0) return null;
  return mail.tried > 0 ? refuse('noValidRecipients') : refuse('badSequence', { text: 'RCPT first' });
}

function begin(talk: Conversation, mail: OpenMail, writer: ConstructorParameters<typeof ContentReading>[1]): Chunks {
  const { kernels } = talk.setup;
  const reception = new ChunkReception(kernels.openScan());
  mail.chunks = { reception, reading: new ContentReading(kernels, writer, mail.binary ? { ...talk.contentPolicy, bareLineEnds: 'pass' } : talk.contentPolicy, reception) };
  return mail.chunks;
}

function take(talk: Conversation, { reception, reading }: Chunks, command: BdatCommand) {
  if (isTooMuch(talk, command)) return talk.hangUp(refuse('tooLarge'));
  reception.expect(command.octets);
  const arrived = () => {
    const { refusal } = reading;
    if (command.last) return finishContent(talk, reading);
    if (refusal !== null) {
      talk.reset();
      return talk.refuse(refusal);
    }
    return whenKnown(reading.pass(), () => talk.answer(`250 2.0.0 ${command.octets} octets taken\r\n`));
  };
  return command.octets === 0 ? arrived() : talk.receive(reading, arrived);
}

/** What is left of the transaction goes too: half a message is none. */
function drop(talk: Conversation, command: BdatCommand, refusal: Refusal) {
  if (isTooMuch(talk, command)) return talk.hangUp(refuse('tooLarge'));
  const say = () => {
    talk.reset();
    return talk.refuse(refusal);
  };
  return command.octets === 0 ? say() : talk.receive(new Discarding(command.octets), say);
}

/** A chunk alone may not have more than a message may. */
function isTooMuch({ limits }: Conversation, { octets }: BdatCommand): boolean {
  return octets > (limits.sizeOctets > 0 ? limits.sizeOctets : Number.MAX_SAFE_INTEGER);
}
