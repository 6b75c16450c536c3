import { parseAddress } from '../../../grammar/address.ts';
import { wayIn } from './aliaslookup.ts';
import { configurationOf } from '../configuration-of.ts';
import { exits, print, Usage, type Command } from '../command.ts';

export const makealiases: Command = {
  name: 'makealiases',
  summary: 'check the aliases, or print them',
  help: `makealiases [-chk] [-dump] [-protocol=esmtp|local|uucp]

Alias files are in force as soon as they are written; nothing has to be made. Without an option the text is read and
what is wrong with it is said.

  -chk        also ask for each member whether it would be accepted as a recipient
  -dump       print every alias with its members, included ones too
  -protocol=  the aliases of that way in, instead of those for all mail

Exit status: 0; 1 when something is wrong; 64 wrong options.`,
  async run(args, context) {
    const wish = { check: false, dump: false, source: 'common' as 'common' | 'esmtp' | 'local' | 'uucp' };
    for (let at = 0; at < args.length; at++) {
      const arg = (args[at] ?? '').replace(/^--/, '-');
      if (arg === '-chk') wish.check = true;
      else if (arg === '-dump') wish.dump = true;
      else if (arg.startsWith('-protocol')) wish.source = wayIn(arg.includes('=') ? arg.slice(arg.indexOf('=') + 1) : (args[++at] ?? ''));
      // Courier's own tools pass these; there is nothing to compile from or to.
      else if (/^-(?:src|alias|tmp)=/.test(arg)) continue;
      else throw new Usage(`unknown option ${args[at] ?? ''}`);
    }
    const configuration = await configurationOf(context);
    if (configuration === null) return exits.configuration;
    const lookup = await context.rooms.addresses(configuration);
    const wrong = [...lookup.problems()];
    for (const { where, name, members } of lookup.aliases(wish.source)) {
      if (wish.dump) await print(context.stdout, `${name}: ${members.join(', ')}`);
      for (const member of wish.check ? members : []) {
        const address = /^[|/]/.test(member) ? null : parseAddress(member);
        if (address === null) continue;
        const { verdict } = await lookup.find(address, wish.source === 'common' ? 'local' : wish.source, {});
        if (verdict.kind === 'refused') wrong.push(`${where}: ${name}: ${member}: ${verdict.text}`);
      }
    }
    for (const line of wrong) await print(context.stderr, line);
    return wrong.length === 0 ? exits.ok : exits.failed;
  },
};
