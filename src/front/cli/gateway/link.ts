import type { LinkView } from '../../../core/links.ts';
import { configurationOf } from '../configuration-of.ts';
import { exits, print, readArguments, Usage, type Command } from '../command.ts';
import { withQueue } from '../queue-access.ts';
import { formatAge, formatWhen } from '../figures.ts';

export const link: Command = {
  name: 'link',
  summary: 'ways out that are not always there: up, down, how they stand',
  help: `link up|down|auto NAME
       posthorn link status [NAME] [--json]

Links are the file links. Mail whose link is down waits without attempts, warnings or ageing; it goes at once when the link
comes up. A word given here survives a restart, and may be left while no gateway runs.

  up, down   NAME is so from now on. Over a timetable or a program the word stands until "auto".
  auto       what the file says decides again
  status     each link, since when, why, and how many messages wait for it

Exit status: 0; of "status NAME": 1 while it is down; 66 when there is no link of that name.`,
  async run(args, context) {
    const { values, positionals } = readArguments({ args: [...args], allowPositionals: true, options: { json: { type: 'boolean' } } });
    const [word = '', name, more] = positionals;
    const configuration = await configurationOf(context);
    if (configuration === null) return exits.configuration;
    if (more !== undefined || !isWord(word) || (name === undefined && word !== 'status')) throw new Usage('up, down or auto and the name of a link, or status');
    const rule = configuration.links.find(one => one.name === name);
    if (name !== undefined && rule === undefined) {
      await print(context.stderr, `The file links has no ${name}.`);
      return exits.noInput;
    }
    if (word === 'auto' && rule?.when.kind === 'signal') throw new Usage(`nothing but a signal decides about ${name}: up or down`);
    return withQueue(context, async (queue, running) => {
      if (word === 'status' || name === undefined) {
        const views = (await queue.links()).filter(view => name === undefined || view.name === name);
        await print(context.stdout, values.json === true ? views.map(view => JSON.stringify(view)).join('\n') : formatLinks(views, Date.now()));
        return name !== undefined && views[0]?.state !== 'up' ? exits.failed : exits.ok;
      }
      const view = await queue.orderLink(name, word);
      if (view === null) {
        await print(context.stderr, `The running gateway has no link ${name}; posthorn restart reads the file again.`);
        return exits.noInput;
      }
      await print(context.stdout, running ? `${name} is ${view.state}.` : `No gateway runs: ${word === 'auto' ? `the file decides about ${name}` : `${name} is ${word}`} when it starts.`);
      return exits.ok;
    });
  },
};

function isWord(word: string): word is 'up' | 'down' | 'auto' | 'status' {
  return word === 'up' || word === 'down' || word === 'auto' || word === 'status';
}

function formatLinks(views: readonly LinkView[], now: number): string {
  if (views.length === 0) return 'There are no links; the file links names them.';
  return views.map(({ name, state, since, by, until, why, waiting }) => {
    const reasons = [by, ...(until === undefined ? [] : [`until ${formatWhen(until)}`]), ...(why === undefined ? [] : [why])];
    return `${name.padEnd(20)} ${state.padEnd(4)} ${formatAge(now - since).padStart(8)}  ${waiting === undefined ? '' : `${waiting} ${waiting === 1 ? 'waits' : 'wait'}  `}${reasons.join(': ')}`;
  }).join('\n');
}
