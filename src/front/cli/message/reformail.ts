/** `posthorn reformail`: reformail(1). Changes, reads and splits messages on standard input. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { formatCtime } from '../../../grammar/date.ts';
import { editFields, firstValue, formatRawFields, isNamed, parseRawFields, unfolded, valueOf, type HeaderEdit, type RawField } from '../../../grammar/header/edit.ts';
import { parseMailboxes } from '../../../grammar/maildrop/addresses.ts';
import { exits, print, Usage, type Command, type Context } from '../command.ts';
import { readOptions, type Options } from '../getopt.ts';
import { readMessageInput, type MessageInput } from './message-input.ts';
import { seenBefore } from './seen-messages.ts';
import { splitMbox } from './mbox-split.ts';

const HELP = `reformail [-a|-A|-i|-I 'FIELD: VALUE'] [-R OLD: NEW:] [-u|-U FIELD:] [-c] [-d0|-d1] [-f0|-f1]
       reformail -x|-X FIELD: ...     reformail -D OCTETS FILE     reformail -s PROGRAM [ARG ...]

Reads a message on standard input and writes it changed to standard output.

  -a 'F: V'   append the field unless there is one; an empty Message-ID: is made up
  -A 'F: V'   append it in any case
  -i 'F: V'   append it; old ones become Old-F
  -I 'F: V'   append it; old ones go. Nothing behind the colon: they only go
  -R F: G:    rename
  -u F:, -U F:  keep the first, the last of several
  -c          each field on one line
  -d0, -d1    lines end with LF, or with CRLF
  -f0         mbox's From_ line becomes Return-Path
  -f1         a From_ line is put before, and From quoted in the body
  -x F:, -X F:  print values; with the field's name
  -D N FILE   0 when the Message-ID is in FILE, else 1; it is then, FILE having about N octets
  -s PROGRAM  run PROGRAM for each message of an mbox; FILENO counts

Exit status: 0; with -D, 1 for a message that is new.`;

export const reformail: Command = {
  name: 'reformail',
  summary: 'change, read and split messages',
  help: HELP,
  async run(args, context) {
    if (args[0] === '--help') {
      await print(context.stdout, `Usage: posthorn ${HELP}`);
      return exits.ok;
    }
    if (args[0] === '-s') return splitMbox(args.slice(1), context);
    if (args[0] === '-D') return seenBefore(args.slice(1), context);
    const { renames, others } = takeRenames(args);
    const options = readOptions(others, 'a:A:i:I:u:U:cd:f:x:X:h');
    if (options.has('h') || options.rest.length > 0) throw new Usage('its words are options');
    if (options.has('x') || options.has('X')) return extract(options, context);
    await rewrite(options, renames, context);
    return exits.ok;
  },
};

interface Rename {
  readonly from: string;
  readonly to: string;
}

/** -R has two words, which getopt does not know of. */
function takeRenames(args: readonly string[]): { readonly renames: readonly Rename[]; readonly others: readonly string[] } {
  const renames: Rename[] = [];
  const others: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const word = args[at]!;
    if (!word.startsWith('-R')) {
      others.push(word);
      // The value of another option, whatever it looks like.
      if (/^-[aAiIuUxX]$/.test(word) && args[at + 1] !== undefined) others.push(args[++at]!);
      continue;
    }
    const from = word.length > 2 ? word.slice(2) : args[++at];
    const to = args[++at];
    if (from === undefined || to === undefined) throw new Usage('-R OLD: NEW:');
    renames.push({ from: fieldName(from), to: fieldName(to) });
  }
  return { renames, others };
}

function fieldName(written: string): string {
  const name = /^([!-9;-~]+):?$/.exec(written.trim())?.[1];
  if (name === undefined) throw new Usage(`${written}: the name of a field, with a colon`);
  return name;
}

async function extract(options: Options, context: Context): Promise<number> {
  const fields = parseRawFields((await readMessageInput(context.stdin, true)).header);
  const wanted = options.given.filter(([letter]) => letter === 'x' || letter === 'X').map(([letter, name]) => ({ whole: letter === 'X', name: fieldName(name) }));
  for (const field of fields) {
    const found = wanted.find(one => isNamed(field, one.name));
    if (found !== undefined) context.stdout.write(Buffer.from(`${found.whole ? unfolded(field) : valueOf(field)}\n`, 'latin1'));
  }
  context.stdin.destroy();
  return exits.ok;
}

async function rewrite(options: Options, renames: readonly Rename[], context: Context): Promise<void> {
  const from = options.value('f');
  if (from !== undefined && from !== '0' && from !== '1') throw new Usage('-f0 or -f1');
  const ends = options.value('d') ?? '0';
  if (ends !== '0' && ends !== '1') throw new Usage('-d0 or -d1');
  const input = await readMessageInput(context.stdin, true);
  let fields: readonly RawField[] = parseRawFields(input.header);
  if (from === '0') fields = withReturnPath(fields);
  if (from === '1') fields = withFromLine(fields);
  for (const edit of editsOf(options, renames)) fields = editFields(fields, edit);
  if (options.has('c')) fields = fields.map(field => ({ name: field.name, text: `${unfolded(field)}\n` }));
  const write = async (octets: Buffer): Promise<void> => {
    const ready = ends === '1' ? Buffer.from(octets.toString('latin1').replaceAll('\n', '\r\n'), 'latin1') : octets;
    if (!context.stdout.write(ready)) await once(context.stdout, 'drain');
  };
  await write(Buffer.from(formatRawFields(fields) + (input.hasBody ? '\n' : ''), 'latin1'));
  for await (const chunk of from === '1' ? quoted(input) : input.body()) await write(chunk);
}

function editsOf(options: Options, renames: readonly Rename[]): HeaderEdit[] {
  const edits: HeaderEdit[] = renames.map(({ from, to }) => ({ kind: 'name', from, to }));
  for (const [letter, written] of options.given) {
    const kind = ({ a: 'missing', A: 'add', i: 'rename', I: 'replace' } as const)[letter];
    if (kind !== undefined) {
      const octets = Buffer.from(written).toString('latin1');
      const colon = octets.indexOf(':');
      if (colon <= 0) throw new Usage(`${written}: a field and its value, with a colon between`);
      const name = fieldName(octets.slice(0, colon));
      const empty = colon === octets.length - 1;
      const made = empty && /^(?:resent-)?message-id$/i.test(name) && (letter === 'a' || letter === 'A');
      edits.push({ kind, name, line: made ? `${name}: <${randomBytes(12).toString('hex')}.reformail@${hostname()}>` : empty ? '' : octets });
    } else if (letter === 'u' || letter === 'U') edits.push({ kind: 'keep', name: fieldName(written), which: letter === 'u' ? 'first' : 'last' });
  }
  return edits;
}

function withReturnPath(fields: readonly RawField[]): readonly RawField[] {
  const [first] = fields;
  const address = first?.name === '' ? /^From (\S+)/.exec(first.text)?.[1] : undefined;
  if (address === undefined) return fields;
  return [...fields.slice(1).filter(field => !isNamed(field, 'return-path')), { name: 'Return-Path', text: `Return-Path: <${address.replaceAll(/[<>]/g, '')}>\n` }];
}

function withFromLine(fields: readonly RawField[]): readonly RawField[] {
  if (fields[0]?.name === '' && fields[0].text.startsWith('From ')) return fields;
  const said = firstValue(fields, 'errors-to') ?? firstValue(fields, 'return-path') ?? firstValue(fields, 'from');
  const address = (said === null ? undefined : parseMailboxes(said)[0]?.address) ?? 'root';
  return [{ name: '', text: `From ${address.replaceAll(/\s/g, '-') || 'root'} ${formatCtime(Date.now())}\n` }, ...fields];
}

/** Lines of the body that look like a From_ line get a `>`. */
async function* quoted(input: MessageInput): AsyncGenerator<Buffer> {
  let held = '';
  for await (const chunk of input.body()) {
    const text = held + chunk.toString('latin1');
    const cut = text.lastIndexOf('\n') + 1;
    held = text.slice(cut);
    if (cut > 0) yield Buffer.from(text.slice(0, cut).replaceAll(/^From /gm, '>From '), 'latin1');
  }
  if (held !== '') yield Buffer.from(held.replace(/^From /, '>From '), 'latin1');
}
