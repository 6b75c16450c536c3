import { resolve } from 'node:path';
import { writeDefaultConfiguration } from '../../../configuration.ts';
import { Ended, exits, print, readArguments, Usage, type Command } from '../command.ts';
import { findSystemAccount } from '../mailbox/system-account.ts';

export const init: Command = {
  name: 'init',
  summary: 'write a default configuration into a folder',
  help: `init DIR [--embedded] [--state DIR] [--me NAME] [--user ACCOUNT]

Writes commented configuration files, one per setting that people change. A file that exists is left alone.

  --embedded   for trying it without root: loopback only, ESMTP on 2525, submission on 2587,
               and the domain trial.test whose addresses order their own fate
  --state DIR  where queue and mailboxes live (default: /var/lib/posthorn; with --embedded: beside DIR)
  --me NAME    this box's mail name (default: the host name)
  --user ACCOUNT  as root: the account that the gateway will be; it gets the files with secrets, and the state folder

Exit status: 0; 67 when there is no such account; 73 when the folder cannot be written; 77 --user, and not root.`,
  async run(args, context) {
    const { values, positionals } = readArguments({ args: [...args], allowPositionals: true, options: { embedded: { type: 'boolean' }, state: { type: 'string' }, me: { type: 'string' }, user: { type: 'string' } } });
    if (positionals.length !== 1) throw new Usage('init needs the folder to write');
    const folder = resolve(positionals[0] ?? '');
    const owner = values.user === undefined ? null : await ownerNamed(values.user);
    try {
      const { written, kept } = await writeDefaultConfiguration(folder, {
        kind: values.embedded === true ? 'embedded' : 'server',
        ...(values.me === undefined ? {} : { me: values.me }), ...(values.state === undefined ? {} : { stateFolder: resolve(values.state) }),
        ...(owner === null ? {} : { owner }),
      });
      await print(context.stdout, `${folder}: ${written.length} files written, ${kept.length} were there and are left alone.`);
      if (owner === null && values.embedded !== true && process.geteuid?.() === 0) await print(context.stdout, 'Files with secrets belong to root now. A gateway need not be root: --user ACCOUNT gives them to an account of its own.');
      return exits.ok;
    } catch (error) {
      await print(context.stderr, `${folder}: ${error instanceof Error ? error.message : String(error)}`);
      return exits.cantCreate;
    }
  },
};

async function ownerNamed(name: string): Promise<{ readonly uid: number; readonly gid: number }> {
  if (process.geteuid?.() !== 0) throw new Ended(exits.noPermission, '--user needs root, for files are given to that account');
  const found = await findSystemAccount(name);
  if (found === null) throw new Ended(exits.noUser, `there is no account ${name}; as root: useradd --system --home-dir / --shell /usr/sbin/nologin ${name}`);
  return found;
}
