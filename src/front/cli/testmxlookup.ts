import { parseDomain } from '../../grammar/domain.ts';
import { configurationOf } from './configuration-of.ts';
import { exits, print, readArguments, Usage, type Command } from './command.ts';

export const testmxlookup: Command = {
  name: 'testmxlookup',
  summary: 'show where mail for a domain would go',
  help: `testmxlookup DOMAIN

The relays in the order in which they are tried, as Courier's program of that name prints them, after the domain's
static route if there is one.

Exit status: 0; 1 when mail for the domain would fail; 75 when that cannot be said now.`,
  async run(args, context) {
    const { positionals } = readArguments({ args: [...args], allowPositionals: true });
    const domain = positionals.length === 1 ? parseDomain(positionals[0] ?? '') : null;
    if (domain === null) throw new Usage('testmxlookup needs one domain');
    const configuration = await configurationOf(context);
    if (configuration === null) return exits.configuration;
    const answer = await context.rooms.lookUpMx(configuration, domain);
    switch (answer.kind) {
      case 'relays':
        if (answer.route !== undefined) await print(context.stdout, `Route: ${answer.route}`);
        for (const { host, address, preference, local, authentic } of answer.relays) {
          await print(context.stdout, `Relay: ${host}, Priority: ${preference}, Address: ${address}${local ? ' [ LOCAL ]' : ''}${authentic ? ' (DNSSEC)' : ''}`);
        }
        return exits.ok;
      case 'no-mail':
        await print(context.stdout, `${domain}: no mail (${answer.why})`);
        return exits.failed;
      case 'hard-error':
        await print(context.stdout, `${domain}: hard error (${answer.why})`);
        return exits.failed;
      case 'soft-error':
        await print(context.stdout, `${domain}: soft error (${answer.why})`);
        return exits.tryLater;
      default: {
        const never: never = answer;
        return never;
      }
    }
  },
};
