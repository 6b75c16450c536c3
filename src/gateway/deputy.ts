/**
 * The one program that runs as root: delivers to users of the system, each with that user's rights and no others.
 * The gateway tells it a login and a message. Who that is, where the home is and what holds without a .courier it
 * finds out for itself, from the system and from a configuration that root owns; so a gateway that a stranger took
 * over can bring users mail, and nothing else. Root never gets any.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Configuration } from '../configuration.ts';
import type { Log } from '../core/log.ts';
import type { LocalSettings } from '../flow/transport/local/index.ts';
import { formatDeliveryDone, LONGEST_LINE, parseDeliveryRequest, type DeliveryRequest } from '../grammar/local/delivery-wire.ts';
import { parsePasswdLine, type SystemUser } from '../grammar/local/passwd.ts';
import type { Ran } from '../kit/run-program.ts';
import { askGetent } from '../service/auth/index.ts';

export interface DeputyOptions {
  readonly configuration: Configuration;
  readonly log: Log;
  /** What stands for getent(1) in a test. */
  ask?(login: string): Promise<Ran>;
}

export interface Deputy {
  readonly path: string;
  close(): Promise<void>;
}

/** Each is a process of its own; the gateway's own limit of deliveries is lower. */
const AT_ONCE = 32;
const HEADER_MS = 10_000;
const GRACE_MS = 60_000;

export interface HandsOrder {
  readonly user: SystemUser;
  readonly request: DeliveryRequest;
  readonly settings: LocalSettings;
  readonly host: string;
  /** Of the configuration: the system's recipe lies there. */
  readonly folder: string;
}

export async function openDeputy({ configuration, log, ask = askGetent }: DeputyOptions): Promise<Deputy> {
  const path = configuration.local.deputy;
  if (path === undefined) throw new Error('the configuration has no systemusers: there is nothing to do');
  demandRootsOwn(configuration.folder);
  const children = new Set<ChildProcess>();
  const server = createServer({ allowHalfOpen: true }, socket => {
    socket.on('error', () => undefined);
    serve(socket).catch((cause: unknown) => {
      log.error('deputy', { cause });
      socket.destroy();
    });
  });
  server.maxConnections = AT_ONCE;
  await listen(server, path, statSync(configuration.stateFolder).uid);

  async function serve(socket: Socket): Promise<void> {
    const { line, rest } = await readHeader(socket);
    const request = parseDeliveryRequest(line);
    const user = request === null ? 'this is no request' : await findUser(request.login, ask);
    if (request === null || typeof user === 'string') {
      log.warn('deputy', { login: request?.login, why: user });
      return void socket.end(formatDeliveryDone({ outcome: { kind: 'deferred', status: '4.3.5', blame: 'recipient', said: { type: 'x-unix', text: 'No mail is delivered for this user' } }, forwards: [] }));
    }
    const { local, names } = configuration;
    const settings: LocalSettings = {
      dotExtension: local.dotExtension, delivery: local.delivery, dynamic: local.dynamic, limitMs: local.limitMs, path: local.path, shell: local.shell,
      ...(local.maildrop === undefined ? {} : { maildrop: local.maildrop }),
    };
    giveTo(socket, rest, { user, request, settings, host: names.me, folder: configuration.folder });
  }

  /** Root's only act for the user: to start a process that becomes the user before it looks at anything. */
  function giveTo(socket: Socket, rest: Buffer, order: HandsOrder): void {
    const child = spawn(process.execPath, [HANDS], { cwd: '/', env: { PATH: '/usr/bin:/bin' }, stdio: ['pipe', 'pipe', 'inherit'], detached: true });
    children.add(child);
    const stop = () => {
      // Its group: what the user's .courier started ends with it.
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGKILL');
    };
    const watchdog = setTimeout(stop, order.settings.limitMs + GRACE_MS);
    child.once('error', cause => {
      log.error('deputy', { login: order.user.login, cause });
      socket.destroy();
    });
    child.once('close', (code, signal) => {
      clearTimeout(watchdog);
      children.delete(child);
      if (code !== 0) log.warn('deputy', { login: order.user.login, code, signal });
      socket.destroySoon();
    });
    // The gateway is gone, so nobody would hear how it ended: its next attempt starts anew.
    socket.once('close', stop);
    child.stdin.on('error', () => undefined);
    child.stdin.write(`${JSON.stringify(order)}\n`);
    child.stdin.write(rest);
    socket.pipe(child.stdin);
    child.stdout.pipe(socket);
  }

  return {
    path,
    close: () => new Promise(resolve => {
      server.close(() => resolve());
      for (const child of children) if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
    }),
  };
}

const HANDS = fileURLToPath(new URL(`./deputy-hands${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url));

/** Whoever writes these files chooses what runs in everybody's name. */
function demandRootsOwn(folder: string): void {
  for (const name of ['.', 'systemusers', 'courierd', 'maildrop', 'maildroprc', 'maildroprcs', 'dotextension', 'localtimeout', 'me', 'statedir']) {
    const path = join(folder, name);
    const found = statSync(path, { throwIfNoEntry: false });
    if (found !== undefined && (found.uid !== process.getuid?.() || (found.mode & 0o022) !== 0)) throw new Error(`${path}: others than root may write to it`);
  }
}

async function findUser(login: string, ask: (login: string) => Promise<Ran>): Promise<SystemUser | string> {
  const ran = await ask(login);
  if (ran.kind !== 'exited' || ran.code !== 0) return 'no such user, or nobody can say';
  const user = parsePasswdLine(ran.stdout.split('\n')[0] ?? '');
  return user?.login === login ? user : 'not a user who gets mail';
}

/** Only the gateway may speak to it, and nobody in the moment before that is so. */
async function listen(server: Server, path: string, gateway: number): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const fresh = `${path}.${process.pid}`;
  rmSync(fresh, { force: true });
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(fresh, resolve);
    });
  } finally {
    process.umask(before);
  }
  chmodSync(fresh, 0o600);
  if (gateway !== process.getuid?.()) chownSync(fresh, gateway, -1);
  if (existsSync(path) && !statSync(path).isSocket()) throw new Error(`${path} is there, and is no socket`);
  renameSync(fresh, path);
}

function readHeader(socket: Socket): Promise<{ readonly line: string; readonly rest: Buffer }> {
  return new Promise((resolve, reject) => {
    let held = Buffer.alloc(0);
    const timer = setTimeout(() => over(new Error('the request does not come')), HEADER_MS);
    const take = (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      const end = held.indexOf(0x0a);
      if (end >= 0) over(null, end);
      else if (held.length > LONGEST_LINE) over(new Error('the request is too long'));
    };
    const gone = () => over(new Error('the gateway hung up'));
    const over = (error: Error | null, end = 0) => {
      clearTimeout(timer);
      socket.off('data', take);
      socket.off('close', gone);
      socket.pause();
      if (error === null) resolve({ line: held.toString('utf8', 0, end), rest: held.subarray(end + 1) });
      else reject(error);
    };
    socket.on('data', take);
    socket.once('close', gone);
  });
}
