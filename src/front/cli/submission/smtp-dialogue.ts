/** `sendmail -bs`: SMTP on standard input and output, for programs that speak it rather than write a message. */
import type { Readable } from 'node:stream';
import { parseCommandLine, parseMail, parseRcpt, type MailCommand } from '../../../grammar/smtp/command.ts';
import { formatReply } from '../../../grammar/smtp/reply.ts';
import { refuse, type Refusal, type RefusalName } from '../../../core/status.ts';
import type { LocalSubmission } from '../../../core/operations.ts';
import type { RcptOptions } from '../../../core/intake.ts';
import type { HandedOver } from './handing-over.ts';

export interface DialogueOptions {
  readonly input: Readable;
  say(lines: string): Promise<void>;
  readonly me: string;
  readonly owner: string;
  readonly sizeOctets: number | null;
  handOver(submission: LocalSubmission): Promise<HandedOver>;
}

const LINE_OCTETS = 12_288;
const RECIPIENTS = 10_000;
const LF = 0x0a;
const DOT = 0x2e;

interface Open {
  readonly mail: MailCommand;
  readonly recipients: string[];
  readonly wishes: RcptOptions[];
}

export async function speakSmtp(options: DialogueOptions): Promise<void> {
  const { say, me } = options;
  const lines = createLines(options.input);
  let greeted = false;
  let open: Open | null = null;
  const no = (name: RefusalName, text?: string) => say(refusal(refuse(name, text === undefined ? {} : { text })));
  await say(formatReply(220, null, `${me} ESMTP`));
  for (;;) {
    const line = await lines.next(LINE_OCTETS);
    if (line === null) return;
    if (line === 'tooLong') {
      await no('lineTooLong');
      continue;
    }
    const command = parseCommandLine(Buffer.from(line).toString('utf8').replace(/\r?\n$/, ''));
    switch (command?.verb) {
      case undefined:
        await no('badCharacters');
        break;
      case 'HELO':
        [greeted, open] = [true, null];
        await say(formatReply(250, null, `${me} Ok.`));
        break;
      case 'EHLO':
        [greeted, open] = [true, null];
        await say(formatReply(250, null, [`${me} Ok.`, 'PIPELINING', '8BITMIME', 'SMTPUTF8', 'ENHANCEDSTATUSCODES', options.sizeOctets === null ? 'SIZE' : `SIZE ${options.sizeOctets}`, 'DSN'].join('\n')));
        break;
      case 'MAIL': {
        const mail = parseMail(command?.argument ?? '');
        if (!greeted) await no('badSequence', 'Polite people say EHLO first');
        else if (open !== null) await no('badSequence', 'A transaction is already open');
        else if (mail.kind === 'bad') await no(mail.refusal, mail.text);
        else if (mail.verp ?? mail.exdata ?? mail.requireTls ?? false) await no('unknownParameter', 'Neither VERP, EXDATA nor REQUIRETLS is offered here');
        else if (options.sizeOctets !== null && (mail.sizeOctets ?? 0) > options.sizeOctets) await no('tooLarge');
        else {
          open = { mail, recipients: [], wishes: [] };
          await say(formatReply(250, '2.1.0', 'Ok.'));
        }
        break;
      }
      case 'RCPT': {
        const rcpt = parseRcpt(command?.argument ?? '');
        if (open === null) await no('badSequence', 'MAIL first');
        else if (rcpt.kind === 'bad') await no(rcpt.refusal, rcpt.text);
        else if (open.recipients.length >= RECIPIENTS) await no('tooManyRecipients');
        else {
          open.recipients.push(rcpt.recipient);
          open.wishes.push(rcpt.options);
          await say(formatReply(250, '2.1.5', 'Ok.'));
        }
        break;
      }
      case 'DATA':
        if (open === null || open.recipients.length === 0) await no('badSequence', open === null ? 'MAIL first' : 'RCPT first');
        else {
          await say('354 Ok. End with CRLF.CRLF\r\n');
          await say(await take(options, open, lines));
          open = null;
        }
        break;
      case 'RSET':
        open = null;
        await say(formatReply(250, '2.0.0', 'Ok.'));
        break;
      case 'NOOP':
        await say(formatReply(250, '2.0.0', 'Ok.'));
        break;
      case 'VRFY':
        await say(formatReply(252, '2.1.5', 'Send some mail, it will be tried'));
        break;
      case 'QUIT':
        await say(formatReply(221, '2.0.0', 'Bye.'));
        return;
      default:
        await no('unknownCommand');
    }
  }
}

async function take({ handOver, owner }: DialogueOptions, { mail, recipients, wishes }: Open, lines: Lines): Promise<string> {
  const content = contentOf(lines);
  let handed: HandedOver;
  try {
    handed = await handOver({
      owner, reversePath: mail.reversePath ?? '', recipients, wishes, content: content.chunks(),
      ...(mail.ret === undefined ? {} : { ret: mail.ret }), ...(mail.envid === undefined ? {} : { envid: mail.envid }), ...(mail.security === undefined ? {} : { security: mail.security }),
    });
  } catch (error) {
    handed = refuse('ourFault', { why: error instanceof Error ? error.message : String(error) });
  }
  // What was refused half-way is read to its end, or it would be taken for commands.
  await content.drain();
  switch (handed.kind) {
    case 'queued':
      return formatReply(250, '2.0.0', `Ok. ${handed.id}`);
    case 'left':
      return formatReply(250, '2.0.0', 'Ok. Left for the gateway');
    case 'nowhere':
      return refusal(refuse('ourFault'));
    case 'refused':
      return refusal(handed);
    default:
      return handed satisfies never;
  }
}

function refusal({ reply, status, text }: Refusal): string {
  return formatReply(reply, status, text);
}

interface Lines {
  /** With its end; null at the end of input. What is too long is read to its end and dropped. */
  next(limit: number): Promise<Uint8Array | 'tooLong' | null>;
}

function createLines(input: Readable): Lines {
  const chunks = input[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  let rest: Buffer = Buffer.alloc(0);
  let over = false;
  return {
    async next(limit) {
      let dropped = false;
      for (;;) {
        const lf = rest.indexOf(LF);
        if (lf >= 0) {
          const line = rest.subarray(0, lf + 1);
          rest = rest.subarray(lf + 1);
          return dropped || line.length > limit ? 'tooLong' : line;
        }
        if (over) {
          const last = rest;
          rest = Buffer.alloc(0);
          if (dropped) return 'tooLong';
          return last.length === 0 ? null : last;
        }
        if (rest.length > limit) {
          dropped = true;
          rest = Buffer.alloc(0);
        }
        const more = await chunks.next();
        if (more.done === true) over = true;
        else rest = rest.length === 0 ? Buffer.from(more.value) : Buffer.concat([rest, Buffer.from(more.value)]);
      }
    },
  };
}

/** A line longer than this is passed on in one piece all the same; it bounds what is held. */
const CONTENT_LINE_OCTETS = 16 * 1024 * 1024;
const GATHERED_OCTETS = 64 * 1024;

function contentOf(lines: Lines): { chunks(): AsyncGenerator<Uint8Array>; drain(): Promise<void> } {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    let gathered: Uint8Array[] = [];
    let octets = 0;
    for (;;) {
      const line = await lines.next(CONTENT_LINE_OCTETS);
      // The program has gone in the middle: a part must not be taken for the whole.
      if (line === null || line === 'tooLong') throw new Error(line === null ? 'the input ended within the message' : 'a line without end');
      if (line[0] === DOT && (line.length === 2 || (line.length === 3 && line[1] === 0x0d))) break;
      const plain = line[0] === DOT ? line.subarray(1) : line;
      gathered.push(plain);
      octets += plain.length;
      if (octets < GATHERED_OCTETS) continue;
      yield Buffer.concat(gathered);
      gathered = [];
      octets = 0;
    }
    if (octets > 0) yield Buffer.concat(gathered);
  }
  const all = chunks();
  return {
    chunks: () => hold(all),
    async drain() {
      try {
        for (let next = await all.next(); next.done !== true; next = await all.next());
      } catch {
        // The end of input: the next command will find it.
      }
    },
  };
}

/** Leaving this early leaves the content where it is. */
async function* hold(all: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (let next = await all.next(); next.done !== true; next = await all.next()) yield next.value;
}
