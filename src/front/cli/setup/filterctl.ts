/** filterctl: which of Courier's filters are on. The links in filters/active are the truth; the running gateway follows. */
import { accessSync, constants, existsSync, lstatSync, mkdirSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Configuration } from '../../../configuration.ts';
import { isBuiltIn } from '../../../grammar/config/filter-folder.ts';
import { configurationOf } from '../configuration-of.ts';
import { exits, print, Usage, type Command, type Context } from '../command.ts';

/** Where packages put filters for Courier. */
const PROGRAM_FOLDERS = ['/usr/lib/posthorn/filters', '/usr/local/lib/courier/filters', '/usr/lib/courier/filters', '/usr/libexec/courier/filters'];

export const filterctl: Command = {
  name: 'filterctl',
  summary: 'switch a mail filter on or off, or list them',
  help: `filterctl start NAME [PROGRAM]
       filterctl stop NAME
       filterctl status [NAME]

start makes a link in filters/active of the configuration folder: to filters/NAME.mjs there, to a built-in filter
(dupfilter, ratefilter, verifyfilter), or to a program NAME in /usr/lib/courier/filters and its like; PROGRAM names
another. stop takes the link away. A running gateway starts or ends the filter at once.

Exit status: 0; 64 for a name that cannot be; 66 when there is no such filter; 69 for status without a gateway.`,
  async run(args, context) {
    const [order, name, program, more] = args;
    if (order === 'status' && program === undefined) return status(name, context);
    if ((order !== 'start' && order !== 'stop') || name === undefined || more !== undefined || (order === 'stop' && program !== undefined)) throw new Usage('filterctl start NAME [PROGRAM], stop NAME or status [NAME]');
    if (!/^\w[\w.+-]*$/.test(name)) throw new Usage(`${name} is no name for a filter`);
    const link = join(context.folder, 'filters', 'active', name);
    return order === 'start' ? start(name, program, link, context) : stop(name, link, context);
  },
};

async function start(name: string, program: string | undefined, link: string, context: Context): Promise<number> {
  const target = program ?? targetOf(name, context.folder);
  if (target === null) {
    await print(context.stderr, `There is no filter ${name}: neither filters/${name}.mjs, nor built in, nor a program in ${PROGRAM_FOLDERS.join(', ')}.`);
    return exits.noInput;
  }
  mkdirSync(join(context.folder, 'filters', 'active'), { recursive: true });
  if (lstatSync(link, { throwIfNoEntry: false }) === undefined) symlinkSync(target, link);
  const done = await takeEffect(context);
  // A link that makes the configuration wrong must not stay to be found by the next restart.
  if (done === exits.configuration) unlinkSync(link);
  return done;
}

async function stop(name: string, link: string, context: Context): Promise<number> {
  if (lstatSync(link, { throwIfNoEntry: false }) === undefined) {
    await print(context.stderr, `The filter ${name} is not on.`);
    return exits.noInput;
  }
  unlinkSync(link);
  return takeEffect(context);
}

async function takeEffect(context: Context): Promise<number> {
  const configuration = await configurationOf(context);
  if (configuration === null) return exits.configuration;
  const running = await context.rooms.running(configuration);
  if (running === null) {
    await print(context.stdout, 'Done; no gateway is running here.');
    return exits.ok;
  }
  const problems = await running.reload();
  for (const problem of problems) await print(context.stderr, problem);
  await remind(configuration, context);
  return problems.length === 0 ? exits.ok : exits.configuration;
}

async function remind({ filters }: Configuration, context: Context): Promise<void> {
  if (filters.sources.size === 0) await print(context.stderr, 'No mail is filtered: enablefiltering names no way in (esmtp, local, uucp).');
}

function targetOf(name: string, folder: string): string | null {
  if (existsSync(join(folder, 'filters', `${name}.mjs`))) return `../${name}.mjs`;
  if (isBuiltIn(name)) return `/usr/lib/posthorn/filters/${name}`;
  return PROGRAM_FOLDERS.map(one => join(one, name)).find(runs) ?? null;
}

function runs(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function status(name: string | undefined, context: Context): Promise<number> {
  const configuration = await configurationOf(context);
  if (configuration === null) return exits.configuration;
  const running = await context.rooms.running(configuration);
  const standing = await running?.filters?.();
  if (standing === undefined) {
    await print(context.stderr, 'No gateway is running here, and no filter with it.');
    return exits.unavailable;
  }
  const shown = name === undefined ? standing : standing.filter(one => one.name === name);
  for (const one of shown) {
    const more = [one.pid === undefined ? '' : `pid ${one.pid}`, (one.restarts ?? 0) > 0 ? `started again ${one.restarts} times` : ''].filter(text => text !== '');
    await print(context.stdout, `${one.name}  ${one.kind}  ${one.state}${more.length === 0 ? '' : `  (${more.join(', ')})`}`);
  }
  if (shown.length === 0) await print(context.stdout, name === undefined ? 'No filter is on.' : `The filter ${name} is not on.`);
  await remind(configuration, context);
  return name !== undefined && shown.length === 0 ? exits.failed : exits.ok;
}
