/** `posthorn mailbot`: mailbot(1). Answers a message by itself, once for a while, and not to machines. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseRawFields } from '../../../grammar/header/edit.ts';
import { composeReply, isAddressedTo, recipientOf, wantsAnswer, type Original } from '../../../grammar/maildrop/autoreply.ts';
import { SearchText } from '../../../grammar/maildrop/search-text.ts';
import { parseMailboxes } from '../../../grammar/maildrop/addresses.ts';
import { exits, print, type Command, type Context } from '../command.ts';
import { readBotOrder, type BotOrder } from './mailbot-order.ts';
import { readAll, readMessageInput } from './message-input.ts';
import { answeredLately } from './answered-lately.ts';

const HELP = `mailbot [OPTIONS] [PROGRAM [ARG ...]]

Reads a message on standard input, makes an answer and gives it to PROGRAM (sendmail
-f ''). Machines and lists are not answered: multipart/report, Precedence junk, bulk or
list, Auto-Submitted other than no, List-ID.

  -t FILE       the answer's text (UTF-8, format=flowed); -c CHARSET another charset
  -m FILE       the same with fields of its own before it
  -l MAILDIR    the newest message there is the text (with -T replydraft)
  -T FORMAT     reply, replyall, replydsn, replydraft, forward, forwardatt, feedback,
                replyfeedback
  -A FIELD      a field, such as From: me@example.com
  -s SUBJECT    instead of Re: and the original's
  -f[ADDR]      the answer's recipient; -f alone: $SENDER
  -e            Errors-To or Return-Path before From
  -r A,B        only if addressed to one of these
  -d FILE       remembers who was answered; -D DAYS for how long, 1 unless said
  -N            without the original's text; -a with all of the original attached
  -S TEXT       before the quoted text: %F writes:
  -F TEXT       before a forwarded text
  -M ADDR       a DSN from ADDR
  -R TYPE       abuse, fraud, other, virus: the kind of feedback
  --feedback-original-envelope-id, --feedback-original-mail-from, --feedback-reporting-mta,
  --feedback-source-ip, --feedback-incidents, --feedback-authentication-results,
  --feedback-original-rcpt-to, --feedback-reported-domain VALUE
  -n            print the answer

Exit status: 0, also when nothing is to be answered; PROGRAM's; 64 wrong call; 66 no text.`;

const MOST_MESSAGE = 32 * 1024 * 1024;
const MOST_QUOTED = 256 * 1024;
const MOST_TEXT = 4 * 1024 * 1024;

export const mailbot: Command = {
  name: 'mailbot',
  summary: 'answer a message by itself',
  help: HELP,
  async run(args, context) {
    if (args[0] === '--help') {
      await print(context.stdout, `Usage: posthorn ${HELP}`);
      return exits.ok;
    }
    const order = readBotOrder(args, context.environment);
    const original = await readOriginal(context);
    const to = order.to ?? recipientOf(original.fields, order.preferErrorsTo)?.address ?? '';
    const answers = !['forward', 'forwardatt', 'feedback'].includes(order.format);
    if (!wantsAnswer(original.fields) || (answers && to === '')) return exits.ok;
    if (order.onlyFor !== null && !isAddressedTo(original.fields, order.onlyFor)) return exits.ok;
    const text = await readText(order);
    if (text === null) {
      if (order.draft !== undefined) return exits.ok;
      await print(context.stderr, 'posthorn mailbot: the text of the answer cannot be read');
      return exits.noInput;
    }
    if (order.memory !== undefined && !order.show) {
      const lately = await answeredLately(order.memory, parseMailboxes(to)[0]?.address ?? to, order.days);
      if (lately !== 'new') return lately === 'answered' ? exits.ok : exits.tryLater;
    }
    const message = composeReply({ ...order, ...text, now: Date.now(), boundary: `=_${randomBytes(16).toString('hex')}` }, original);
    const octets = Buffer.from(message, 'latin1');
    if (!order.show) return send(order.program, octets, context);
    context.stdout.write(octets);
    return exits.ok;
  },
};

async function readOriginal(context: Context): Promise<Original> {
  const input = await readMessageInput(context.stdin, true);
  const body = await readAll(input.body(), MOST_MESSAGE);
  context.stdin.resume();
  const octets = body === null ? null : `${input.header}${input.hasBody ? '\n' : ''}${body.toString('latin1')}`;
  const fields = parseRawFields(input.header);
  return { fields, octets, text: octets === null || !isPlain(input.header) ? null : textOf(octets) };
}

/** HTML and attachments cannot be quoted. */
function isPlain(header: string): boolean {
  const type = /^content-type[ \t]*:[ \t]*([^;\s]+)/im.exec(header)?.[1]?.toLowerCase();
  return type === undefined || type === 'text/plain';
}

function textOf(octets: string): string[] {
  const search = new SearchText();
  const lines = [...search.feed(octets.slice(0, MOST_TEXT)), ...search.finish()].filter(line => line.where === 'body').map(line => line.text);
  let kept = 0;
  return lines.filter(line => (kept += line.length + 1) <= MOST_QUOTED);
}

interface ReplyText {
  readonly textFields: readonly string[];
  readonly text: string;
}

/** Null: it is not there. */
async function readText({ textFile, mimeFile, draft, charset }: BotOrder): Promise<ReplyText | null> {
  const path = draft === undefined ? (mimeFile ?? textFile) : await newestIn(draft);
  // Neither is required: an answer may have no text of its own.
  if (path === null) return null;
  const plain = `Content-Type: text/plain; format=flowed; delsp=yes; charset="${charset}"`;
  if (path === undefined) return { textFields: [plain], text: '' };
  const found = await stat(path).catch(() => null);
  if (found === null || found.size > MOST_TEXT) return null;
  const octets = await readFile(path, 'latin1').catch(() => null);
  if (octets === null) return null;
  const text = octets.replaceAll('\r\n', '\n');
  if (mimeFile === undefined && draft === undefined) return { textFields: [plain], text };
  const end = text.indexOf('\n\n');
  const fields = parseRawFields(end < 0 ? text : text.slice(0, end + 1));
  const kept = fields.filter(field => /^content-(?!transfer-encoding$)/i.test(field.name)).map(field => field.text.replace(/\n$/, ''));
  return { textFields: kept.length === 0 ? [plain] : kept, text: end < 0 ? '' : text.slice(end + 2) };
}

async function newestIn(maildir: string): Promise<string | null> {
  let newest: { readonly path: string; readonly at: number } | null = null;
  for (const part of ['cur', 'new']) {
    for (const name of await readdir(join(maildir, part)).catch(() => [])) {
      const path = join(maildir, part, name);
      const found = name.startsWith('.') || /:2,[A-Za-z]*T/.test(name) ? null : await stat(path).catch(() => null);
      if (found !== null && (newest === null || found.mtimeMs > newest.at)) newest = { path, at: found.mtimeMs };
    }
  }
  return newest?.path ?? null;
}

function send(program: readonly string[], message: Buffer, context: Context): Promise<number> {
  const [name = '', ...args] = program;
  return new Promise(resolve => {
    const child = spawn(name, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdout.on('data', (octets: Buffer) => void context.stdout.write(octets));
    child.stdin.on('error', () => undefined);
    child.stdin.end(message);
    child.once('error', () => resolve(exits.tryLater));
    child.once('close', code => resolve(code ?? exits.tryLater));
  });
}

