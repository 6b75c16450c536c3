import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters, styleText } from 'node:util';
import type { ReadableMessage } from '../../../kit/message-reader.ts';
import { configurationOf } from '../configuration-of.ts';
import { exits, print, readArguments, Usage, type Command } from '../command.ts';
import { formatSize, formatWhen } from '../figures.ts';

export const inbox: Command = {
  name: 'inbox',
  summary: 'read the mail in a local mailbox',
  help: `inbox NAME [--full]

Shows the messages of a virtual mailbox, newest last: who, when, subject, the text decoded, attachments by name. The
mail stays as it is, unread. With --full the whole text, else its first lines.

Exit status: 0; 1 when there is no such mailbox or nothing in it.`,
  async run(args, context) {
    const { values, positionals } = readArguments({ args: [...args], allowPositionals: true, options: { full: { type: 'boolean' } } });
    const [name] = positionals;
    if (name === undefined || positionals.length > 1 || /[/\\]|^\./.test(name)) throw new Usage('inbox needs the name of one mailbox');
    const configuration = await configurationOf(context);
    if (configuration === null) return exits.configuration;
    const folder = join(configuration.stateFolder, 'mailboxes', name);
    const files = await filesOf(folder);
    for (const file of files) await print(context.stdout, await show(file, values.full === true, context.stdout.isTTY === true));
    if (files.length > 0) return exits.ok;
    await print(context.stderr, `No mail in ${folder}.`);
    return exits.failed;
  },
};

const FIRST_LINES = 12;

async function filesOf(folder: string): Promise<string[]> {
  const found: { readonly path: string; readonly at: number }[] = [];
  for (const part of ['cur', 'new']) {
    for (const name of await readdir(join(folder, part)).catch(() => [])) {
      const path = join(folder, part, name);
      found.push({ path, at: (await stat(path)).mtimeMs });
    }
  }
  return found.toSorted((a, b) => a.at - b.at).map(one => one.path);
}

async function show(path: string, full: boolean, colour: boolean): Promise<string> {
  // Loaded here: the gateway shares this command line and has no use for a MIME reader.
  const { LARGEST_OCTETS, readMessage } = await import('../../../kit/message-reader.ts');
  const { size, mtimeMs } = await stat(path);
  const message = size > LARGEST_OCTETS ? null : await readMessage(await readFile(path));
  if (message === null) return `${formatWhen(mtimeMs)}  ${formatSize(size)}  cannot be shown; the file is ${path}\n`;
  return format(message, size, full, colour);
}

function format({ from, to, subject, date, text, attachments }: ReadableMessage, size: number, full: boolean, colour: boolean): string {
  // Mail comes from strangers: what would move the cursor or rename the window is taken out.
  const safe = (foreign: string) => stripVTControlCharacters(foreign).replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
  const lines = safe(text.replaceAll('\r\n', '\n')).trimEnd().split('\n');
  const shown = full || lines.length <= FIRST_LINES ? lines : [...lines.slice(0, FIRST_LINES), `... ${lines.length - FIRST_LINES} more lines (--full)`];
  const title = `${date === null ? '' : formatWhen(date.getTime())}  ${safe(subject) || '(no subject)'}  ${formatSize(size)}`;
  return [
    colour ? styleText('bold', title) : title,
    `From: ${safe(from)}`, `To:   ${safe(to)}`, '',
    ...shown.map(line => `  ${line}`),
    ...attachments.map(one => `  [${safe(one.name) || 'unnamed'}, ${one.type}, ${formatSize(one.sizeOctets)}]`), '',
  ].join('\n');
}
