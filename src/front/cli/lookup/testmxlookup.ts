import { parseDomain } from '../../../grammar/domain.ts';
import { configurationOf } from '../configuration-of.ts';
import { exits, print, readArguments, Usage, type Command } from '../command.ts';
import { whoseHelp, whoseMail, whoseOptions } from '../whose-mail.ts';

export const testmxlookup: Command = {
  name: 'testmxlookup',
  summary: 'show where mail for a domain would go',
  help: `testmxlookup [--tls] [--vhost HOST] [--login USER] DOMAIN

The relays in the order in which they are tried, as Courier's program of that name prints them, after the domain's
static route if there is one.

  --tls          also how the connection to each relay is encrypted, and how that was decided: tlspolicy, DNSSEC, TLSA
                 records, MTA-STS. Nothing is connected to but DNS and the web server of the MTA-STS policy.
${whoseHelp}

Exit status: 0; 1 when mail for the domain would fail; 75 when that cannot be said now.`,
  async run(args, context) {
    const { positionals, values } = readArguments({ args: [...args], allowPositionals: true, options: { tls: { type: 'boolean' }, ...whoseOptions } });
    const domain = positionals.length === 1 ? parseDomain(positionals[0] ?? '') : null;
    if (domain === null) throw new Usage('testmxlookup needs one domain');
    const configuration = await configurationOf(context);
    if (configuration === null) return exits.configuration;
    const answer = await context.rooms.lookUpMx(configuration, domain, { tls: values.tls === true, whose: whoseMail(configuration, values) });
    const steps = answer.steps ?? [];
    switch (answer.kind) {
      case 'relays':
        if (answer.route !== undefined) await print(context.stdout, `Route: ${answer.route}`);
        for (const step of steps) await print(context.stdout, `TLS: ${step}`);
        for (const { host, address, preference, local, authentic, tls } of answer.relays) {
          await print(context.stdout, `Relay: ${host}, Priority: ${preference}, Address: ${address}${local ? ' [ LOCAL ]' : ''}${authentic ? ' (DNSSEC)' : ''}`);
          if (tls !== undefined) await print(context.stdout, `  ${tls}`);
        }
        return exits.ok;
      case 'no-mail':
        await print(context.stdout, `${domain}: no mail (${answer.why})`);
        return exits.failed;
      case 'hard-error':
        await print(context.stdout, `${domain}: hard error (${answer.why})`);
        return exits.failed;
      case 'soft-error':
        for (const step of steps) await print(context.stdout, `TLS: ${step}`);
        await print(context.stdout, `${domain}: soft error (${answer.why})`);
        return exits.tryLater;
      default: {
        const never: never = answer;
        return never;
      }
    }
  },
};
