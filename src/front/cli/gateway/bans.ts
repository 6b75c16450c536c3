/** bans: neighbourhoods and logins that guessed too many passwords. */
import { exits, print, readArguments, Usage, type Command } from '../command.ts';
import { withQueue } from '../queue-access.ts';
import { formatWhen } from '../figures.ts';

export const bans: Command = {
  name: 'bans',
  summary: 'who is not listened to after too many failed logins',
  help: `bans [list]
bans clear ADDRESS | LOGIN | all

Lists the networks and logins that are banned, the latest first, and until when; or lets one in again: by any address of
its network, or by the login. What leads to a ban is in the file bans (docs/access.md).

Exit status: 0; 1 when nothing was to be cleared.`,
  async run(args, context) {
    const { positionals } = readArguments({ args: [...args], allowPositionals: true });
    const [verb = 'list', who, more] = positionals;
    if (more !== undefined || (verb !== 'list' && verb !== 'clear') || (verb === 'list') !== (who === undefined)) throw new Usage('bans takes list, or clear and an address, a login or all');
    return withQueue(context, async queue => {
      if (who === undefined) {
        const all = await queue.bans();
        for (const { who: banned, at, until, why } of all) await print(context.stdout, `${formatWhen(at)}  until ${formatWhen(until)}  ${banned}  ${why}`);
        if (all.length === 0) await print(context.stdout, 'Nobody is banned.');
        return exits.ok;
      }
      const count = await queue.clearBans(who === 'all' ? 'all' : { who });
      const found = count > 0 || who === 'all';
      await print(found ? context.stdout : context.stderr, found ? `${count} cleared.` : `${who} is not banned.`);
      return found ? exits.ok : exits.failed;
    });
  },
};
