import { openHttpClient } from '../../../kit/net/http-client.ts';
import { createSystemClock } from '../../../kit/system-clock.ts';
import { configurationOf } from '../configuration-of.ts';
import { exits, print, readArguments, type Command } from '../command.ts';
import { formatAge } from '../figures.ts';
import { visible } from '../queue/named-messages.ts';

const WAIT_MS = 5000;
/** Metrics of 200 series a name. */
const LONGEST_OCTETS = 16 * 1024 * 1024;

export const status: Command = {
  name: 'status',
  summary: 'ask the running gateway how it is (exit status for monitoring)',
  help: `status [--json | --metrics]

Asks the gateway's health address over HTTP, as a monitoring system does, and says what is wrong, a line each.

  --json     the answer as it came
  --metrics  the Prometheus text

Exit status: 0 when it is well; 1 when it is troubled; 69 when it does not answer.`,
  async run(args, context) {
    const { values } = readArguments({ args: [...args], options: { metrics: { type: 'boolean' }, json: { type: 'boolean' } } });
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
        await print(context.stderr, `No gateway answers at ${authority}: ${answer.why}`);
        return exits.unavailable;
      }
      await print(context.stdout, values.metrics === true || values.json === true ? answer.body : formatHealth(JSON.parse(answer.body.toString()) as Health, Date.now()));
      return answer.status === 200 ? exits.ok : exits.failed;
    } finally {
      await client.close();
    }
  },
};

export interface Health {
  readonly troubles: readonly string[];
  readonly version: string;
  readonly listeners: readonly { readonly kind: string; readonly host: string; readonly port: number }[];
  readonly uptimeSeconds: number;
  readonly queue: { readonly messages: number; readonly quarantined: number; readonly oldestAcceptedAt: string | null };
}

export function formatHealth({ troubles, version, listeners, uptimeSeconds, queue }: Health, now: number): string {
  const oldest = queue.oldestAcceptedAt === null ? '' : `, the oldest ${formatAge(now - Date.parse(queue.oldestAcceptedAt))} old`;
  const quarantined = queue.quarantined === 0 ? '' : `, ${queue.quarantined} in quarantine`;
  return [
    troubles.length === 0 ? `well: posthorn ${version}, up ${formatAge(uptimeSeconds * 1000)}` : `TROUBLED: posthorn ${version}, up ${formatAge(uptimeSeconds * 1000)}`,
    ...troubles.map(trouble => `  ! ${visible(trouble)}`),
    `queue: ${queue.messages} ${queue.messages === 1 ? 'message' : 'messages'}${oldest}${quarantined}`,
    ...listeners.map(({ kind, host, port }) => `${kind}: ${host.includes(':') ? `[${host}]` : host}:${port}`),
  ].join('\n');
}
