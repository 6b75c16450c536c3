import type { WebhookState } from '../../../core/operations.ts';
import { exits, print, readArguments, Usage, type Command } from '../command.ts';
import { withQueue } from '../queue-access.ts';
import { formatSize, formatWhen } from '../figures.ts';

export const webhooks: Command = {
  name: 'webhooks',
  summary: 'who is told of events over HTTP, and what waits for them',
  help: `webhooks [--json]
       posthorn webhooks test NAME

Lists the hooks of the file webhooks: what waits, what was taken and lost since the start, and the trouble there is.
With "test": sends an event of the type "test" at once, past everything that waits, and says what was answered.

Exit status: 0; 1 when a hook is in trouble, or did not take the test; 69 when a test is asked for and no gateway runs.`,
  async run(args, context) {
    const { values, positionals } = readArguments({ args: [...args], allowPositionals: true, options: { json: { type: 'boolean' } } });
    const [word, name, more] = positionals;
    if (word !== undefined && (word !== 'test' || name === undefined || more !== undefined)) throw new Usage('either nothing, or "test" and the name of a hook');
    return withQueue(context, async (queue, running) => {
      if (name !== undefined) {
        if (!running) {
          await print(context.stderr, 'No gateway is running here, and it is the gateway that sends.');
          return exits.unavailable;
        }
        const answer = await queue.testWebhook(name);
        if (answer === null) {
          await print(context.stderr, `There is no hook ${name}; if it is new in the file, posthorn restart.`);
          return exits.failed;
        }
        await print(answer.taken ? context.stdout : context.stderr, `${name}: ${answer.taken ? 'taken' : 'not taken'}, ${answer.said}`);
        return answer.taken ? exits.ok : exits.failed;
      }
      const states = await queue.webhooks();
      for (const state of states) await print(context.stdout, values.json === true ? JSON.stringify(state) : formatState(state));
      if (states.length === 0 && values.json !== true) await print(context.stdout, 'No hook is configured.');
      return states.some(({ trouble }) => trouble !== null) ? exits.failed : exits.ok;
    });
  },
};

function formatState({ name, host, events, waiting, lost, sent, lastTakenAt, trouble }: WebhookState): string {
  const lines = [`${name}  ${host}  ${events.join(', ')}`];
  lines.push(`     ${waiting.events} waiting${waiting.oldestAt === null ? '' : ` (${formatSize(waiting.octets)}, since ${formatWhen(waiting.oldestAt)})`}, ${sent} taken, ${lost} lost${lastTakenAt === null ? '' : `; last taken ${formatWhen(lastTakenAt)}`}`);
  if (trouble !== null) lines.push(`     in trouble since ${formatWhen(trouble.since)}, ${trouble.attempts} attempts: ${trouble.why}; next at ${formatWhen(trouble.nextAt)}`);
  return lines.join('\n');
}
