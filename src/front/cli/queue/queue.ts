/** `posthorn queue WORD`: what an operator does to the queue besides looking at it. */
import type { MessageId } from '../../../core/envelope.ts';
import { configurationOf } from '../configuration-of.ts';
import { exits, print, readArguments, Usage, withQueue, type Command } from '../command.ts';
import { exportQueue, importQueue } from './transfer.ts';
import { showMessage } from './show.ts';
import { formatTimetable } from './timetable.ts';
import type { QueueWord } from './word.ts';
import { repairQueue, verifyQueue } from './verify.ts';

type Run = (args: readonly string[], given: QueueWord) => Promise<number>;

const words: Readonly<Record<string, Run>> = {
  show: showMessage,
  verify: verifyQueue,
  repair: repairQueue,
  restore: (args, given) => setAside(args, given, 'restore'),
  delete: (args, given) => setAside(args, given, 'drop'),
  export: exportQueue,
  import: importQueue,
  top: async (args, given) => (await import('./top.ts')).top(args, given),
};

export const queue: Command = {
  name: 'queue',
  summary: 'one message\'s history; verify, repair, move, watch the queue',
  help: `queue show QID [--json | --content] | verify | repair | restore QID ... | delete QID ... [--exported FILE] | export FILE [QID ...] [--copy] | import FILE | top [--once] | timetable

  show QID        envelope, each recipient with every answer, the next attempt; --content: the message itself
  verify          read everything and compare it with its checksums; nothing is changed
  repair          the same, and mend what can be: one flipped bit is flipped back, a message without a place is due
                  now. What cannot be mended is set aside in quarantine and what is left of it written to a file
  restore QID     out of quarantine, due now; it is checked again before it is sent
  delete QID      for good, without a report to anyone; only what is in quarantine or on hold
  export FILE     all messages, or those named, to be moved to another box; here they are put on hold (--copy: not)
  import FILE     takes them in, with history and due times; a file may be imported again, nothing comes twice
  delete --exported FILE   deletes what is on hold here and was exported to FILE, when it has arrived
  top             watch: next hops, rates, oldest message, memory; --once prints one picture
  timetable       when a message is tried, warned about and given up, by the settings in force

FILE may be - for standard output or input. All but top's rates work with the gateway stopped, too.

Exit status: 0; 1 when the answer is no: no such message, or verify found something; 75 when something was left to do.`,
  async run(args, context) {
    const [word, ...rest] = args;
    const configuration = await configurationOf(context);
    if (configuration === null) return exits.configuration;
    if (word === 'timetable') {
      readArguments({ args: rest });
      await print(context.stdout, formatTimetable(await context.rooms.attempts(configuration), configuration.queue));
      return exits.ok;
    }
    const run = word !== undefined && Object.hasOwn(words, word) ? words[word] : undefined;
    if (run === undefined) throw new Usage(word === undefined ? 'queue needs a word: show, verify, repair, export …' : `there is no "queue ${word}"`);
    return withQueue(context, configuration, (operations, running) => run(rest, { context, configuration, queue: operations, running }));
  },
};

async function setAside(args: readonly string[], { context, queue: operations }: QueueWord, order: 'restore' | 'drop'): Promise<number> {
  const { values, positionals } = readArguments({ args: [...args], allowPositionals: true, options: { exported: { type: 'string' } } });
  const named = values.exported === undefined || order === 'restore' ? positionals : [...positionals, ...(await exportedIds(values.exported))];
  if (named.length === 0) throw new Usage(`queue ${order === 'restore' ? 'restore' : 'delete'} needs a queue id, as mailq shows it`);
  const ids: MessageId[] = [];
  let missing = 0;
  for (const id of named as MessageId[]) {
    let found = false;
    for await (const { state } of operations.list({ id })) {
      found = true;
      if (state === 'quarantined' || (state === 'held' && order === 'drop')) ids.push(id);
      else await print(context.stderr, order === 'restore' ? `${id} is not in quarantine.` : `${id} is ${state}: only what is in quarantine or on hold is deleted. posthorn cancelmsg gives a message up and tells its sender.`);
    }
    if (found) continue;
    missing++;
    if (values.exported === undefined) await print(context.stderr, `${id}: message not found.`);
  }
  const obeyed = ids.length === 0 ? 0 : await operations.order({ ids }, order);
  await print(context.stdout, `${obeyed} ${obeyed === 1 ? 'message' : 'messages'} ${order === 'restore' ? 'restored' : 'deleted'}.`);
  return obeyed === named.length - (values.exported === undefined ? 0 : missing) ? exits.ok : exits.failed;
}

async function exportedIds(file: string): Promise<readonly string[]> {
  const { idsIn } = await import('./transfer.ts');
  return idsIn(file);
}
