/** The configuration of --config, or its problems on standard error. */
import { accessSync, constants, statSync } from 'node:fs';
import { basename } from 'node:path';
import { formatProblem, readConfiguration, type Configuration } from '../../configuration.ts';
import { createSystemAccounts } from '../../kit/system-accounts.ts';
import { Ended, exits, print, type Context } from './command.ts';

export async function configurationOf(context: Context): Promise<Configuration | null> {
  const read = readConfiguration(context.folder);
  if (read.kind === 'read') return read.configuration;
  const closed = read.problems.map(({ file }) => file).filter(isClosed);
  if (closed.length > 0) throw new Ended(exits.noPermission, formatClosed(closed));
  for (const problem of read.problems) await print(context.stderr, formatProblem(problem));
  return null;
}

function isClosed(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EACCES';
  }
}

/** One thing is wrong, however many files it is seen in: this is not the account that may. */
function formatClosed(files: readonly string[]): string {
  const accounts = createSystemAccounts();
  const named = (uid: number) => accounts.find(uid)?.name ?? `uid ${uid}`;
  const [first = ''] = files;
  const owner = statSync(first, { throwIfNoEntry: false })?.uid;
  const may = owner === undefined || owner === 0 ? 'root' : `${named(owner)} or root`;
  return `this account (${named(process.geteuid?.() ?? 0)}) may not read ${first}${files.length === 1 ? '' : ` and ${files.slice(1).map(file => basename(file)).join(', ')}`}. Be ${may}, or the account that the gateway runs as.`;
}
