/** Finds the command, its folder and its help. */
import { resolve } from 'node:path';
import { aliaslookup } from './aliaslookup.ts';
import type { Command, Context } from './command.ts';
import { exits, print, Usage } from './command.ts';
import { importCommand } from './import.ts';
import { init } from './init.ts';
import { check, restart, start, stop } from './lifecycle.ts';
import { makealiases } from './makealiases.ts';
import { mailq } from './mailq.ts';
import { cancelmsg, flush } from './orders.ts';
import { sendmail } from './sendmail.ts';
import { status } from './status.ts';
import { testmxlookup } from './testmxlookup.ts';
import { trace } from './trace.ts';

const version: Command = {
  name: 'version',
  summary: 'print the version',
  help: 'version\n\nPrints the version of Posthorn and of the Node that runs it.',
  async run(_args, context) {
    await print(context.stdout, `posthorn ${context.version} (node ${process.versions.node})`);
    return exits.ok;
  },
};

const commands: readonly Command[] = [init, check, start, stop, restart, flush, mailq, cancelmsg, sendmail, trace, status, testmxlookup, aliaslookup, makealiases, importCommand, version];

/** Courier's names for what is one command here. */
const ALIASES: Readonly<Record<string, string>> = {
  makesmtpaccess: 'restart', makeacceptmailfor: 'restart', makehosteddomains: 'restart', makepercentrelay: 'restart', reload: 'restart',
};

const SYSTEM_FOLDER = '/etc/posthorn';

export async function runCommandLine(args: readonly string[], given: Omit<Context, 'folder'>): Promise<number> {
  const { rest, folder, help } = takeGlobal(args, given.environment);
  const [name, ...own] = rest;
  const context: Context = { ...given, folder };
  if (name === undefined) {
    await print(help ? given.stdout : given.stderr, overview());
    return help ? exits.ok : exits.usage;
  }
  const word = ALIASES[name] ?? name;
  const command = commands.find(one => one.name === word);
  if (command === undefined) {
    await print(given.stderr, `posthorn: there is no command "${name}". The commands:\n\n${overview()}`);
    return exits.usage;
  }
  if (help) {
    await print(given.stdout, `Usage: posthorn ${command.help}\n\nEvery command takes --config DIR (or POSTHORN_CONFIG; else ${SYSTEM_FOLDER}).`);
    return exits.ok;
  }
  try {
    return await command.run(own, context);
  } catch (error) {
    if (error instanceof Usage) {
      await print(given.stderr, `posthorn ${name}: ${error.message}\nUsage: posthorn ${command.help.split('\n')[0]}`);
      return exits.usage;
    }
    await print(given.stderr, `posthorn ${name}: ${error instanceof Error ? error.message : String(error)}`);
    return exits.software;
  }
}

/** --config and --help may stand before or behind the command; behind `--` they are the command's own. */
function takeGlobal(args: readonly string[], environment: Context['environment']): { rest: string[]; folder: string; help: boolean } {
  const rest: string[] = [];
  let folder = environment['POSTHORN_CONFIG'] ?? SYSTEM_FOLDER;
  let help = false;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (arg === '--') {
      rest.push(...args.slice(at));
      break;
    } else if (arg === '--config') folder = args[++at] ?? '';
    else if (arg.startsWith('--config=')) folder = arg.slice('--config='.length);
    else if (arg === '--help' || arg === '-h') help = true;
    else rest.push(arg);
  }
  return { rest, folder: resolve(folder), help };
}

function overview(): string {
  const width = Math.max(...commands.map(one => one.name.length)) + 2;
  return `Usage: posthorn COMMAND [--config DIR] ...\n\n${commands.map(one => `  ${one.name.padEnd(width)}${one.summary}`).join('\n')}\n\nposthorn COMMAND --help tells more.`;
}
