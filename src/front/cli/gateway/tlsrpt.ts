import type { TlsPolicyResults, TlsResults } from '../../../core/tls.ts';
import { parseDomain, asciiDomain } from '../../../grammar/domain.ts';
import { configurationOf } from '../configuration-of.ts';
import { exits, print, readArguments, Usage, type Command } from '../command.ts';
import { withQueue } from '../queue-access.ts';

export const tlsrpt: Command = {
  name: 'tlsrpt',
  summary: 'how TLS went with each domain we sent to, as TLS reports tell it',
  help: `tlsrpt [--json] [--failed] [DOMAIN]

What was counted today and in the last week (days are UTC), domain by domain: the policy that the domain published, how many
sessions went well, how many did not and why, and whether a report was sent (RFC 8460; the file tlsreports).

--failed  only domains with a failure
--json    one JSON object a line, day and domain each

Exit status: 0; 1 when nothing was counted.`,
  async run(args, context) {
    const { values, positionals } = readArguments({ args: [...args], allowPositionals: true, options: { json: { type: 'boolean' }, failed: { type: 'boolean' } } });
    const parsed = positionals.length === 1 ? parseDomain(positionals[0] ?? '') : null;
    if (positionals.length > 1 || (positionals.length === 1 && parsed === null)) throw new Usage('tlsrpt takes at most one domain');
    const domain = parsed === null ? null : asciiDomain(parsed) ?? parsed;
    const configuration = await configurationOf(context);
    if (configuration === null) return exits.configuration;
    return withQueue(context, async queue => {
      const all = await queue.tlsResults();
      const wanted = all.filter(one => (domain === null || one.domain === domain) && (values.failed !== true || one.policies.some(({ failures }) => failures > 0)));
      for (const one of wanted) await print(context.stdout, values.json === true ? JSON.stringify(one) : formatResults(one));
      if (wanted.length === 0 && values.json !== true) await print(context.stdout, configuration.client.tlsReports.collect ? 'Nothing was counted.' : 'Nothing is counted: the file tlsreports says off.');
      return wanted.length === 0 ? exits.failed : exits.ok;
    });
  },
};

function formatResults({ day, domain, policies, reported }: TlsResults): string {
  return [`${day}  ${domain}${reported === undefined ? '' : `  (${reported})`}`, ...policies.map(formatPolicy)].join('\n');
}

function formatPolicy({ kind, successes, failures, details }: TlsPolicyResults): string {
  const named = kind === 'no-policy-found' ? 'no policy' : kind;
  return [
    `     ${named}: ${successes} well, ${failures} failed`,
    ...details.map(({ type, mx, address, count, why }) => `       ${count} ${type} ${mx}${address === undefined ? '' : ` [${address}]`}: ${why}`),
  ].join('\n');
}
