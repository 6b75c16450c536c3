/** posthorn uucp: setting neighbours up, calling them, and seeing what is on its way. */
import { randomBytes } from 'node:crypto';
import { appendFile, chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Configuration } from '../../../configuration.ts';
import { isNode } from '../../../grammar/uucp/neighbors.ts';
import { parseDuration } from '../../../grammar/config/duration.ts';
import { configurationOf } from '../configuration-of.ts';
import { exits, print, readArguments, Usage, type Command, type Context, type UucpDesk } from '../command.ts';
import { connect } from './connect.ts';
import { formatNeighbor } from './listing.ts';
import { setupFiles, type SetupFile, type Via } from './setup.ts';

export const uucp: Command = {
  name: 'uucp',
  summary: 'UUCP neighbours: set up, poll, status, recall',
  help: `uucp status
       posthorn uucp poll NEIGHBOUR [--timeout 30m]
       posthorn uucp recall JOB
       posthorn uucp setup NEIGHBOUR --via tcp|tls|socks|ssh|serial|pipe [--address HOST[:PORT]] [...]
       posthorn uucp connect [--tls] [--ca FILE] [--proxy NAME] HOST PORT

status   For each neighbour: what waits for a batch, which jobs uux has, and the last call.
poll     Sends what waits for a batch, calls, runs what came, and says what moved.
recall   Takes a job (or a message that waits for a batch) back and writes its octets to standard output: they can be
         given to posthorn rsmtp or rmail again, or thrown away.
setup    Prints Taylor UUCP's files for a neighbour; --write FOLDER writes them, and adds to those that are there.
         --address HOST[:PORT]  whom we call (port 540; 5540 with TLS); the device with --via serial
         --answer               it calls us: its login and password go into passwd
         --login, --password    default: our node's name, and a random password
         --command "..."        what is run, with --via pipe
         --ca FILE              the authority of the other side's certificate, with --via tls
         --run-as USER          uuxqt's rmail runs as USER, by sudo: where the gateway is not uucp's
         --ssh PROGRAM          with --via ssh (default: /usr/bin/ssh)
         --proxy NAME           of socksproxy, with --via socks (default: default)
connect  Standard input and output to a host, through TLS or a SOCKS proxy: for ports of type pipe.

Exit status: 0; 1 no such job; 64 wrong call; 69 no connection; 75 the call failed, what waited still waits.`,
  async run(args, context) {
    const [word, ...rest] = args;
    const configuration = await configurationOf(context);
    if (configuration === null) return exits.configuration;
    switch (word) {
      case 'status':
        return withDesk(context, configuration, desk => status(desk, context));
      case 'poll':
        return withDesk(context, configuration, desk => poll(desk, rest, configuration, context));
      case 'recall':
        return withDesk(context, configuration, desk => recall(desk, rest, context));
      case 'setup':
        return setup(rest, configuration, context);
      case 'connect': {
        const { values, positionals } = readArguments({ args: rest, allowPositionals: true, options: { tls: { type: 'boolean' }, ca: { type: 'string' }, proxy: { type: 'string' } } });
        const [host, port, more] = positionals;
        if (host === undefined || port === undefined || more !== undefined || !/^\d{1,5}$/.test(port)) throw new Usage('connect needs a host and a port');
        return connect({ host, port: Number(port), tls: values.tls === true, ...(values.ca === undefined ? {} : { ca: values.ca }), ...(values.proxy === undefined ? {} : { proxy: values.proxy }) }, configuration, context);
      }
      case undefined:
      default:
        throw new Usage('say status, poll, recall, setup or connect');
    }
  },
};

async function withDesk(context: Context, configuration: Configuration, work: (desk: UucpDesk) => Promise<number>): Promise<number> {
  const desk = await context.rooms.uucp(configuration);
  try {
    return await work(desk);
  } finally {
    await desk.close();
  }
}

async function status(desk: UucpDesk, context: Context): Promise<number> {
  const neighbors = await desk.neighbors();
  if (neighbors.length === 0) await print(context.stdout, 'No neighbours: uucpneighbors names none.');
  for (const one of neighbors) await print(context.stdout, formatNeighbor(one));
  return exits.ok;
}

async function poll(desk: UucpDesk, args: readonly string[], configuration: Configuration, context: Context): Promise<number> {
  const { values, positionals } = readArguments({ args: [...args], allowPositionals: true, options: { timeout: { type: 'string', default: '30m' } } });
  const [node, more] = positionals;
  const timeout = parseDuration(values.timeout, '30m');
  if (node === undefined || more !== undefined || timeout.kind === 'wrong') throw new Usage('poll needs one neighbour');
  if (!configuration.uucp.site.neighbors.knows(node)) throw new Usage(`${node} is not in uucpneighbors`);
  const { kind, before, after, sent, received, said } = await desk.poll(node, timeout.value);
  await print(kind === 'called' ? context.stdout : context.stderr, [
    `${node}: ${kind === 'called' ? 'called' : 'the call failed'}${said === '' ? '' : ` (${said})`}`,
    `  sent ${sent.files} files, ${sent.octets} octets; received ${received.files} files, ${received.octets} octets`,
    `  ${before} jobs before, ${after} ${after === 1 ? 'is' : 'are'} left`,
  ].join('\n'));
  return kind === 'called' ? exits.ok : kind === 'absent' ? exits.unavailable : exits.tryLater;
}

async function recall(desk: UucpDesk, args: readonly string[], context: Context): Promise<number> {
  const { positionals } = readArguments({ args: [...args], allowPositionals: true });
  const [job, more] = positionals;
  if (job === undefined || more !== undefined) throw new Usage('recall needs one job, as posthorn uucp status shows it');
  const found = await desk.recall(job);
  if (found === null) {
    await print(context.stderr, 'No such job, or its octets cannot be read by this account; it stays.');
    return exits.failed;
  }
  await print(context.stderr, `Recalled: ${found.what}`);
  await new Promise<void>((done, failed) => context.stdout.write(found.octets, error => (error ? failed(error) : done())));
  return exits.ok;
}

const VIAS: readonly Via[] = ['tcp', 'tls', 'socks', 'ssh', 'serial', 'pipe'];

async function setup(args: readonly string[], configuration: Configuration, context: Context): Promise<number> {
  const { values, positionals } = readArguments({
    args: [...args], allowPositionals: true,
    options: {
      via: { type: 'string', default: 'tcp' }, address: { type: 'string' }, login: { type: 'string' }, password: { type: 'string' }, command: { type: 'string' }, proxy: { type: 'string', default: 'default' }, ca: { type: 'string', default: '' }, ssh: { type: 'string', default: '/usr/bin/ssh' },
      answer: { type: 'boolean', default: false }, 'run-as': { type: 'string' }, write: { type: 'string' },
    },
  });
  const [neighbor, more] = positionals;
  const via = VIAS.find(one => one === values.via);
  if (neighbor === undefined || more !== undefined || !isNode(neighbor)) throw new Usage('setup needs one neighbour\'s node name');
  if (via === undefined) throw new Usage(`--via is one of ${VIAS.join(', ')}`);
  const [, host = values.address ?? '', port] = via === 'serial' ? [] : (/^(.*?)(?::(\d{1,5}))?$/.exec(values.address ?? '') ?? []);
  for (const [name, value] of Object.entries({ address: host, login: values.login, password: values.password, proxy: values.proxy })) {
    if (value !== undefined && /[\s"'#\\]/.test(value)) throw new Usage(`--${name} holds what Taylor UUCP would read as something else`);
  }
  if (!values.answer && via === 'pipe' && values.command === undefined) throw new Usage('--via pipe needs --command');
  if (!values.answer && via !== 'pipe' && host === '') throw new Usage(`--via ${via} needs --address`);
  const folder = resolve(values.write ?? '/etc/uucp');
  const { me } = configuration.uucp.site;
  const files = setupFiles({
    me, neighbor, via, folder, answer: values.answer, login: values.login ?? (values.answer ? neighbor : me), password: values.password ?? randomBytes(12).toString('base64url'),
    address: host, port: port === undefined ? (via === 'tls' ? 5540 : 540) : Number(port), command: values.command ?? '', proxy: values.proxy, ssh: values.ssh, ca: values.ca === '' ? '' : resolve(values.ca),
    posthorn: [...(values['run-as'] === undefined ? [] : asUser(values['run-as'])), process.execPath, process.argv[1] ?? 'posthorn', '--config', context.folder],
  });
  if (values.write === undefined) {
    for (const { path, text } of files) if (text !== '' && !path.endsWith('.keep')) await print(context.stdout, `### ${path}\n${text}`);
    return exits.ok;
  }
  for (const file of files) await print(context.stdout, `${await writeSetup(folder, file)} ${join(folder, file.path)}`);
  return exits.ok;
}

/** uuxqt says who called in two variables; sudo takes all others away. */
function asUser(user: string): readonly string[] {
  if (!/^[a-z_][a-z0-9_-]{0,31}$/.test(user)) throw new Usage('--run-as needs the name of a user');
  return ['/usr/bin/sudo', '-n', '-u', user, '--preserve-env=UU_MACHINE,UU_USER', '--'];
}

/** What an operator wrote is never changed; what is ours goes behind it once. */
async function writeSetup(folder: string, { path, text, secret, executable, mark }: SetupFile): Promise<'wrote' | 'added to' | 'kept'> {
  const target = join(folder, path);
  await mkdir(dirname(target), { recursive: true, mode: 0o755 });
  const before = await readFile(target, 'utf8').catch(() => null);
  if (before === null) {
    await writeFile(target, text, { mode: secret === true ? 0o600 : executable === true ? 0o755 : 0o644 });
    if (executable === true) await chmod(target, 0o755);
    return 'wrote';
  }
  if (mark === undefined || before.split('\n').some(line => `${line.trim()} `.startsWith(`${mark.trim()} `))) return 'kept';
  await appendFile(target, text);
  return 'added to';
}
