import { userInfo } from 'node:os';
import type { ListedMessage } from '../../../core/operations.ts';
import { configurationOf } from '../configuration-of.ts';
import type { Configuration } from '../../../configuration.ts';
import { exits, print, readArguments, withQueue, type Command, type Context } from '../command.ts';
import { formatSize, formatWhen } from '../figures.ts';
import { leftMail } from './left-mail.ts';
import { formatNeighbor } from '../uucp/listing.ts';

export const mailq: Command = {
  name: 'mailq',
  summary: 'list the queue',
  help: `mailq [--sort] [--batch] [--json] [--why] [--summary]

Lists queued messages in the order in which they came: size, queue id and date;
owner and sender; then each recipient with "done", "fail" or blank.

  --sort     by sender
  --batch    one line a message for scripts: size;qid;date;owner;from;[status;rcpt;]...
  --json     one JSON object a line
  --why      the last answer about each recipient, and the next attempt
  --summary  only how many, and the oldest

What programs left in the pickup folder and no gateway takes in is mentioned at the end; with --batch and --json on
standard error.

Exit status: 0, also for an empty queue.`,
  async run(args, context) {
    // Courier's own spelling has one dash.
    const { values } = readArguments({
      args: args.map(one => one.replace(/^-(sort|batch)$/, '--$1')),
      options: { sort: { type: 'boolean' }, batch: { type: 'boolean' }, json: { type: 'boolean' }, why: { type: 'boolean' }, summary: { type: 'boolean' } },
    });
    const configuration = await configurationOf(context);
    if (configuration === null) return exits.configuration;
    return withQueue(context, configuration, async (queue, running) => {
      const left = await leftMail(configuration.stateFolder, running);
      if (values.summary === true) {
        const { messages, claimed, quarantined, oldestAcceptedAt } = await queue.summary();
        const oldest = oldestAcceptedAt === null ? '' : `, the oldest since ${formatWhen(oldestAcceptedAt)}`;
        await print(context.stdout, `${messages} messages, ${claimed} being delivered, ${quarantined} in quarantine${oldest}`);
        if (left !== null) await print(context.stdout, left);
        return exits.ok;
      }
      const format = values.json === true ? (one: ListedMessage) => `${JSON.stringify(one)}\n` : values.batch === true ? formatBatch : (one: ListedMessage) => formatForPeople(one, values.why === true);
      let messages = 0;
      const listed = values.sort === true ? await bySender(queue.list('all')) : queue.list('all');
      for await (const one of listed) {
        messages++;
        await print(context.stdout, format(one));
      }
      const handed = values.json === true || values.batch === true || configuration.uucp.site.neighbors.all.length === 0 ? [] : await handedOver(context, configuration);
      for (const line of handed) await print(context.stdout, line);
      if (values.json !== true) await print(context.stdout, values.batch === true ? `messages: ${messages}` : messages === 0 ? 'Mail queue is empty.' : `\n${messages} messages.`);
      if (left !== null) await print(values.json === true || values.batch === true ? context.stderr : context.stdout, left);
      return exits.ok;
    });
  },
};

/** What has left the queue for UUCP and is not on the wire: it can still be called back. */
async function handedOver(context: Context, configuration: Configuration): Promise<readonly string[]> {
  const desk = await context.rooms.uucp(configuration);
  try {
    const busy = (await desk.neighbors()).filter(({ jobs, waiting }) => jobs.length > 0 || waiting.messages > 0);
    return busy.length === 0 ? [] : [`Handed to UUCP, not on the wire yet (posthorn uucp recall takes back):\n${busy.map(formatNeighbor).join('\n')}\n`];
  } finally {
    await desk.close();
  }
}

async function bySender(listed: AsyncIterable<ListedMessage>): Promise<ListedMessage[]> {
  const all: ListedMessage[] = [];
  for await (const one of listed) all.push(one);
  return all.toSorted((a, b) => (a.reversePath < b.reversePath ? -1 : a.reversePath > b.reversePath ? 1 : 0));
}

function formatForPeople(one: ListedMessage, why: boolean): string {
  const note = one.state === 'waiting' ? '' : one.state === 'claimed' ? ' (being delivered)' : ` (${one.state}${one.why === undefined ? '' : `: ${one.why}`})`;
  const lines = [`${formatSize(one.sizeOctets).padStart(8)}  ${one.id}  ${formatWhen(one.acceptedAt)}${note}`, `          ${one.owner} <${one.reversePath}>`];
  for (const { address, status, said, link } of one.recipients) {
    lines.push(`     ${status.padEnd(4)} ${address}`);
    if (why && link !== undefined) lines.push(`            waits for the link ${link}, which is down`);
    if (why && said !== undefined) lines.push(`            ${said.replaceAll('\n', '\n            ')}`);
  }
  if (why && one.state === 'waiting') lines.push(`          ${one.attempts} attempts; next at ${formatWhen(one.due)}`);
  return `${lines.join('\n')}\n`;
}

function formatBatch(one: ListedMessage): string {
  // A `;` in an address would shift the fields.
  const plain = (text: string) => text.replaceAll(/[;\n]/g, '_');
  return `${[one.sizeOctets, one.id, formatWhen(one.acceptedAt), one.owner, plain(one.reversePath), ...one.recipients.flatMap(({ address, status }) => [status, plain(address)])].join(';')};\n`;
}

export function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container's numeric user has no name.
    return String(process.getuid?.() ?? 'unknown');
  }
}
