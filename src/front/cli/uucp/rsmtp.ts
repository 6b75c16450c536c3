/**
 * rsmtp and its compressed kin: a batch of messages from a neighbour. Nobody can be answered, so what is refused for
 * good goes back to its sender as a message, and what cannot be taken now keeps the whole job, with a note of how much
 * of it is done already.
 */
import type { Configuration } from '../../../configuration.ts';
import type { RcptOptions } from '../../../core/intake.ts';
import type { Operations } from '../../../core/operations.ts';
import { refuse, type Refusal } from '../../../core/status.ts';
import { fromUucp } from '../../../grammar/uucp/bang-path.ts';
import { createBatchReader, type BatchEvent } from '../../../grammar/uucp/batch-reader.ts';
import type { MailCommand } from '../../../grammar/smtp/command.ts';
import { BadBatch, openBatchInput } from './batch-input.ts';
import { openBatchProgress } from './batch-progress.ts';
import { formatDeliveryStatus } from '../../../grammar/dsn.ts';
import { exits, print, type Command, type Context } from '../command.ts';
import { asCaller, recipientOf, undeliverable, type Caller } from './caller.ts';

export const rsmtp: Command = {
  name: 'rsmtp',
  summary: 'take a batch of messages from a UUCP neighbour (run by uuxqt)',
  help: `rsmtp

Also called bsmtp, rgsmtp, rzsmtp, rcsmtp, crsmtp, rbsmtp, rb2smtp: what the batch is compressed with (gzip, zstd, or
nothing; compress and bzip2 with the help of those programs) is seen from the batch itself. It is SMTP commands without
answers. Refused messages are returned to their senders; a batch that breaks off keeps what was complete.

Exit status, as uuxqt reads it: 0 done; 75 not now, keep the job; 65 this is no batch; 77 not run by uuxqt.`,
  run: (_args, context) => asCaller(context, (caller, configuration, queue) => take(caller, configuration, queue, context)),
};

interface Incoming {
  readonly command: MailCommand;
  readonly recipients: string[];
  readonly wishes: (RcptOptions | null)[];
}

async function take(caller: Caller, configuration: Configuration, queue: Operations, context: Context): Promise<number> {
  const input = await openBatchInput(context.stdin);
  const progress = await openBatchProgress(configuration.stateFolder, caller.machine, input.head);
  const reader = createBatchReader();
  const troubles: string[] = [];
  const events = eventsOf(input.octets, reader.feed.bind(reader));
  let incoming: Incoming | null = null;
  let taken = 0;
  try {
    for (let next = await events.next(); next.done !== true; next = await events.next()) {
      const event = next.value;
      switch (event.kind) {
        case 'mail':
          incoming = { command: event.command, recipients: [], wishes: [] };
          break;
        case 'rcpt':
          incoming?.recipients.push(recipientOf(event.command.recipient, configuration));
          incoming?.wishes.push(event.command.options);
          break;
        case 'bad-rcpt':
          incoming?.recipients.push(undeliverable(event.text, configuration));
          incoming?.wishes.push(null);
          break;
        case 'data': {
          const content = contentOf(events);
          const done = taken < progress.done || incoming === null || incoming.recipients.length === 0;
          const refusal = done ? null : await hand(incoming as Incoming, content);
          // What nobody read of it, because it was refused or is ours already, is still in the way.
          for await (const _ of content);
          if (incoming === null) troubles.push('a message without an envelope');
          if (refusal !== null) {
            if (refusal.reply < 500) return await later(`${refusal.reply} ${refusal.status} ${refusal.text}`);
            troubles.push(`from <${incoming?.command.reversePath ?? ''}>: ${refusal.reply} ${refusal.status} ${refusal.text}`);
            const gone = await sendBack(incoming as Incoming, refusal);
            if (gone !== null) return await later(gone.text);
          }
          incoming = null;
          taken++;
          break;
        }
        case 'wrong':
          troubles.push(`line ${event.line}: ${event.why}`);
          break;
        case 'reset':
          incoming = null;
          break;
        case 'end':
        case 'quit':
        case 'content':
          break;
        default:
          event satisfies never;
      }
    }
  } catch (error) {
    if (!(error instanceof BadBatch)) throw error;
    troubles.push(error.message);
    // The neighbour holds it delivered: nobody else will tell its sender.
    if (incoming !== null && taken > 0) await sendBack(incoming, refuse('syntax', { text: `The batch that carried it is broken: ${error.message}` }));
  }
  await progress.finished();
  if (troubles.length === 0) return exits.ok;
  await print(context.stderr, `${taken} messages taken.\n${troubles.slice(0, 100).join('\n')}`);
  if (taken === 0) return exits.badInput;
  // Exit 0, or uuxqt would return the whole batch, and what was taken with it.
  await tellPostmaster(troubles);
  return exits.ok;

  function hand({ command, recipients, wishes }: Incoming, content: AsyncIterable<Uint8Array>): Promise<Refusal | null> {
    return queue.submit({
      owner: caller.owner, uucp: { machine: caller.machine, protocol: 'bsmtp' }, reversePath: fromUucp(command.reversePath ?? '', configuration.uucp.site), recipients, wishes, content,
      ...(command.ret === undefined ? {} : { ret: command.ret }), ...(command.envid === undefined ? {} : { envid: command.envid }),
      ...(command.security === undefined ? {} : { security: command.security }), ...(command.verp === undefined ? {} : { verp: command.verp }), ...(command.requireTls === undefined ? {} : { requireTls: command.requireTls }),
    }).then(answer => (answer.kind === 'refused' ? answer : null));
  }

  async function later(why: string): Promise<number> {
    await progress.note(taken);
    await print(context.stderr, `${taken} messages taken, the rest later: ${why}`);
    return exits.tryLater;
  }

  async function sendBack({ command, recipients }: Incoming, refusal: Refusal): Promise<Refusal | null> {
    if (command.reversePath === null) return null;
    const status = formatDeliveryStatus({
      reportingMta: { type: 'dns', text: configuration.names.me },
      ...(command.envid === undefined ? {} : { originalEnvelopeId: command.envid }),
      recipients: recipients.map(text => ({ finalRecipient: { type: 'rfc822', text }, action: 'failed' as const, status: refusal.status, diagnosticCode: { type: 'x-gateway', text: `${refusal.reply} ${refusal.text}` } })),
    }, true);
    const answer = await queue.submit({ owner: caller.owner, reversePath: '', recipients: [recipientOf(command.reversePath, configuration)], content: once(reportText(configuration, command.reversePath, `Your message came here from ${caller.machine} and could not be taken:\r\n\r\n    ${refusal.reply} ${refusal.text}\r\n`, status)) });
    return answer.kind === 'refused' && answer.reply < 500 ? answer : null;
  }

  async function tellPostmaster(lines: readonly string[]): Promise<void> {
    const postmaster = `postmaster@${configuration.names.defaultDomain}`;
    const text = `A batch from ${caller.machine} was not all in order. ${taken} messages were taken. What was wrong:\r\n\r\n${lines.slice(0, 100).map(line => `    ${line.replaceAll(/[\r\n]+/g, ' ')}\r\n`).join('')}`;
    await queue.submit({ owner: caller.owner, reversePath: '', recipients: [postmaster], content: once(reportText(configuration, postmaster, text, null)) });
  }
}

async function* eventsOf(octets: AsyncIterable<Uint8Array>, feed: (chunk: Uint8Array) => readonly BatchEvent[]): AsyncGenerator<BatchEvent, undefined> {
  for await (const chunk of octets) yield* feed(chunk);
  return undefined;
}

/** One message's content; a second reader finds what the first has left. */
function contentOf(events: AsyncGenerator<BatchEvent>): AsyncIterable<Uint8Array> {
  let ended = false;
  return {
    async *[Symbol.asyncIterator]() {
      while (!ended) {
        const next = await events.next();
        // Thrown, so that the queue forgets the half message.
        if (next.done === true) throw new BadBatch('the batch ends in the middle of a message');
        if (next.value.kind === 'end') ended = true;
        else if (next.value.kind === 'content') yield next.value.octets;
      }
    },
  };
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

function reportText({ names }: Configuration, to: string, text: string, status: string | null): string {
  const boundary = `report-${names.me}`;
  const head = `From: Mail Delivery System <postmaster@${names.me}>\r\nTo: <${to}>\r\nSubject: ${status === null ? 'A batch by UUCP was not in order' : 'Your message could not be taken'}\r\nMIME-Version: 1.0\r\nAuto-Submitted: auto-replied\r\n`;
  if (status === null) return `${head}Content-Type: text/plain; charset=utf-8\r\n\r\n${text}`;
  return `${head}Content-Type: multipart/report; report-type=delivery-status; boundary="${boundary}"\r\n\r\n--${boundary}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${text}\r\n--${boundary}\r\nContent-Type: message/delivery-status\r\n\r\n${status}\r\n--${boundary}--\r\n`;
}
