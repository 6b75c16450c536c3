import { configurationOf } from './configuration-of.ts';
import { exits, print, readArguments, type Command } from './command.ts';

const WAIT_MS = 5000;

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
    try {
      // Loaded here: 12 MB that a gateway which runs for a year never needs.
      const { request } = await import('undici');
      const { statusCode, body } = await request(`http://${authority}/${values.metrics === true ? 'metrics' : 'health'}`, { headersTimeout: WAIT_MS, bodyTimeout: WAIT_MS, reset: true });
      await print(context.stdout, await body.text());
      return statusCode === 200 ? exits.ok : exits.failed;
    } catch (error) {
      await print(context.stderr, `No answer from ${authority}: ${error instanceof Error ? error.message : String(error)}`);
      return exits.unavailable;
    }
  },
};
