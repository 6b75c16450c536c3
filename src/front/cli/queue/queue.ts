/** `posthorn queue WORD`: what an operator does to the queue besides looking at it. */
import type { MessageId } from '../../../core/envelope.ts';
import type { Wanted } from '../../../core/operations.ts';
import { configurationOf } from '../configuration-of.ts';
import { exits, print, readArguments, Usage, type Command } from '../command.ts';
import { withQueue } from '../queue-access.ts';
import { STATES } from '../figures.ts';
import { nearestWord } from '../nearest-word.ts';
import { exportQueue, importQueue } from './transfer.ts';
import { showMessage } from './show.ts';
import { formatTimetable } from './timetable.ts';
import type { QueueWord } from './word.ts';
import { repairQueue, verifyQueue } from './verify.ts';
import { formatNothing, readId, selectionOf, selectionOptions, tellMissing } from './named-messages.ts';

type Run = (args: readonly string[], given: QueueWord) => Promise<number>;

interface Word {
  readonly usage: string;
  readonly run: Run;
}

const words: Readonly<Record<string, Word>> = {
  show: { usage: 'show QID [--json | --content]', run: showMessage },
  verify: { usage: 'verify', run: verifyQueue },
  repair: { usage: 'repair', run: repairQueue },
  restore: { usage: 'restore QID ...', run: (args, given) => setAside(args, given, 'restore') },
  delete: { usage: 'delete QID ... | --from A | --domain D | --route R | --exported FILE', run: (args, given) => setAside(args, given, 'drop') },
  export: { usage: 'export FILE [QID ...] [--copy]', run: exportQueue },
  import: { usage: 'import FILE', run: importQueue },
  top: { usage: 'top [--once]', run: async (args, given) => (await import('./top.ts')).top(args, given) },
  timetable: { usage: 'timetable', run: timetable },
};

export const queue: Command = {
  name: 'queue',
  summary: 'one message\'s history; verify, repair, move, watch the queue',
  help: `queue ${Object.keys(words).join('|')} ...

  show QID        envelope, each recipient with every answer, the next attempt (--json); --content: the message itself
  verify          read everything and compare it with its checksums; nothing is changed
  repair          the same, and mend what can be: one flipped bit is flipped back, a message without a place is due
                  now. What cannot be mended is set aside in quarantine and what is left of it written to a file
  restore QID     out of quarantine, due now; it is checked again before it is sent
  delete QID      for good, without a report to anyone; only what is in quarantine or on hold. --from A, --domain D,
                  --route R: all such messages, as posthorn hold names them
  export FILE     all messages, or those named, to be moved to another box; here they are put on hold (--copy: not)
  import FILE     takes them in, with history and due times; a file may be imported again, nothing comes twice
  delete --exported FILE   deletes what is on hold here and was exported to FILE, when it has arrived
  top             watch: next hops, rates, oldest message, memory; --once prints one picture
  timetable       when a message is tried, warned about and given up, by the settings in force

FILE may be - for standard output or input. All but top's rates work with the gateway stopped, too.

Exit status: 0; 1 when the answer is no: no such message, or verify found something; 65 no export; 66 no such file;
75 when something was left to do; 77 when this account may not.`,
  async run(args, context) {
    const [name, ...rest] = args;
    const word = name !== undefined && Object.hasOwn(words, name) ? words[name] : undefined;
    if (word === undefined) {
      const meant = name === undefined ? null : nearestWord(name, Object.keys(words));
      throw new Usage(name === undefined ? 'say what' : `there is no "queue ${name}"${meant === null ? '' : `; was ${meant} meant?`}`);
    }
    try {
      return await word.run(rest, { context, withQueue: work => withQueue(context, work) });
    } catch (error) {
      throw error instanceof Usage ? new Usage(error.message, `queue ${word.usage}`) : error;
    }
  },
};

async function timetable(args: readonly string[], { context }: QueueWord): Promise<number> {
  readArguments({ args: [...args] });
  const configuration = await configurationOf(context);
  if (configuration === null) return exits.configuration;
  await print(context.stdout, formatTimetable(await context.rooms.attempts(configuration), configuration.queue));
  return exits.ok;
}

const DONE = { restore: 'restored', drop: 'deleted' } as const;
/** Ids in one order. */
const STEP = 500;

/** restore and delete: only what was set aside or held. */
async function setAside(args: readonly string[], { context, withQueue: openQueue }: QueueWord, order: 'restore' | 'drop'): Promise<number> {
  const { values: { exported, ...ways }, positionals } = readArguments({ args: [...args], allowPositionals: true, options: { ...selectionOptions, exported: { type: 'string' } } });
  if (ways.all === true || (order === 'restore' && (exported !== undefined || ways.domain !== undefined || ways.route !== undefined || ways.from !== undefined))) throw new Usage('which? Queue ids, as mailq shows them');
  const which = exported === undefined ? selectionOf(ways, positionals) : { ids: (await idsIn(exported)).map(readId) };
  if (which === null) throw new Usage('which? A queue id, as mailq shows it');
  const ids = typeof which === 'object' && 'ids' in which ? new Set(which.ids) : null;
  const steps: Wanted[] = ids === null ? [which] : stepsOf([...ids]).map(some => ({ ids: some }));
  return openQueue(async operations => {
    let obeyed = 0;
    let unfit = 0;
    for (const step of steps) {
      let fit: MessageId[] = [];
      const give = async () => {
        obeyed += await operations.order({ ids: fit }, order);
        fit = [];
      };
      for await (const { id, state } of operations.list(step)) {
        ids?.delete(id);
        if (state === 'quarantined' || (state === 'held' && order === 'drop')) {
          if (fit.push(id) === STEP) await give();
        } else {
          unfit++;
          if (ids !== null) await print(context.stderr, order === 'restore' ? `${id} is not in quarantine.` : `${id} is ${STATES[state]}: only what is in quarantine or on hold is deleted. posthorn cancelmsg gives a message up and tells its sender.`);
        }
      }
      if (fit.length > 0) await give();
    }
    // What was exported may be gone for good reasons.
    if (exported === undefined) for (const id of ids ?? []) await tellMissing(context, operations, id);
    if (ids === null && obeyed + unfit === 0) await print(context.stderr, formatNothing(which));
    if (ids === null && unfit > 0) await print(context.stderr, `${unfit} ${unfit === 1 ? 'is' : 'are'} not on hold: only what is in quarantine or on hold is deleted; posthorn hold comes first.`);
    await print(context.stdout, `${obeyed} ${obeyed === 1 ? 'message' : 'messages'} ${DONE[order]}.`);
    const missing = exported !== undefined ? false : ids === null ? obeyed === 0 : ids.size > 0;
    return unfit === 0 && !missing ? exits.ok : exits.failed;
  });
}

function stepsOf(ids: readonly MessageId[]): MessageId[][] {
  return Array.from({ length: Math.ceil(ids.length / STEP) }, (_, n) => ids.slice(n * STEP, (n + 1) * STEP));
}

async function idsIn(file: string): Promise<readonly string[]> {
  const transfer = await import('./transfer.ts');
  return transfer.idsIn(file);
}
