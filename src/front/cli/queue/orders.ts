/** flush, hold, release and cancelmsg: orders to queued messages. */
import type { Operations, Wanted } from '../../../core/operations.ts';
import { exits, print, readArguments, Usage, type Command, type Context } from '../command.ts';
import { withQueue } from '../queue-access.ts';
import { BY_WAYS, formatNothing, isId, readSelection, SELECTING, selectionOf, selectionOptions, tellUnfit, type Unfit } from './named-messages.ts';

export const flush: Command = {
  name: 'flush',
  summary: 'make everything, or some of it, due now',
  help: `flush [QID ... | ${BY_WAYS}]

Tries every waiting message now, or those named, and forgets that next hops were in trouble. Messages on hold stay there.

${SELECTING}

Exit status: 0; 1 when there is no such message.`,
  async run(args, context) {
    return give(context, readSelection(args) ?? 'all', 'flush', {
      said: (count, running) => `${count} ${count === 1 ? 'message is' : 'messages are'} due now${running ? '' : '; no gateway runs, they go out when it starts'}.`,
      unfit: { held: 'is on hold: posthorn release lets it go.', quarantined: 'is in quarantine: posthorn queue restore takes it out.' },
      nothing: 'waiting',
    });
  },
};

export const hold: Command = {
  name: 'hold',
  summary: 'keep messages in the queue until they are released',
  help: `hold QID ... | ${BY_WAYS} | --all

What is on hold is not tried, and does not expire. An attempt that is under way ends first.

${SELECTING}

Exit status: 0; 1 when there is no such message.`,
  async run(args, context) {
    return give(context, named(args), 'hold', { said: count => `${count} ${count === 1 ? 'message is' : 'messages are'} on hold.`, unfit: { quarantined: 'is in quarantine, where nothing is tried.' } });
  },
};

export const release: Command = {
  name: 'release',
  summary: 'let messages go that are on hold',
  help: `release QID ... | ${BY_WAYS} | --all

They are tried when they would have been; posthorn flush makes them due now.

${SELECTING}

Exit status: 0; 1 when nothing of that kind is on hold.`,
  async run(args, context) {
    return give(context, named(args), 'release', {
      said: count => `${count} ${count === 1 ? 'message is' : 'messages are'} free to go.`,
      unfit: { waiting: 'is not on hold.', quarantined: 'is in quarantine: posthorn queue restore takes it out.' },
      nothing: 'on hold',
    });
  },
};

function named(args: readonly string[]): Wanted {
  const which = readSelection(args);
  if (which === null) throw new Usage('which? A queue id, as mailq shows it, --domain, --route, --from or --all');
  return which;
}

interface Manner {
  readonly said: (obeyed: number, running: boolean) => string;
  /** Why messages in such a state do not obey. */
  readonly unfit: Unfit;
  /** What those are that were looked for. */
  readonly nothing?: string;
}

async function give(context: Context, which: Wanted, order: Parameters<Operations['order']>[1], { said, unfit, nothing }: Manner): Promise<number> {
  return withQueue(context, async (queue, running) => {
    const told = typeof which === 'object' && 'ids' in which ? await tellUnfit(context, queue, which.ids, unfit) : 0;
    const obeyed = await queue.order(which, order);
    if (obeyed > 0 || which === 'all') await print(context.stdout, said(obeyed, running));
    else if (told === 0) await print(context.stderr, formatNothing(which, nothing));
    return told === 0 && (obeyed > 0 || which === 'all') ? exits.ok : exits.failed;
  });
}

export const cancelmsg: Command = {
  name: 'cancelmsg',
  summary: 'give messages up; their senders are told',
  help: `cancelmsg QID ... [REASON ...] | ${BY_WAYS} [REASON ...]

Recipients that are still pending fail with the reason (default: "Message cancelled."), and the sender gets the
ordinary report. An attempt that is under way is not stopped. Without a report: posthorn hold, posthorn queue delete.

${SELECTING}

Exit status: 0; 1 when there is no message of that id.`,
  async run(args, context) {
    const { values, positionals } = readArguments({ args: [...args], allowPositionals: true, options: selectionOptions });
    if (values.all === true) throw new Usage('all at once are not cancelled: say --domain, --route or --from');
    const byWay = values.domain !== undefined || values.route !== undefined || values.from !== undefined;
    // The first word is an id whatever it looks like; a typing error must not become the reason for another message.
    const behind = byWay ? 0 : 1 + positionals.slice(1).findIndex(word => !isId(word));
    const ids = byWay ? [] : behind === 0 ? positionals : positionals.slice(0, behind);
    const reason = positionals.slice(ids.length).join(' ');
    const which = selectionOf(values, ids);
    if (which === null) throw new Usage('which? A queue id, as mailq shows it, --domain, --route or --from');
    return give(context, which, { cancel: reason === '' ? 'Message cancelled.' : reason }, {
      said: (count, running) => `${count} ${count === 1 ? 'message is' : 'messages are'} cancelled${running ? '' : '; no gateway runs, reports are sent when it starts'}.`,
      unfit: { quarantined: 'is in quarantine: posthorn queue restore takes it out, posthorn queue delete gives it up.' },
    });
  },
};
