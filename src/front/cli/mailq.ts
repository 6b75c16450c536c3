import { userInfo } from 'node:os';
import type { ListedMessage } from '../../core/operations.ts';
import { configurationOf } from './configuration-of.ts';
import { exits, print, readArguments, withQueue, type Command } from './command.ts';

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

Exit status: 0, also for an empty queue.`,
  async run(args, context) {
    // Courier's own spelling has one dash.
    const { values } = readArguments({
      args: args.map(one => one.replace(/^-(sort|batch)$/, '--$1')),
      options: { sort: { type: 'boolean' }, batch: { type: 'boolean' }, json: { type: 'boolean' }, why: { type: 'boolean' }, summary: { type: 'boolean' } },
    });
    const configuration = await configurationOf(context);
    if (configuration === null) return exits.configuration;
    return withQueue(context, configuration, async queue => {
      if (values.summary === true) {
        const { messages, claimed, quarantined, oldestAcceptedAt } = await queue.summary();
        const oldest = oldestAcceptedAt === null ? '' : `, the oldest since ${formatWhen(oldestAcceptedAt)}`;
        await print(context.stdout, `${messages} messages, ${claimed} being delivered, ${quarantined} in quarantine${oldest}`);
        return exits.ok;
      }
      const format = values.json === true ? (one: ListedMessage) => `${JSON.stringify(one)}\n` : values.batch === true ? formatBatch : (one: ListedMessage) => formatForPeople(one, values.why === true);
      let messages = 0;
      const listed = values.sort === true ? await bySender(queue.list('all')) : queue.list('all');
      for await (const one of listed) {
        messages++;
        await print(context.stdout, format(one));
      }
      if (values.json !== true) await print(context.stdout, values.batch === true ? `messages: ${messages}` : messages === 0 ? 'Mail queue is empty.' : `\n${messages} messages.`);
      return exits.ok;
    });
  },
};

async function bySender(listed: AsyncIterable<ListedMessage>): Promise<ListedMessage[]> {
  const all: ListedMessage[] = [];
  for await (const one of listed) all.push(one);
  return all.toSorted((a, b) => (a.reversePath < b.reversePath ? -1 : a.reversePath > b.reversePath ? 1 : 0));
}

function formatForPeople(one: ListedMessage, why: boolean): string {
  const note = one.state === 'waiting' ? '' : one.state === 'claimed' ? ' (being delivered)' : ` (${one.state}${one.why === undefined ? '' : `: ${one.why}`})`;
  const lines = [`${formatSize(one.sizeOctets).padStart(8)}  ${one.id}  ${formatWhen(one.acceptedAt)}${note}`, `          ${one.owner} <${one.reversePath}>`];
  for (const { address, status, said } of one.recipients) {
    lines.push(`     ${status.padEnd(4)} ${address}`);
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

/** Courier's: bytes below 1 K, then n.nK, n.nnM. */
export function formatSize(octets: number): string {
  if (octets < 1024) return String(octets);
  return octets < 1024 * 1024 ? `${(octets / 1024).toFixed(1)}K` : `${(octets / 1024 / 1024).toFixed(2)}M`;
}

export function formatWhen(at: number): string {
  const date = new Date(at);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

export function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container's numeric user has no name.
    return String(process.getuid?.() ?? 'unknown');
  }
}
