#!/usr/bin/env node
/** Arguments in, exit code out. */
import { letHeapGrow } from './kit/small-heap.ts';
import { readFileSync } from 'node:fs';
import type { Configuration } from './configuration.ts';
import { silent } from './core/log.ts';
import { findRunning } from './front/control/index.ts';
import { runCommandLine } from './front/cli/index.ts';
import { ClosedToUs, whyNotAsRoot } from './kit/file/owner.ts';
import type { Gateway } from './gateway.ts';
import type { Logbook } from './front/log/index.ts';

const EXIT_UNAVAILABLE = 69;
const EXIT_SOFTWARE = 70;
/** For the last line of a gateway that broke: it is written off this thread. */
const LAST_LINE_MS = 100;
const EXIT_NO_PERMISSION = 77;
const EXIT_CONFIGURATION = 78;

const version = readVersion();
process.exitCode = await runCommandLine(process.argv.slice(2), {
  stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, environment: process.env, version,
  rooms: {
    start,
    running: configuration => findRunning(configuration.stateFolder),
    offline: async configuration => (await import('./gateway/offline.ts')).openOffline(configuration, silent),
    addresses: async configuration => (await import('./gateway/address-lookup.ts')).createAddressLookup(configuration),
    deputy: runDeputy,
    uucp: async configuration => (await import('./gateway/ways-out/uucp.ts')).openUucpDesk(configuration),
    attempts: async configuration => (await import('./gateway/timetable.ts')).attemptsBy(configuration),
    faxProof: async (configuration, file, request) => (await import('./gateway/ways-out/fax.ts')).proofOf(configuration, file, request, new AbortController().signal),
    faxDesk: async configuration => (await import('./gateway/ways-out/fax-modems.ts')).openFaxDesk(configuration),
      oauth: async configuration => (await import('./gateway/ways-out/oauth.ts')).openOauthDesk(configuration),
    lookUpTxt: async (configuration, name) => (await import('./gateway/ways-out/mx-lookup.ts')).lookUpTxt(configuration, name),
      lookUpMx: async (configuration, domain, tls) => (await import('./gateway/ways-out/mx-lookup.ts')).lookUpMx(configuration, domain, tls),
    maildrop: async folder => (await import('./gateway/ways-out/maildrop.ts')).createLocalMaildrop(folder),
  },
});

/** Runs until somebody stops it. The gateway is loaded here, so that `mailq` and its like start without it. */
async function start(configuration: Configuration): Promise<number> {
  const [{ openGateway }, { openLogbook }, { createLogMemory }, { ListenError }] = await Promise.all([import('./gateway.ts'), import('./front/log/index.ts'), import('./kit/log/log-memory.ts'), import('./gateway/ways-in/listeners.ts')]);
  const memory = createLogMemory();
  const log = openLogbook({ host: configuration.names.me, pid: process.pid }, configuration.log, memory);
  if ((await findRunning(configuration.stateFolder)) !== null) {
    refuse({ why: `a gateway already runs on ${configuration.stateFolder}` });
    return EXIT_UNAVAILABLE;
  }
  /** Whoever started it by hand hears of it too, wherever the log goes. */
  function refuse(fields: { readonly why: string } | { readonly cause: unknown }): void {
    log.error('start refused', fields);
    log.flush();
    if (!configuration.log.some(({ kind }) => kind === 'stdout')) process.stderr.write(`posthorn start: ${'why' in fields ? fields.why : String(fields.cause)}\n`);
  }
  let gateway: Gateway;
  try {
    gateway = await openGateway(configuration, { log, logbook: log, memory, version });
  } catch (cause) {
    refuse(cause instanceof ListenError || cause instanceof ClosedToUs ? { why: cause.message } : { cause });
    return cause instanceof ClosedToUs ? EXIT_NO_PERMISSION : cause instanceof ListenError ? EXIT_UNAVAILABLE : EXIT_SOFTWARE;
  }
  letHeapGrow();
  // Before anybody hears that it is ready: whoever starts it may stop it at once.
  obeySignals(gateway, log);
  for (const notice of configuration.notices) log.info('notice', { ...notice });
  const asRoot = whyNotAsRoot(configuration.stateFolder);
  if (asRoot !== null) log.warn('notice', { file: configuration.stateFolder, what: asRoot });
  log.info('ready', { listeners: gateway.listeners, http: gateway.http, version, pid: process.pid, config: configuration.folder, state: configuration.stateFolder });
  log.flush();
  await gateway.closed;
  log.flush();
  return 0;
}

/** Root's part: deliveries to users of the system. */
async function runDeputy(configuration: Configuration): Promise<number> {
  const [{ openDeputy }, { openLogLines }] = await Promise.all([import('./gateway/deputy.ts'), import('./kit/log/log-lines.ts')]);
  const log = openLogLines({ to: 1 });
  try {
    if (process.getuid?.() !== 0) {
      log.error('start refused', { why: 'the deputy must be root to become others' });
      return EXIT_NO_PERMISSION;
    }
    if (configuration.local.deputy === undefined) {
      log.error('start refused', { why: `${configuration.folder}/systemusers: it is not there; it would hold the path of a socket` });
      return EXIT_CONFIGURATION;
    }
    const deputy = await openDeputy({ configuration, log }).catch((cause: unknown) => {
      log.error('start refused', { why: cause instanceof Error ? cause.message : String(cause) });
      return null;
    });
    if (deputy === null) return EXIT_UNAVAILABLE;
    log.info('ready', { socket: deputy.path, pid: process.pid, version });
    log.flush();
    await new Promise<void>(resolve => {
      for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => resolve());
    });
    await deputy.close();
    return 0;
  } finally {
    log.flush();
  }
}

function obeySignals(gateway: Gateway, log: Logbook): void {
  const stop = () => void gateway.close();
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', () => void gateway.reload());
  // A bug of ours that nobody caught: what it broke cannot be known, so it ends here; the queue has everything.
  process.on('uncaughtException', cause => {
    log.error('bug', { cause });
    log.flush();
    // The line may be on its way already, and the way out would overtake it.
    setTimeout(() => process.exit(EXIT_SOFTWARE), LAST_LINE_MS);
  });
}

function readVersion(): string {
  // From src in development, from build/src when built.
  for (const up of ['..', '../..']) {
    try {
      const parsed = JSON.parse(readFileSync(new URL(`${up}/package.json`, import.meta.url), 'utf8')) as { name?: string; version?: string };
      if (parsed.name === 'posthorn') return parsed.version ?? 'unknown';
    } catch {
      // The other place has it.
    }
  }
  return 'unknown';
}
