/** queue show: one message, and all that was ever heard about it. */
import type { MessageHistory } from '../../../core/operations.ts';
import type { Outcome } from '../../../core/outcome.ts';
import { exits, isUnheard, print, readArguments, Usage } from '../command.ts';
import { formatAge, formatOctets, formatWhen, STATES } from '../figures.ts';
import { readId, tellMissing, visible as plain } from './named-messages.ts';
import type { QueueWord } from './word.ts';

export async function showMessage(args: readonly string[], { context, withQueue }: QueueWord): Promise<number> {
  const { values, positionals } = readArguments({ args: [...args], allowPositionals: true, options: { json: { type: 'boolean' }, content: { type: 'boolean' } } });
  const [word] = positionals;
  if (word === undefined || positionals.length > 1) throw new Usage('show needs one queue id, as mailq shows it');
  const id = readId(word);
  return withQueue(async queue => {
    const found = await queue.show(id);
    if (found === null) {
      await tellMissing(context, queue, id);
      return exits.failed;
    }
    if (values.content !== true) {
      await print(context.stdout, values.json === true ? JSON.stringify(found) : formatHistory(found, Date.now()));
      return exits.ok;
    }
    for await (const octets of queue.content(id)) {
      if (isUnheard(context.stdout)) break;
      await print(context.stdout, octets);
    }
    return exits.ok;
  });
}

export function formatHistory(one: MessageHistory, now: number): string {
  const lines: string[] = [];
  const field = (name: string, text: string) => lines.push(`${name.padEnd(12)}${text}`);
  field('Message', `${one.id}   ${formatOctets(one.sizeOctets)}`);
  field('State', `${STATES[one.state]}${one.why === undefined ? '' : `: ${one.why}`}`);
  field('From', `<${plain(one.reversePath)}>`);
  field('Came in', `${formatWhen(one.acceptedAt)} (${formatAge(now - one.acceptedAt)} ago)  ${Object.entries(one.origin).map(([name, text]) => `${name}=${plain(text)}`).join(' ')}`);
  if (one.envid !== undefined || one.ret !== undefined) field('Report', [one.envid === undefined ? '' : `envid=${plain(one.envid)}`, one.ret === undefined ? '' : `ret=${one.ret}`].filter(text => text !== '').join(' '));
  field('Attempts', `${one.attempts}${one.lastAttemptAt === undefined ? '' : `, the last ${formatWhen(one.lastAttemptAt)}`}`);
  if (one.state === 'waiting') field('Next', `${formatWhen(one.due)}${one.due <= now ? ' (due)' : ` (in ${formatAge(one.due - now)})`}; given up ${formatWhen(one.expiresAt)}`);
  if (one.warnedAt !== undefined) field('Warned', `its sender was told of the delay ${formatWhen(one.warnedAt)}`);
  if (one.cancelled !== undefined) field('Cancelled', `${formatWhen(one.cancelled.at)}: ${plain(one.cancelled.reason)}`);
  for (const { address, original, notify, route, outcome, outcomeAt, reported, past } of one.recipients) {
    lines.push('', `To <${plain(address)}>${original === undefined ? '' : `   written as ${plain(original)}`}${notify === undefined ? '' : `   notify=${notify}`}${route === undefined ? '' : `   by ${plain(route)}`}`);
    for (const { outcome: answer, firstAt, lastAt, times } of past) lines.push(...formatAnswer(answer, times === 1 ? formatWhen(firstAt) : `${formatWhen(firstAt)} to ${formatWhen(lastAt)}, ${times} times`));
    if (outcome === undefined) lines.push('  not tried yet');
    else lines.push(...formatAnswer(outcome, outcomeAt === undefined ? '' : formatWhen(outcomeAt)));
    if (reported === true) lines.push('  its sender has been told, or did not want to be');
  }
  return lines.join('\n');
}

function formatAnswer(outcome: Outcome, when: string): string[] {
  const { kind, status, said } = outcome;
  const uncertain = outcome.kind === 'deferred' && outcome.uncertain === true ? ', uncertain: they may have it' : '';
  const lines = [`  ${when}  ${kind} ${status}${uncertain}`];
  if (said?.remoteMta !== undefined) lines.push(`      ${plain(said.remoteMta)}`);
  if (said?.command !== undefined) lines.push(`      >>> ${plain(said.command)}`);
  for (const line of said?.text.split(/\r?\n/) ?? []) if (line !== '') lines.push(`      <<< ${plain(line)}`);
  return lines;
}
