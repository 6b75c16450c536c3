/** `posthorn maildrop`: maildrop(1). A message on standard input, delivered or judged by a recipe. */
import { resolve } from 'node:path';
import type { MaildropJob, MaildropRecipe } from '../../../core/maildrop.ts';
import { exits, print, Usage, type Command, type Context } from '../command.ts';
import { readOptions, type Options } from '../getopt.ts';
import { become, findSystemAccount, type SystemAccount } from './system-account.ts';

const HELP = `maildrop [-a] [-A FIELD]... [-f ADDR] [-V LEVEL] [-w N] [-W FILE] [-d USER | [-m] FILE [ARG]... | -M NAME]

Reads a message on standard input and does with it what a recipe in the maildrop
language says (docs/maildrop.md).

  no FILE      delivery: the system's maildroprc, then ~/.mailfilter, then the mailbox
  FILE ARG...  that recipe; its $1, $2 ... are the arguments
  -m FILE      embedded: the recipe may look and answer (echo, EXITCODE), and deliver nothing
  -M NAME      embedded: ~/.mailfilters/NAME, or the -default file that is nearest
  -d USER      delivery for that user; for root, or for oneself
  -D UID/GID   as the account with these numbers, HOME from the environment; for root
  -A FIELD     a field before the message
  -f ADDR      envelope sender
  -V LEVEL     say what happens, 1 to 9; not in delivery mode
  -w N         warn in a Maildir that is N percent full; -W FILE has the warning's text
  -a           accepted; accounts that cannot be looked up are always tried again later
  -v           version

Exit status: EXITCODE; 64 wrong call; 67 no such user; 75 try again later: the recipe
is wrong or could have been written by others, or the mailbox cannot be written.`;

export const maildrop: Command = {
  name: 'maildrop',
  summary: 'deliver or judge a message by a recipe in the maildrop language',
  help: HELP,
  async run(args, context) {
    if (args[0] === '--help') {
      await print(context.stdout, `Usage: posthorn ${HELP}`);
      return exits.ok;
    }
    const options = readOptions(args, 'aA:d:D:f:hmM:t:vV:w:W:');
    if (options.has('h')) {
      await print(context.stdout, `Usage: posthorn ${HELP}`);
      return exits.ok;
    }
    if (options.has('v')) {
      await print(context.stdout, `posthorn maildrop ${context.version}\nMaps of text in place of GDBM files.\nMaildir quotas.`);
      return exits.ok;
    }
    if (options.has('t')) throw new Usage('-t: accounts are not asked from Dovecot');
    const account = await accountFor(options, context);
    if (typeof account === 'number') {
      await print(context.stderr, account === exits.noUser ? 'posthorn maildrop: no such user' : 'posthorn maildrop: only root may deliver for others');
      return account;
    }
    const { maildrop } = await context.rooms.maildrop(context.folder);
    const end = await maildrop.run(jobFor(options, account, context), new AbortController().signal);
    // What a recipe printed is out before we are gone.
    await new Promise<void>(done => context.stdout.write('', () => done()));
    return end.code;
  },
};

async function accountFor(options: Options, context: Context): Promise<SystemAccount | number> {
  const ids = options.value('D');
  if (ids !== undefined) {
    const [, uid, gid] = /^(\d+)\/(\d+)$/.exec(ids) ?? [];
    if (uid === undefined) throw new Usage('-D UID/GID');
    const account = { login: context.environment['LOGNAME'] ?? '', uid: Number(uid), gid: Number(gid), home: context.environment['HOME'] ?? '/', shell: context.environment['SHELL'] ?? '/bin/sh' };
    return become({ ...account, login: '' }) ? account : exits.noPermission;
  }
  const name = options.value('d');
  const account = await findSystemAccount(name ?? process.getuid?.() ?? 0);
  if (account === null) return exits.noUser;
  return become(account) ? account : exits.noPermission;
}

function jobFor(options: Options, account: SystemAccount, context: Context): MaildropJob {
  const recipe = recipeFor(options);
  const delivery = recipe.kind === 'delivery';
  const manual = recipe.kind === 'file' && !recipe.embedded;
  const { environment } = context;
  const from = options.value('f');
  const level = Number(options.value('V') ?? 0);
  if (!(level >= 0)) throw new Usage('-V LEVEL: a number');
  return {
    recipe, home: account.home, login: account.login, uid: account.uid, environment,
    // DEFAULT itself is the extension part of an address (courier-core 8.3).
    defaultMailbox: environment['MAILDROPDEFAULT'] ?? (options.has('D') ? environment['DEFAULT'] : undefined) ?? './Maildir/',
    variables: { SHELL: account.shell, ...(environment['MAILDIRQUOTA'] === undefined ? {} : { MAILDIRQUOTA: environment['MAILDIRQUOTA'] }) },
    ...(manual || (recipe.kind === 'file' && recipe.embedded) ? { folder: process.cwd(), importAll: manual } : {}),
    parameters: recipe.kind === 'file' ? options.rest.slice(1) : options.rest,
    fields: options.values('A').map(field => Buffer.from(field).toString('latin1')),
    ...(from === undefined ? {} : { reversePath: from }),
    content: () => context.stdin as AsyncIterable<Uint8Array>,
    ...quotaWarning(options, context),
    verbose: delivery ? 0 : level,
    output: octets => void context.stdout.write(octets),
    complain: text => void context.stderr.write(`${text}\n`),
  };
}

function recipeFor(options: Options): MaildropRecipe {
  const name = options.value('M');
  if (name !== undefined) return { kind: 'named', name };
  const [file] = options.rest;
  if (options.has('m') && file === undefined) throw new Usage('-m needs the FILE of a recipe');
  if (file === undefined || (options.has('d') && !options.has('m'))) return { kind: 'delivery' };
  return { kind: 'file', path: file, embedded: options.has('m') };
}

function quotaWarning(options: Options, context: Context): Pick<MaildropJob, 'quotaWarning'> {
  const written = options.value('w');
  if (written === undefined) return {};
  const percent = Number(written);
  if (!(percent > 0 && percent <= 100)) throw new Usage('-w N: a percentage, 1 to 100');
  return { quotaWarning: { percent, template: options.value('W') ?? resolve(context.folder, 'quotawarnmsg') } };
}
