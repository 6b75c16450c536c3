/**
 * Two real sites on this machine: Taylor UUCP in configuration folders of their own, each with a Posthorn, as
 * `posthorn uucp setup` sets them up. As root, Taylor's programs become the user uucp; then the folders are that user's.
 */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { createServer as createTlsServer, type SecureContext } from 'node:tls';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { boxFor, type Box } from './box.ts';
import { listen } from './ports.ts';
import { scratchFor } from './scratch.ts';
import { eventually } from './within.ts';

export interface UucpSite {
  readonly name: string;
  readonly box: Box;
  /** Taylor's. */
  readonly folder: string;
  readonly configFile: string;
  /** Makes what was written the uucp user's. */
  settle(): void;
  run(program: string, args: readonly string[]): { readonly code: number; readonly stdout: string; readonly stderr: string };
  log(): string;
}

export interface Sites {
  readonly a: UucpSite;
  readonly b: UucpSite;
}

export interface SitesOptions {
  /** How a reaches b, but for the names: arguments of `posthorn uucp setup`. */
  readonly via?: (b: { readonly configFile: string }) => Promise<readonly string[]> | readonly string[];
  readonly filesA?: Readonly<Record<string, string | null>>;
  readonly filesB?: Readonly<Record<string, string | null>>;
  readonly nextHop?: number;
  /** What b is told, when it is not what a says. */
  readonly passwordOfB?: string;
}

/** Why they cannot be; false when they can. */
export function uucpAbsent(): string | false {
  for (const path of ['/usr/bin/uux', '/usr/sbin/uucico', '/usr/sbin/uuxqt', '/usr/bin/uustat']) if (!existsSync(path)) return `Taylor UUCP is not here (${path})`;
  return process.getuid?.() === 0 && uucpUser() === null ? 'there is no user uucp' : false;
}

function uucpUser(): { readonly uid: number; readonly gid: number } | null {
  const [, , uid, gid] = readFileSync('/etc/passwd', 'utf8').split('\n').find(line => line.startsWith('uucp:'))?.split(':') ?? [];
  return uid === undefined || gid === undefined ? null : { uid: Number(uid), gid: Number(gid) };
}

/** Root's tests only: everything below is uucp's. */
function give(path: string): void {
  const user = process.getuid?.() === 0 ? uucpUser() : null;
  if (user === null) return;
  chownSync(path, user.uid, user.gid);
  if (lstatSync(path).isDirectory()) for (const name of readdirSync(path)) give(join(path, name));
}

export async function openSites(t: TestContext, options: SitesOptions = {}): Promise<Sites> {
  const folder = scratchFor(t, 'uucp');
  chmodSync(folder, 0o755);
  const site = async (name: string, other: string, files: Readonly<Record<string, string | null>>): Promise<UucpSite> => {
    const home = join(folder, name);
    const taylor = join(home, 'uucp');
    const state = join(home, 'state');
    mkdirSync(taylor, { recursive: true });
    // rmail runs as uucp, in our group: the folder lets the group in, and the control socket is then the group's too.
    mkdirSync(state);
    chmodSync(state, 0o770);
    const box = await boxFor(t, {
      folder: home, ...(options.nextHop === undefined ? {} : { nextHop: options.nextHop }),
      files: {
        me: `${name}.example\n`, defaultdomain: `${name}.example\n`, locals: `${name}.example\n`, esmtpacceptmailfor: `${name}.example\n`, uucpme: `${name}\n`, uucpneighbors: `${other}\n`, uucpdomains: `${other}.example ${other}\n`, uucpconfig: `${taylor}/config\n`,
        courierd: 'UUXFLAGS="-r -g C"\n', retryalpha: '1s\n', ...files,
      },
    });
    // What holds secrets is its owner's alone: uuxqt's rmail must be that.
    for (const secret of ['userdb', 'socksproxy']) if (existsSync(join(box.config, secret))) give(join(box.config, secret));
    const configFile = join(taylor, 'config');
    return {
      name, box, folder: taylor, configFile,
      settle: () => give(taylor),
      run(program, args) {
        try {
          return { code: 0, stdout: execFileSync(program, ['-I', configFile, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 }), stderr: '' };
        } catch (error) {
          const { status, stdout, stderr } = error as { status?: number | null; stdout?: string; stderr?: string };
          return { code: status ?? -1, stdout: stdout ?? '', stderr: stderr ?? '' };
        }
      },
      log: () => (existsSync(join(taylor, 'Log')) ? readFileSync(join(taylor, 'Log'), 'utf8') : ''),
    };
  };
  const a = await site('sitea', 'siteb', options.filesA ?? {});
  const b = await site('siteb', 'sitea', options.filesB ?? {});
  const via = (await options.via?.(b)) ?? ['--via', 'pipe', '--command', `/usr/sbin/uucico -l -I ${b.configFile}`];
  await setUp(b, ['sitea', '--answer', '--login', 'ua', '--password', options.passwordOfB ?? 'geheim']);
  await setUp(a, ['siteb', ...via, '--login', 'ua', '--password', 'geheim']);
  return { a, b };
}

async function setUp(site: UucpSite, args: readonly string[]): Promise<void> {
  const { code, stderr } = await site.box.run(['uucp', 'setup', ...args, '--write', site.folder]);
  if (code !== 0) throw new Error(`uucp setup ended with ${code}: ${stderr}`);
  site.settle();
}

/** uux's queue. */
export function jobsOf(site: UucpSite): string {
  return site.run('/usr/bin/uustat', ['-a']).stdout;
}

/** What inetd does: a connection is uucico's standard input. With a certificate, TLS ends here and uucico gets a pipe. */
export async function answerCalls(t: TestContext, configFile: string, tls?: SecureContext): Promise<number> {
  const children = new Set<ReturnType<typeof spawn>>();
  const started = (child: ReturnType<typeof spawn>): void => {
    children.add(child);
    child.once('close', () => children.delete(child));
    child.on('error', () => undefined);
  };
  const args = ['-l', '-I', configFile];
  const server: Server = tls === undefined
    ? createServer({ pauseOnConnect: true }, socket => {
      const child = spawn('/usr/sbin/uucico', args, { stdio: [socket, socket, 'ignore'] });
      started(child);
      child.once('close', () => socket.destroy());
    })
    : createTlsServer({ SNICallback: (_name, answer) => answer(null, tls) }, socket => {
      const child = spawn('/usr/sbin/uucico', args, { stdio: ['pipe', 'pipe', 'ignore'] });
      started(child);
      child.stdin.on('error', () => undefined);
      socket.on('error', () => child.stdin.destroy());
      socket.pipe(child.stdin);
      child.stdout.pipe(socket);
    });
  const port = await listen(server);
  t.after(() => {
    for (const child of children) child.kill('SIGKILL');
    server.close();
  });
  return port;
}

/** A command of uuxqt's, replaced: how the other side fails is told. */
export function replaceCommand(site: UucpSite, name: string, script: string): void {
  writeFileSync(join(site.folder, 'bin', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  chmodSync(join(site.folder, 'bin', name), 0o755);
}

/** uuxqt until it has nothing to run; only one works at a time, and the answering uucico starts one of its own. */
export async function runQueued(site: UucpSite): Promise<void> {
  await eventually(30_000, 'uuxqt to be done', () => {
    site.run('/usr/sbin/uuxqt', []);
    return !readdirSync(join(site.folder, 'lock')).some(name => name.startsWith('LCK'));
  });
}
