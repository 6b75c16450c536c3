import type { RecentEvent } from '../../../core/operations.ts';
import { styleText } from 'node:util';
import { configurationOf } from '../configuration-of.ts';
import { exits, print, readArguments, Usage, type Command, type Whose } from '../command.ts';
import { runningGateway } from '../queue-access.ts';
import { formatWhen } from '../figures.ts';
import { whoseMail, whoseOptions } from '../whose-mail.ts';
import { isId, readId, visible } from './named-messages.ts';

export const trace: Command = {
  name: 'trace',
  summary: 'where mail went: the last events, or one message\'s',
  help: `trace [QID] [--vhost HOST] [--login USER] [--json]

What happened to messages since the gateway started, oldest first: queued, each attempt with the next hop's answer,
completed. The gateway remembers the last few thousand events; the log has them all.

  --vhost HOST   only mail of that virtual host, as in vhost.HOST
  --login USER   only mail of who logged in so
  --json         an event as it stands in the log, one a line

Exit status: 0; 1 when nothing is remembered of that id; 69 when no gateway runs.`,
  async run(args, context) {
    const { values, positionals } = readArguments({ args: [...args], allowPositionals: true, options: { json: { type: 'boolean' }, ...whoseOptions } });
    const running = await runningGateway(context);
    if (running === null) {
      await print(context.stderr, 'No gateway is running here; its log has what happened.');
      return exits.unavailable;
    }
    const [word, more] = positionals;
    if (more !== undefined) throw new Usage('one queue id, or none');
    const id = word === undefined ? undefined : readId(word);
    // Only a virtual host has to be looked up.
    const configuration = values.vhost === undefined ? { hosts: new Map() } : await configurationOf(context);
    if (configuration === null) return exits.configuration;
    const events = ofThose(await running.recent(id), whoseMail(configuration, values));
    for (const event of events) await print(context.stdout, values.json === true ? JSON.stringify(event) : formatEvent(event, context.stdout.isTTY === true));
    if (events.length > 0) return exits.ok;
    await print(context.stderr, id === undefined ? ((values.vhost ?? values.login) === undefined ? 'Nothing has happened yet.' : 'Nothing is remembered of such mail.') : `Nothing is remembered of ${visible(id)}${isId(id) ? '; the log has what is older' : ', which is no queue id as mailq shows them'}.`);
    return exits.failed;
  },
};

/** Whose a message is stands in its first event; one that is forgotten is nobody's any more. */
function ofThose(events: readonly RecentEvent[], { virtualHost, login }: Whose): readonly RecentEvent[] {
  if (virtualHost === undefined && login === undefined) return events;
  const fits = ({ auth, vhost }: RecentEvent['fields']) => (login === undefined || auth === login) && (virtualHost === undefined || vhost === virtualHost);
  const ids = new Set(events.filter(({ event, fields }) => event === 'newmsg' && fits(fields)).map(({ fields }) => fields['id']));
  return events.filter(({ fields }) => ids.has(fields['id']));
}

const COLOURS = { success: 'green', failure: 'red', deferred: 'yellow' } as const;

function formatEvent({ at, event, fields }: RecentEvent, colour: boolean): string {
  const status = fields['status'];
  const { id, status: _, ...rest } = fields;
  const word = typeof status === 'string' ? `${event} ${status}` : event;
  const style = typeof status === 'string' && status in COLOURS ? COLOURS[status as keyof typeof COLOURS] : 'bold';
  const details = Object.entries(rest).filter(([, value]) => value !== undefined && value !== null && value !== '')
    .map(([name, value]) => `${name}=${typeof value === 'object' ? JSON.stringify(value) : String(value as string | number | boolean)}`).join(' ');
  return `${formatWhen(at)}  ${String(id)}  ${colour ? styleText(style, word) : word}  ${visible(details)}`.trimEnd();
}
