/** queue verify and queue repair. */
import type { Finding } from '../../../core/queue-store.ts';
import type { Operations } from '../../../core/operations.ts';
import { exits, print, readArguments, type Context } from '../command.ts';
import { formatOctets } from '../figures.ts';
import type { QueueWord } from './word.ts';

const BECAME: Readonly<Record<Finding['became'], string>> = { left: '', mended: ' - mended', 'set-aside': ' - set aside in quarantine', removed: ' - removed' };

export function verifyQueue(args: readonly string[], { withQueue, context }: QueueWord): Promise<number> {
  readArguments({ args: [...args] });
  return withQueue(async queue => {
    const found = await tell(queue, context, 'look');
    if (found.length === 0) return exits.ok;
    await print(context.stderr, 'posthorn queue repair mends what can be mended and throws nothing away.');
    return exits.failed;
  });
}

export function repairQueue(args: readonly string[], { withQueue, context }: QueueWord): Promise<number> {
  readArguments({ args: [...args] });
  return withQueue(async queue => {
    const found = await tell(queue, context, 'repair');
    return found.some(({ became }) => became === 'left' || became === 'set-aside') ? exits.failed : exits.ok;
  });
}

async function tell(queue: Operations, context: Context, how: 'look' | 'repair'): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  const progress = context.stderr.isTTY === true;
  for await (const one of queue.verify(how)) {
    if (one.kind === 'finding') {
      found.push(one);
      await print(context.stdout, `${one.id}  ${one.part}: ${one.why}${BECAME[one.became]}${one.file === undefined ? '' : `; what is left of it: ${one.file}`}`);
    } else if (one.last === true) {
      await print(context.stdout, `${one.messages} ${one.messages === 1 ? 'message' : 'messages'} read, ${formatOctets(one.octets)} of content; ${found.length === 0 ? 'all is as it was written' : `${found.length} ${found.length === 1 ? 'thing is' : 'things are'} not as ${found.length === 1 ? 'it was' : 'they were'} written`}.`);
    } else if (progress) context.stderr.write(`\r${one.messages} messages, ${formatOctets(one.octets)} `);
  }
  return found;
}
