/**
 * The queue, for a command. A gateway that runs is asked for it whatever became of the configuration's files since it read
 * them: at night, with half a change written, one still sees what waits. Only without one are they read whole.
 */
import { readEssentials } from '../../configuration.ts';
import type { Operations } from '../../core/operations.ts';
import type { Context } from './command.ts';
import { exits } from './command.ts';
import { configurationOf } from './configuration-of.ts';

/** The gateway that runs on this configuration's state folder. */
export async function runningGateway(context: Context): Promise<Operations | null> {
  const read = readEssentials(context.folder);
  return read.kind === 'read' ? context.rooms.running(read.essentials) : null;
}

export async function withQueue(context: Context, work: (queue: Operations, running: boolean) => Promise<number>): Promise<number> {
  const running = await runningGateway(context);
  if (running !== null) return work(running, true);
  const configuration = await configurationOf(context);
  if (configuration === null) return exits.configuration;
  const offline = await context.rooms.offline(configuration);
  try {
    return await work(offline, false);
  } finally {
    await offline.close();
  }
}
