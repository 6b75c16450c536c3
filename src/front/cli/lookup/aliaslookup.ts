import { parseAddress } from '../../../grammar/address.ts';
import { configurationOf } from '../configuration-of.ts';
import { exits, print, readArguments, Usage, type Command } from '../command.ts';
import { whoseHelp, whoseMail, whoseOptions } from '../whose-mail.ts';

export const aliaslookup: Command = {
  name: 'aliaslookup',
  summary: 'explain, step by step, whom an address means',
  help: `aliaslookup [--from esmtp|local|uucp] [--vhost HOST] [--login USER] ADDRESS

Every alias, virtual domain and mailbox on the way, then the recipients that a message would get.

  --from WAY     the way in, which decides which alias files are seen (default: esmtp)
${whoseHelp}

Exit status: 0; 67 when nobody is meant; 75 when that cannot be said now.`,
  async run(args, context) {
    const { values, positionals } = readArguments({ args: [...args], allowPositionals: true, options: { from: { type: 'string', default: 'esmtp' }, ...whoseOptions } });
    const source = wayIn(values.from);
    const address = positionals.length === 1 ? parseAddress(positionals[0] ?? '') : null;
    if (address === null) throw new Usage('aliaslookup needs one address');
    const configuration = await configurationOf(context);
    if (configuration === null) return exits.configuration;
    const { steps, verdict } = await (await context.rooms.addresses(configuration)).find(address, source, whoseMail(configuration, values));
    for (const step of steps) await print(context.stdout, step);
    if (verdict.kind === 'refused') {
      await print(context.stdout, `${address}: refused (${verdict.text})`);
      return verdict.reply < 500 ? exits.tryLater : exits.noUser;
    }
    for (const { address: recipient, instruction } of verdict.recipients) await print(context.stdout, `-> ${instruction ?? recipient}`);
    return exits.ok;
  },
};

export function wayIn(word: string): 'esmtp' | 'local' | 'uucp' {
  if (word === 'esmtp' || word === 'local' || word === 'uucp') return word;
  throw new Usage(`${word} is no way in: esmtp, local or uucp`);
}
