/** show and clear: addresses that mail could not be delivered to lately, and whose next mail is refused therefore. */
import { exits, print, readArguments, Usage, type Command } from '../command.ts';
import { withQueue } from '../queue-access.ts';
import { formatWhen } from '../figures.ts';

export const show: Command = {
  name: 'show',
  summary: 'addresses that are refused because mail for them bounced',
  help: `show all

With BOFHSUPPRESSBACKSCATTER (in bofh or esmtpd), addresses that mail from those ways in could not be delivered to are
remembered for three hours and their next mail is refused: 450 for two hours after a deferral, 550 after a failure. This
lists them, the latest first.

Exit status: 0.`,
  async run(args, context) {
    const { positionals } = readArguments({ args: [...args], allowPositionals: true });
    if (positionals.length > 1 || (positionals[0] ?? 'all') !== 'all') throw new Usage('show takes the word all, or nothing');
    return withQueue(context, async queue => {
      const all = await queue.tracked();
      for (const { address, state, at } of all) await print(context.stdout, `${formatWhen(at)}  ${state.padEnd(8)}  ${address}`);
      if (all.length === 0) await print(context.stdout, 'No address is remembered.');
      return exits.ok;
    });
  },
};

export const clear: Command = {
  name: 'clear',
  summary: 'forget that mail for an address bounced',
  help: `clear ADDRESS | all

Its mail is taken again (see posthorn show).

Exit status: 0; 1 when nothing was remembered of the address.`,
  async run(args, context) {
    const { positionals } = readArguments({ args: [...args], allowPositionals: true });
    const [which] = positionals;
    if (which === undefined || positionals.length > 1) throw new Usage('clear needs one address, or all');
    return withQueue(context, async queue => {
      const count = await queue.forgetTracked(which === 'all' ? 'all' : { address: which });
      const found = count > 0 || which === 'all';
      await print(found ? context.stdout : context.stderr, found ? `${count} forgotten.` : `Nothing is remembered of ${which}.`);
      return found ? exits.ok : exits.failed;
    });
  },
};
