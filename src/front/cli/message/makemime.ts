/** `posthorn makemime`: makemime(1). MIME sections out of files, collections out of sections; streams all the way. */
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { exits, print, Usage, type Command, type Context } from '../command.ts';
import { writeSection } from './makemime-sections.ts';
import { parseMimeOrder, readOrderFile } from './makemime-order.ts';

const HELP = `makemime -c TYPE [-e ENCODING] [-C CHARSET] [-N NAME] [-a FIELD]... [-o OUT] FILE
       makemime -m TYPE [-e 7bit|8bit] [-a FIELD]... [-o OUT] SECTION
       makemime -j COLLECTION [-o OUT] SECTION
       makemime @FILE

  -c TYPE      a section from FILE; TYPE auto: text/plain or application/octet-stream
  -e ENCODING  7bit, 8bit, quoted-printable or base64; else the least that will do
  -C CHARSET, -N NAME  the charset and the name in Content-Type
  -a FIELD     a field before the others
  -m TYPE      a collection (multipart/mixed ...) with SECTION in it
  -j           COLLECTION with SECTION added
  -o OUT       write there; &N is file descriptor N
  @FILE        words from FILE, one a line; @- standard input, @&N a descriptor

FILE is a file, - for standard input, &N a descriptor, or ( words ): what another
makemime with these words would write. Exit status: 0; 64 wrong call; 66 no such file;
74 reading or writing failed.`;

export const makemime: Command = {
  name: 'makemime',
  summary: 'make MIME messages out of files',
  help: HELP,
  async run(args, context) {
    if (args[0] === '--help') {
      await print(context.stdout, `Usage: posthorn ${HELP}`);
      return exits.ok;
    }
    const [first = ''] = args;
    const words = first.startsWith('@') ? await readOrderFile(first.slice(1), context.stdin) : args;
    const order = parseMimeOrder(words);
    const out = order.output === undefined || order.output === '-' ? context.stdout : openOut(order.output);
    try {
      for await (const chunk of writeSection(order, file => openIn(file, context))) {
        if (!out.write(chunk)) await once(out, 'drain');
      }
      if (out !== context.stdout) await new Promise<void>((resolve, reject) => {
        out.once('error', reject);
        out.end(resolve);
      });
      return exits.ok;
    } catch (error) {
      if (error instanceof Usage) throw error;
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      await print(context.stderr, `posthorn makemime: ${error instanceof Error ? error.message : String(error)}`);
      return code === 'ENOENT' || code === 'EISDIR' ? exits.noInput : code === 'EACCES' ? exits.noPermission : exits.ioError;
    }
  },
};

function descriptorOf(name: string): number | null {
  const found = /^&(\d+)$/.exec(name)?.[1];
  return found === undefined ? null : Number(found);
}

function openIn(file: string, context: Context): AsyncIterable<Buffer> {
  if (file === '-') return context.stdin as AsyncIterable<Buffer>;
  const fd = descriptorOf(file);
  return fd === null ? createReadStream(file) : createReadStream('', { fd, autoClose: false });
}

function openOut(file: string): Writable {
  const fd = descriptorOf(file);
  return fd === null ? createWriteStream(file) : createWriteStream('', { fd, autoClose: false });
}
