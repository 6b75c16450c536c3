/** flush, hold, release and cancelmsg: orders to queued messages. */
import type { MessageId } from '../../../core/envelope.ts';
import type { Operations, Wanted } from '../../../core/operations.ts';
import { configurationOf } from '../configuration-of.ts';
import { exits, print, readArguments, Usage, withQueue, type Command, type Context } from '../command.ts';

const SELECTING = `  QID        this message; several may be named
  --domain D recipients in D are still pending; .D is its subdomains
  --route R  pending recipients go by R: a transport (esmtp), a next hop, or both (esmtp/mail.example.com)`;

export const flush: Command = {
  name: 'flush',
  summary: 'make everything, or some of it, due now',
  help: `flush [QID ... | --domain D | --route R]

Tries every waiting message now, or those named, and forgets that next hops were in trouble. Messages on hold stay there.

${SELECTING}

Exit status: 0; 1 when there is no such message.`,
  async run(args, context) {
    const which = readSelection(args, 'everything');
    return give(context, which, 'flush', (count, running) => `${count} ${count === 1 ? 'message is' : 'messages are'} due now${running ? '' : '; no gateway runs, they go out when it starts'}.`);
  },
};

export const hold: Command = {
  name: 'hold',
  summary: 'keep messages in the queue until they are released',
  help: `hold QID ... | --domain D | --route R | --all

What is on hold is not tried, and does not expire. An attempt that is under way ends first.

${SELECTING}

Exit status: 0; 1 when there is no such message.`,
  async run(args, context) {
    return give(context, readSelection(args, 'hold'), 'hold', count => `${count} ${count === 1 ? 'message is' : 'messages are'} on hold.`);
  },
};

export const release: Command = {
  name: 'release',
  summary: 'let messages go that are on hold',
  help: `release QID ... | --domain D | --route R | --all

They are tried when they would have been; posthorn flush makes them due now.

${SELECTING}

Exit status: 0; 1 when nothing of that kind is on hold.`,
  async run(args, context) {
    return give(context, readSelection(args, 'release'), 'release', count => `${count} ${count === 1 ? 'message is' : 'messages are'} free to go.`);
  },
};

/** `name` is the command that needs to be told; 'everything' needs not. */
function readSelection(args: readonly string[], name: 'everything' | 'hold' | 'release'): Wanted {
  const { values, positionals } = readArguments({ args: [...args], allowPositionals: true, options: { domain: { type: 'string' }, route: { type: 'string' }, all: { type: 'boolean' } } });
  const { domain, route } = values;
  const ways = [positionals.length > 0, domain !== undefined, route !== undefined, values.all === true].filter(way => way).length;
  if (ways > 1) throw new Usage('one of queue ids, --domain and --route');
  if (domain !== undefined) return { domain };
  if (route !== undefined) return { route };
  if (positionals.length > 0) return { ids: positionals as MessageId[] };
  if (values.all === true || name === 'everything') return 'all';
  throw new Usage(`${name} needs a queue id, as mailq shows it, --domain, --route or --all`);
}

async function give(context: Context, which: Wanted, order: Parameters<Operations['order']>[1], said: (obeyed: number, running: boolean) => string): Promise<number> {
  const configuration = await configurationOf(context);
  if (configuration === null) return exits.configuration;
  return withQueue(context, configuration, async (queue, running) => {
    const obeyed = await queue.order(which, order);
    if (which !== 'all' && obeyed === 0) {
      await print(context.stderr, 'Message not found.');
      return exits.failed;
    }
    await print(context.stdout, said(obeyed, running));
    return exits.ok;
  });
}

export const cancelmsg: Command = {
  name: 'cancelmsg',
  summary: 'give a message up; its sender is told',
  help: `cancelmsg QID [REASON ...]

Recipients that are still pending fail with the reason (default: "Message cancelled."), and the sender gets the
ordinary report. An attempt that is under way is not stopped.

Exit status: 0; 1 when there is no message of that id.`,
  async run(args, context) {
    const { positionals } = readArguments({ args: [...args], allowPositionals: true });
    const [id, ...reason] = positionals;
    if (id === undefined) throw new Usage('cancelmsg needs a queue id, as mailq shows it');
    const configuration = await configurationOf(context);
    if (configuration === null) return exits.configuration;
    return withQueue(context, configuration, async queue => {
      const obeyed = await queue.order({ id: id as MessageId }, { cancel: reason.length === 0 ? 'Message cancelled.' : reason.join(' ') });
      if (obeyed > 0) return exits.ok;
      await print(context.stderr, 'Message not found.');
      return exits.failed;
    });
  },
};
