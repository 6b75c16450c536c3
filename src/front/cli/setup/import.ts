import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { importSendmailAliases, importVirtualDomains } from '../../../grammar/alias/foreign-addresses.ts';
import { exits, print, readArguments, Usage, type Command } from '../command.ts';

const KINDS = { 'sendmail-aliases': { read: importSendmailAliases, file: 'sendmail' }, 'qmail-virtualdomains': { read: importVirtualDomains, file: 'qmail-virtualdomains' } } as const;

export const importCommand: Command = {
  name: 'import',
  summary: 'take over the addresses of another mail system',
  help: `import sendmail-aliases FILE [--write]
       import qmail-virtualdomains FILE [--write]

Prints what the file becomes here, and on standard error what a person has to decide. With --write it becomes a file
in aliases/ of the configuration; one that is there already is left alone.

Exit status: 0; 1 when something has to be decided; 66 when the file cannot be read; 73 when nothing can be written.`,
  async run(args, context) {
    const { values, positionals } = readArguments({ args: [...args], allowPositionals: true, options: { write: { type: 'boolean' } } });
    const [kind = '', path, more] = positionals;
    if (!isKind(kind) || path === undefined || more !== undefined) throw new Usage(`import needs one of ${Object.keys(KINDS).join(', ')}, and a file`);
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      await print(context.stderr, error instanceof Error ? error.message : String(error));
      return exits.noInput;
    }
    const { aliases, domains, remarks } = KINDS[kind].read(text);
    for (const remark of remarks) await print(context.stderr, remark);
    for (const domain of domains) await print(context.stderr, `${domain}: must be in esmtpacceptmailfor, or its mail is refused as relaying`);
    if (values.write !== true) {
      await print(context.stdout, aliases);
      return remarks.length === 0 ? exits.ok : exits.failed;
    }
    const target = join(context.folder, 'aliases', KINDS[kind].file);
    try {
      await mkdir(join(context.folder, 'aliases'), { recursive: true });
      const file = await open(target, 'wx', 0o644);
      await file.writeFile(aliases);
      await file.sync();
      await file.close();
    } catch (error) {
      await print(context.stderr, `${target}: ${error instanceof Error ? error.message : String(error)}`);
      return exits.cantCreate;
    }
    await print(context.stdout, `${target} is written, and in force.`);
    return remarks.length === 0 ? exits.ok : exits.failed;
  },
};

function isKind(word: string): word is keyof typeof KINDS {
  return Object.hasOwn(KINDS, word);
}
