import { userInfo } from 'node:os';
import type { Writable } from 'node:stream';
import type { ListedMessage } from '../../../core/operations.ts';
import { readConfiguration, readEssentials } from '../../../configuration.ts';
import { exits, isUnheard, print, readArguments, Usage, type Command, type Context } from '../command.ts';
import { withQueue } from '../queue-access.ts';
import { formatSize, formatWhen, STATES } from '../figures.ts';
import { leftMail } from './left-mail.ts';
import { BY_WAYS, formatNothing, SELECTING, selectionOf, selectionOptions, tellUnfit, visible } from './named-messages.ts';
import { formatNeighbor } from '../uucp/listing.ts';

export const mailq: Command = {
  name: 'mailq',
  summary: 'list the queue',
  help: `mailq [--sort] [--batch] [--json] [--why] [--summary] [QID ... | ${BY_WAYS}]

Lists queued messages in the order in which they came: size, queue id and date;
owner and sender; then each recipient with "done", "fail" or blank. All of them, or:

${SELECTING}

  --sort     by sender
  --batch    one line a message for scripts: size;qid;date;owner;from;[status;rcpt;]...
  --json     one JSON object a line
  --why      the last answer about each recipient, and the next attempt
  --summary  only how many, and the oldest

What programs left in the pickup folder and no gateway takes in is mentioned at the end of the whole list; with --batch and
--json on standard error.

Exit status: 0, also for an empty queue; 1 when none of those named is queued.`,
  async run(args, context) {
    // Courier's own spelling has one dash.
    const { values: { sort, batch, json, why, summary, ...ways }, positionals } = readArguments({
      args: args.map(one => one.replace(/^-(sort|batch)$/, '--$1')),
      allowPositionals: true,
      options: { ...selectionOptions, sort: { type: 'boolean' }, batch: { type: 'boolean' }, json: { type: 'boolean' }, why: { type: 'boolean' }, summary: { type: 'boolean' } },
    });
    const which = selectionOf(ways, positionals) ?? 'all';
    if (summary === true && which !== 'all') throw new Usage('--summary is of the whole queue');
    return withQueue(context, async (queue, running) => {
      if (summary === true) {
        const { messages, claimed, quarantined, oldestAcceptedAt } = await queue.summary();
        const oldest = oldestAcceptedAt === null ? '' : `, the oldest since ${formatWhen(oldestAcceptedAt)}`;
        await print(context.stdout, `${counted(messages)}, ${claimed} being delivered, ${quarantined} in quarantine${oldest}`);
        await tellLeft(context.stdout, context.folder, running);
        return exits.ok;
      }
      const format = json === true ? (one: ListedMessage) => `${JSON.stringify(one)}\n` : batch === true ? formatBatch : (one: ListedMessage) => formatForPeople(one, why === true);
      let messages = 0;
      const listed = sort === true ? await bySender(queue.list(which)) : queue.list(which);
      for await (const one of listed) {
        if (isUnheard(context.stdout)) return exits.ok;
        messages++;
        await print(context.stdout, format(one));
      }
      if (which !== 'all') {
        const told = typeof which === 'object' && 'ids' in which ? await tellUnfit(context, queue, which.ids, {}) : 0;
        if (messages === 0 && told === 0) await print(context.stderr, formatNothing(which));
        return messages > 0 && told === 0 ? exits.ok : exits.failed;
      }
      const handed = json === true || batch === true ? [] : await handedOver(context);
      for (const line of handed) await print(context.stdout, line);
      if (json !== true) await print(context.stdout, batch === true ? `messages: ${messages}` : messages === 0 ? 'Mail queue is empty.' : `\n${counted(messages)}.`);
      await tellLeft(json === true || batch === true ? context.stderr : context.stdout, context.folder, running);
      return exits.ok;
    });
  },
};

async function tellLeft(to: Writable, folder: string, running: boolean): Promise<void> {
  const read = readEssentials(folder);
  const left = read.kind === 'read' ? await leftMail(read.essentials.stateFolder, running) : null;
  if (left !== null) await print(to, left);
}

function counted(messages: number): string {
  return `${messages} ${messages === 1 ? 'message' : 'messages'}`;
}

/** What has left the queue for UUCP and is not on the wire: it can still be called back. */
async function handedOver(context: Context): Promise<readonly string[]> {
  const read = readConfiguration(context.folder);
  if (read.kind === 'wrong' || read.configuration.uucp.site.neighbors.all.length === 0) return [];
  const { configuration } = read;
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

export function formatForPeople(one: ListedMessage, why: boolean): string {
  const note = one.state === 'waiting' ? '' : ` (${STATES[one.state]}${one.why === undefined ? '' : `: ${visible(one.why)}`})`;
  const lines = [`${formatSize(one.sizeOctets).padStart(8)}  ${one.id}  ${formatWhen(one.acceptedAt)}${note}`, `          ${visible(one.owner)} <${visible(one.reversePath)}>`];
  for (const { address, status, said, link } of one.recipients) {
    lines.push(`     ${status.padEnd(4)} ${visible(address)}`);
    if (why && link !== undefined) lines.push(`            waits for the link ${link}, which is down`);
    if (why && said !== undefined) lines.push(...said.split(/\r?\n/).map(line => `            ${visible(line)}`));
  }
  if (why && one.state === 'waiting') lines.push(`          ${one.attempts === 0 ? 'not tried yet' : `${one.attempts} ${one.attempts === 1 ? 'attempt' : 'attempts'}`}; next at ${formatWhen(one.due)}`);
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
