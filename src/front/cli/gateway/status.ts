import { openHttpClient } from '../../../kit/net/http-client.ts';
import { createSystemClock } from '../../../kit/system-clock.ts';
import { configurationOf } from '../configuration-of.ts';
import { exits, print, readArguments, type Command } from '../command.ts';

const WAIT_MS = 5000;
/** Metrics of 200 series a name. */
const LONGEST_OCTETS = 16 * 1024 * 1024;

export const status: Command = {
  name: 'status',
  summary: 'ask the running gateway how it is (exit status for monitoring)',
  help: `status [--metrics]

Asks the gateway's health address over HTTP, as a monitoring system does. With --metrics: the Prometheus text.

Exit status: 0 when it is well; 1 when it is troubled; 69 when it does not answer.`,
  async run(args, context) {
    const { values } = readArguments({ args: [...args], options: { metrics: { type: 'boolean' } } });
    const configuration = await configurationOf(context);
    if (configuration === null) return exits.configuration;
    if (configuration.http === null) {
      await print(context.stderr, 'The file httpaddress switches the health address off.');
      return exits.unavailable;
    }
    const { host, port } = configuration.http;
    const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    const client = openHttpClient({ clock: createSystemClock() });
    try {
      const answer = await client.request({ url: `http://${authority}/${values.metrics === true ? 'metrics' : 'health'}`, timeoutMs: WAIT_MS, limitOctets: LONGEST_OCTETS });
      if (answer.kind !== 'answer') {
        await print(context.stderr, `No answer from ${authority}: ${answer.why}`);
        return exits.unavailable;
      }
      await print(context.stdout, answer.body.toString());
      return answer.status === 200 ? exits.ok : exits.failed;
    } finally {
      await client.close();
    }
  },
};
