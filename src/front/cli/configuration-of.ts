/** The configuration of --config, or its problems on standard error. */
import { formatProblem, readConfiguration, type Configuration } from '../../configuration.ts';
import { print, type Context } from './command.ts';

export async function configurationOf(context: Context): Promise<Configuration | null> {
  const read = readConfiguration(context.folder);
  if (read.kind === 'read') return read.configuration;
  for (const problem of read.problems) await print(context.stderr, formatProblem(problem));
  return null;
}
