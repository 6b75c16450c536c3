/** Finds the command, its folder and its help. */
import { resolve } from 'node:path';
import type { Command, Context } from './command.ts';
import { Ended, exits, print, Usage } from './command.ts';
import { ClosedToUs } from '../../kit/file/owner.ts';
import { nearestWord } from './nearest-word.ts';

const version: Command = {
  name: 'version',
  summary: 'print the version',
  help: 'version\n\nPrints the version of Posthorn and of the Node that runs it.',
  async run(_args, context) {
    await print(context.stdout, `posthorn ${context.version} (node ${process.versions.node})`);
    return exits.ok;
  },
};

/** Loaded when named: a gateway that runs for a year does not carry the other commands with it. In the order of the list. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import('./setup/init.ts')).init,
  check: async () => (await import('./gateway/lifecycle.ts')).check,
  start: async () => (await import('./gateway/lifecycle.ts')).start,
  stop: async () => (await import('./gateway/lifecycle.ts')).stop,
  restart: async () => (await import('./gateway/lifecycle.ts')).restart,
  flush: async () => (await import('./queue/orders.ts')).flush,
  hold: async () => (await import('./queue/orders.ts')).hold,
  release: async () => (await import('./queue/orders.ts')).release,
  show: async () => (await import('./queue/tracked.ts')).show,
  bans: async () => (await import('./gateway/bans.ts')).bans,
  clear: async () => (await import('./queue/tracked.ts')).clear,
  queue: async () => (await import('./queue/queue.ts')).queue,
  mailq: async () => (await import('./queue/mailq.ts')).mailq,
  cancelmsg: async () => (await import('./queue/orders.ts')).cancelmsg,
  sendmail: async () => (await import('./submission/sendmail.ts')).sendmail,
  rmail: async () => (await import('./uucp/rmail.ts')).rmail,
  rsmtp: async () => (await import('./uucp/rsmtp.ts')).rsmtp,
  uucp: async () => (await import('./uucp/uucp.ts')).uucp,
  fax: async () => (await import('./fax/fax.ts')).fax,
  trace: async () => (await import('./queue/trace.ts')).trace,
  inbox: async () => (await import('./mailbox/inbox.ts')).inbox,
  devices: async () => (await import('./gateway/devices.ts')).devices,
  link: async () => (await import('./gateway/link.ts')).link,
  webhooks: async () => (await import('./gateway/webhooks.ts')).webhooks,
  oauth: async () => (await import('./setup/oauth.ts')).oauth,
  dkim: async () => (await import('./setup/dkim.ts')).dkim,
  status: async () => (await import('./gateway/status.ts')).status,
  tlsrpt: async () => (await import('./gateway/tlsrpt.ts')).tlsrpt,
  filterctl: async () => (await import('./setup/filterctl.ts')).filterctl,
  maildrop: async () => (await import('./mailbox/maildrop.ts')).maildrop,
  reformail: async () => (await import('./message/reformail.ts')).reformail,
  makemime: async () => (await import('./message/makemime.ts')).makemime,
  mailbot: async () => (await import('./message/mailbot.ts')).mailbot,
  deliverquota: async () => (await import('./mailbox/deliverquota.ts')).deliverquota,
  maildirmake: async () => (await import('./mailbox/maildirmake.ts')).maildirmake,
  dotlock: async () => (await import('./mailbox/dotlock.ts')).dotlock,
  convert: async () => (await import('./message/convert.ts')).convertCommand,
  testmxlookup: async () => (await import('./lookup/testmxlookup.ts')).testmxlookup,
  aliaslookup: async () => (await import('./lookup/aliaslookup.ts')).aliaslookup,
  makealiases: async () => (await import('./lookup/makealiases.ts')).makealiases,
  deputy: async () => (await import('./gateway/deputy.ts')).deputy,
  import: async () => (await import('./setup/import.ts')).importCommand,
  version: () => Promise.resolve(version),
};

/** Courier's names for what is one command here. */
const ALIASES: Readonly<Record<string, string>> = {
  lockmail: 'dotlock',
  bsmtp: 'rsmtp', rgsmtp: 'rsmtp', rzsmtp: 'rsmtp', rcsmtp: 'rsmtp', crsmtp: 'rsmtp', rbsmtp: 'rsmtp', rb2smtp: 'rsmtp',
  makesmtpaccess: 'restart', makeacceptmailfor: 'restart', makehosteddomains: 'restart', makepercentrelay: 'restart', reload: 'restart',
};

/** Strangers, or other programs' manuals, say what stands behind these: nothing there may be an option of ours. */
const FOR_STRANGERS: ReadonlySet<string> = new Set([
  'sendmail', 'rmail', 'rsmtp', 'maildrop', 'reformail', 'makemime', 'mailbot', 'deliverquota', 'maildirmake', 'dotlock', 'lockmail',
  ...Object.keys(ALIASES).filter(name => ALIASES[name] === 'rsmtp'),
]);

const SYSTEM_FOLDER = '/etc/posthorn';

export async function runCommandLine(args: readonly string[], given: Omit<Context, 'folder'>): Promise<number> {
  // What cannot be written is told to whoever writes; the event besides would end the process where it stands.
  for (const stream of [given.stdout, given.stderr]) stream.on('error', () => undefined);
  const { rest, folder, help } = takeGlobal(args, given.environment);
  const [name, ...own] = rest;
  const context: Context = { ...given, folder };
  if (name === undefined) {
    await print(help ? given.stdout : given.stderr, await overview());
    return help ? exits.ok : exits.usage;
  }
  const word = ALIASES[name] ?? name;
  const load = Object.hasOwn(commands, word) ? commands[word] : undefined;
  if (load === undefined) {
    const meant = nearestWord(name, [...Object.keys(commands), ...Object.keys(ALIASES)]);
    await print(given.stderr, `posthorn: there is no command "${name}".${meant === null ? ` The commands:\n\n${await overview()}` : ` Was ${meant} meant? posthorn --help lists all.`}`);
    return exits.usage;
  }
  const command = await load();
  if (help) {
    await print(given.stdout, `Usage: posthorn ${command.help}\n\nEvery command takes --config DIR (or POSTHORN_CONFIG; else ${SYSTEM_FOLDER}).`);
    return exits.ok;
  }
  try {
    return await command.run(own, context);
  } catch (error) {
    if (error instanceof Usage) {
      await print(given.stderr, `posthorn ${name}: ${error.message}\nUsage: posthorn ${error.usage ?? command.help.split('\n\n')[0]}\nposthorn --help ${name} tells more.`);
      return exits.usage;
    }
    await print(given.stderr, `posthorn ${name}: ${error instanceof Error ? error.message : String(error)}`);
    return codeOf(error);
  }
}

/** --config and --help may stand before or behind the command; behind `--` they are the command's own. */
function takeGlobal(args: readonly string[], environment: Context['environment']): { rest: string[]; folder: string; help: boolean } {
  const rest: string[] = [];
  let folder = environment['POSTHORN_CONFIG'] ?? SYSTEM_FOLDER;
  let help = false;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    // Right behind sendmail it is a person's: no program puts an address there that nobody sent. uuxqt's jobs come from
    // a neighbour: help would be 0 to it, and 0 is a message delivered.
    if (arg === '--help' && rest.length === 1 && rest[0] === 'sendmail') help = true;
    else if (arg === '--' || FOR_STRANGERS.has(rest[0] ?? '')) {
      rest.push(...args.slice(at));
      break;
    } else if (arg === '--config') folder = args[++at] ?? '';
    else if (arg.startsWith('--config=')) folder = arg.slice('--config='.length);
    else if (arg === '--help' || arg === '-h') help = true;
    else rest.push(arg);
  }
  return { rest, folder: resolve(folder), help };
}

async function overview(): Promise<string> {
  const all = await Promise.all(Object.values(commands).map(load => load()));
  const width = Math.max(...all.map(one => one.name.length)) + 2;
  return `Usage: posthorn COMMAND [--config DIR] ...\n\n${all.map(one => `  ${one.name.padEnd(width)}${one.summary}`).join('\n')}\n\nposthorn COMMAND --help tells more.`;
}

function codeOf(error: unknown): number {
  if (error instanceof Ended) return error.code;
  if (error instanceof ClosedToUs) return exits.noPermission;
  return error instanceof Error && 'code' in error && error.code === 'ETIMEDOUT' ? exits.tryLater : exits.software;
}
