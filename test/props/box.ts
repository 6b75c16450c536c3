/**
 * A whole Posthorn, run as its users run it: a configuration folder of plain Courier files, the command line, signals,
 * and its log lines on standard output. Ports are found by binding them first, for files cannot say "any".
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { freePorts } from './ports.ts';
import { scratchFolder, scratchFor } from './scratch.ts';
import { createWatch, eventually, within } from './within.ts';

export type LogLine = Readonly<Record<string, unknown>> & { readonly event?: string };

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface BoxOptions {
  /** Where configuration and state go; made when absent. */
  readonly folder?: string;
  /** A next hop on this loopback port for every domain that no route of the test names. */
  readonly nextHop?: number;
  /** A submission listener as well, with AUTH and without TLS (loopback only). */
  readonly submission?: boolean;
  /** Control files laid over the usual ones; null leaves a usual one out. */
  readonly files?: Readonly<Record<string, string | null>>;
  /** The program; default: the sources, so that no test can meet a stale build. */
  readonly entry?: string;
  readonly nodeFlags?: readonly string[];
  /** Words before the gateway's own command: another program that becomes it. */
  readonly through?: readonly string[];
  /** Told of each log line as it comes. */
  readonly heard?: (line: LogLine) => void;
  /** Its standard output goes into this file and is not followed, so that who measures does not read ten thousand lines a
   * second beside what is measured. `log` stays empty. */
  readonly logFile?: string;
}

export interface Box {
  readonly folder: string;
  readonly config: string;
  /** ESMTP on 127.0.0.1. */
  readonly port: number;
  readonly submissionPort: number;
  readonly httpPort: number;
  /** Of the running gateway. */
  readonly pid: number;
  /** All lines of all runs; the unreadable ones as `{ event: 'not-json', line }`. */
  readonly log: readonly LogLine[];
  readonly running: boolean;
  /** Resolves at the `ready` line. */
  start(): Promise<void>;
  /** SIGTERM; gives the exit code. */
  stop(ms?: number): Promise<number | null>;
  /** SIGKILL. */
  kill(): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** Resolves when it ended of its own will. */
  ended(ms?: number): Promise<number | null>;
  /** Waits for a log line, past ones included unless `from` (an index into `log`) says otherwise. */
  logged(what: string, seen: (line: LogLine) => boolean, more?: { readonly ms?: number; readonly from?: number }): Promise<LogLine>;
  /** Writes control files; a reload is the caller's. */
  configure(files: Readonly<Record<string, string | null>>): void;
  /** `posthorn ARGS --config …`, run to its end. */
  run(args: readonly string[], input?: string): Promise<Finished>;
  /** Ends whatever runs. */
  close(): Promise<void>;
}

const repository = join(import.meta.dirname, '..', '..');
/** Files that others may not read. */
const secret = /^(?:userdb|esmtpauthclient|oauth|socksproxy|webtoken|webhooks|authtokens)$|\.pem$/;
const sources = join(repository, 'src', 'main.ts');

/** A box that a test owns: closed with it, its folder kept when it failed. */
export async function boxFor(t: TestContext, options: BoxOptions = {}): Promise<Box> {
  const folder = options.folder ?? scratchFor(t, t.name.replace(/[^a-z0-9]+/gi, '-').slice(0, 40).toLowerCase());
  const box = await createBox({ ...options, folder });
  t.after(async () => {
    writeFileSync(join(folder, 'log.jsonl'), box.log.map((line) => JSON.stringify(line)).join('\n'));
    await box.close();
  });
  return box;
}

/** Writes the folder; nothing runs yet. */
export async function createBox(options: BoxOptions = {}): Promise<Box> {
  const folder = options.folder ?? scratchFolder('box');
  const config = join(folder, 'config');
  const [port = 0, submissionPort = 0, httpPort = 0] = await freePorts(3);
  const entry = options.entry ?? process.env['POSTHORN_ENTRY'] ?? sources;
  const log: LogLine[] = [];
  const watch = createWatch();
  let child: ChildProcess | undefined;
  let exit: Promise<number | null> = Promise.resolve(null);
  let complaint = '';

  function configure(files: Readonly<Record<string, string | null>>): void {
    for (const [name, text] of Object.entries(files)) {
      const path = join(config, name);
      mkdirSync(dirname(path), { recursive: true });
      if (text === null) rmSync(path, { force: true });
      else writeFileSync(path, text, secret.test(name) ? { mode: 0o600 } : {});
    }
  }
  configure({ ...usualFiles({ folder, port, submissionPort, httpPort, options }), ...options.files });

  function heard(text: string): void {
    const line = parseLine(text);
    log.push(line);
    options.heard?.(line);
    watch.happened();
  }
  async function start(): Promise<void> {
    if (child !== undefined) throw new Error('this box already runs');
    const from = log.length;
    complaint = '';
    const [program, ...words] = [...(options.through ?? []), process.execPath, ...(options.nodeFlags ?? []), entry, 'start', '--config', config];
    const { logFile } = options;
    const out = logFile === undefined ? 'pipe' : openSync(logFile, 'w');
    const started = spawn(program, words, { stdio: ['ignore', out, 'pipe'] });
    if (out !== 'pipe') closeSync(out);
    child = started;
    const lastResort = (): void => void started.kill('SIGKILL');
    process.once('exit', lastResort);
    if (started.stdout !== null) createInterface({ input: started.stdout }).on('line', heard);
    started.stderr?.on('data', (chunk: Buffer) => {
      complaint = (complaint + chunk.toString()).slice(-4000);
    });
    exit = new Promise((gone) => {
      started.once('close', (code) => {
        process.off('exit', lastResort);
        if (child === started) child = undefined;
        watch.happened();
        gone(code);
      });
    });
    const said = (): readonly LogLine[] => (logFile === undefined ? log.slice(from) : readFileSync(logFile, 'utf8').split('\n').filter(Boolean).map(parseLine));
    const until = logFile === undefined ? watch.until : eventually;
    await until(30_000, 'the ready line', () => child !== started || said().some(isReady));
    if (child !== started) throw new Error(`posthorn start ended with ${await exit}\n${complaint}${said().map((line) => JSON.stringify(line)).join('\n')}`);
  }

  return {
    folder,
    config,
    port,
    submissionPort,
    httpPort,
    log,
    start,
    configure,
    get pid() {
      return child?.pid ?? 0;
    },
    get running() {
      return child !== undefined;
    },
    async stop(ms = 20_000) {
      child?.kill('SIGTERM');
      return within(ms, 'the gateway to stop after SIGTERM', exit);
    },
    async kill() {
      child?.kill('SIGKILL');
      await exit;
    },
    signal(name) {
      child?.kill(name);
    },
    ended: (ms = 20_000) => within(ms, 'the gateway to end', exit),
    async logged(what, seen, more = {}) {
      const found = (): LogLine | undefined => log.slice(more.from ?? 0).find(seen);
      await watch.until(more.ms ?? 20_000, `a log line: ${what}`, () => found() !== undefined);
      return found()!;
    },
    run: (args, input) => runToEnd([entry, '--config', config, ...args], input),
    async close() {
      child?.kill('SIGKILL');
      await exit;
    },
  };
}

function parseLine(line: string): LogLine {
  try {
    const read: unknown = JSON.parse(line);
    if (isLogLine(read)) return read;
  } catch {
    // Said below.
  }
  return { event: 'not-json', line };
}

function isLogLine(read: unknown): read is LogLine {
  return typeof read === 'object' && read !== null;
}

function isReady(line: LogLine): boolean {
  return line.event === 'ready' || line['msg'] === 'ready';
}

interface Place {
  readonly folder: string;
  readonly port: number;
  readonly submissionPort: number;
  readonly httpPort: number;
  readonly options: BoxOptions;
}

/** A small office's gateway: one domain of its own, relaying for its own machine, the rest by one next hop. */
function usualFiles(place: Place): Readonly<Record<string, string | null>> {
  // Tests come from one address and make many mistakes on purpose: no tarpit, and room for their connections.
  const listener = (port: number): string => `ADDRESS=127.0.0.1\nPORT=${port}\nMAXDAEMONS=500\nMAXPERIP=500\nMAXPERC=500\nTARPIT=0\nBOFHCHECKDNS=0\n`;
  return {
    me: 'posthorn.example\n',
    defaultdomain: 'posthorn.example\n',
    locals: 'posthorn.example\n',
    esmtpacceptmailfor: 'posthorn.example\nhere.example\n',
    'smtpaccess/default': '127.0.0.1\tallow,RELAYCLIENT\n127.0.0\tallow\n',
    esmtpd: listener(place.port),
    'esmtpd-msa': place.options.submission === true ? `${listener(place.submissionPort)}ESMTPAUTH="PLAIN LOGIN CRAM-MD5"\nAUTH_REQUIRED=1\n` : null,
    esmtproutes: place.options.nextHop === undefined ? null : `:[127.0.0.1],${place.options.nextHop}\n`,
    statedir: `${join(place.folder, 'state')}\n`,
    httpaddress: `127.0.0.1:${place.httpPort}\n`,
    // Nobody answers there: a test that asks DNS by mistake is deferred, not helped by the machine's resolver.
    dnsservers: '127.0.0.1:1\n',
  };
}

export async function runToEnd(args: readonly string[], input = ''): Promise<Finished> {
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => void (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => void (stderr += chunk.toString()));
  child.stdin.on('error', () => undefined).end(input);
  const gone = new Promise<number | null>((done) => child.once('close', done));
  try {
    return { code: await within(30_000, args.join(' '), gone), stdout, stderr };
  } finally {
    child.kill('SIGKILL');
  }
}
