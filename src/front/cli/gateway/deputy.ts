import { configurationOf } from '../configuration-of.ts';
import { exits, readArguments, type Command } from '../command.ts';

export const deputy: Command = {
  name: 'deputy',
  summary: 'deliver to users of this system; runs as root',
  help: `deputy

Runs in the foreground, as root, beside a gateway that need not: takes messages for users of the system over the
socket that the file systemusers names, and delivers each with that user's rights.

Exit status: 0 after SIGTERM; 77 when it is not root; 78 when the configuration is wrong or has no systemusers.`,
  async run(args, context) {
    readArguments({ args: [...args], allowPositionals: false, options: {} });
    const configuration = await configurationOf(context);
    return configuration === null ? exits.configuration : context.rooms.deputy(configuration);
  },
};
