/** flush and cancelmsg: orders to queued messages. */
import type { MessageId } from '../../core/envelope.ts';
import { configurationOf } from './configuration-of.ts';
import { exits, print, readArguments, Usage, withQueue, type Command } from './command.ts';

export const flush: Command = {
  name: 'flush',
  summary: 'make everything, or one message, due now',
  help: `flush [QID]

Tries every waiting message now, or the one named. Messages on hold stay there.

Exit status: 0; 1 when there is no message of that id.`,
  async run(args, context) {
    const { positionals } = readArguments({ args: [...args], allowPositionals: true });
    if (positionals.length > 1) throw new Usage('flush takes one queue id at most');
    const configuration = await configurationOf(context);
    if (configuration === null) return exits.configuration;
    const id = positionals[0] as MessageId | undefined;
    return withQueue(context, configuration, async (queue, running) => {
      const obeyed = await queue.order(id === undefined ? 'all' : { id }, 'flush');
      if (id !== undefined && obeyed === 0) {
        await print(context.stderr, 'Message not found.');
        return exits.failed;
      }
      await print(context.stdout, `${obeyed} ${obeyed === 1 ? 'message is' : 'messages are'} due now${running ? '' : '; no gateway runs, they go out when it starts'}.`);
      return exits.ok;
    });
  },
};

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
