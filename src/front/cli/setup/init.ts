import { resolve } from 'node:path';
import { writeDefaultConfiguration } from '../../../configuration.ts';
import { exits, print, readArguments, Usage, type Command } from '../command.ts';

export const init: Command = {
  name: 'init',
  summary: 'write a default configuration into a folder',
  help: `init DIR [--embedded] [--state DIR] [--me NAME]

Writes commented configuration files, one per setting that people change. A file that exists is left alone.

  --embedded   for trying it without root: loopback only, ESMTP on 2525, submission on 2587,
               and the domain trial.test whose addresses order their own fate
  --state DIR  where queue and mailboxes live (default: /var/lib/posthorn; with --embedded: beside DIR)
  --me NAME    this box's mail name (default: the host name)

Exit status: 0; 73 when the folder cannot be written.`,
  async run(args, context) {
    const { values, positionals } = readArguments({ args: [...args], allowPositionals: true, options: { embedded: { type: 'boolean' }, state: { type: 'string' }, me: { type: 'string' } } });
    if (positionals.length !== 1) throw new Usage('init needs the folder to write');
    const folder = resolve(positionals[0] ?? '');
    try {
      const { written, kept } = await writeDefaultConfiguration(folder, {
        kind: values.embedded === true ? 'embedded' : 'server',
        ...(values.me === undefined ? {} : { me: values.me }), ...(values.state === undefined ? {} : { stateFolder: resolve(values.state) }),
      });
      await print(context.stdout, `${folder}: ${written.length} files written, ${kept.length} were there and are left alone.`);
      return exits.ok;
    } catch (error) {
      await print(context.stderr, `${folder}: ${error instanceof Error ? error.message : String(error)}`);
      return exits.cantCreate;
    }
  },
};
