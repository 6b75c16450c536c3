/**
 * A filter that is an ES module of the operator's, in a worker: its own memory with a limit, and an end when it does not
 * answer. It is started again when it has ended, each time after a longer wait.
 */
import { statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import { after, type Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Filter, FilterAnswer, Inspected } from '../../core/policy.ts';
import { parseFields } from '../../grammar/mime/field.ts';
import { answerOf } from './module-answer.ts';
import type { FilterMessage, FromWorker, ToWorker } from './module-wire.ts';
import { headerOf, wholeOf } from './scores.ts';

export interface ModuleFilterOptions {
  readonly name: string;
  readonly path: string;
  readonly whenAbsent: 'pass' | 'defer';
  readonly clock: Clock;
  readonly log: Log;
}

const MEMORY_MB = 256;
/** Of a message's octets; the rest is not shown. */
const SHOWN_OCTETS = 16 * 1024 * 1024;
/** Of all messages under its eyes at once; more wait, within their time limit. */
const IN_FLIGHT_OCTETS = 64 * 1024 * 1024;
/** A worker that does not even answer this is stuck in a loop. */
const PING_MS = 1000;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 60_000;

interface Waiting {
  resolve(answer: FilterAnswer): void;
  readonly message: Inspected;
}

export function openModuleFilter({ name, path, whenAbsent, clock, log }: ModuleFilterOptions): { readonly filter: Filter; state(): string; close(): Promise<void> } {
  const closing = new AbortController();
  const waiting = new Map<number, Waiting>();
  let worker: Worker | null = null;
  let loaded = Promise.withResolvers<boolean>();
  let state = 'starting';
  let last = 0;
  let inFlight = 0;
  const queue: (() => void)[] = [];

  /** One message always finds room, however large. */
  async function room(octets: number, signal: AbortSignal): Promise<void> {
    // One that is aborted already would never be told so.
    signal.throwIfAborted();
    if (inFlight === 0 || inFlight + octets <= IN_FLIGHT_OCTETS) {
      inFlight += octets;
      return undefined;
    }
    await new Promise<void>(resolve => {
      queue.push(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    return room(octets, signal);
  }

  function leave(octets: number): void {
    inFlight -= octets;
    for (const next of queue.splice(0)) next();
  }

  function start(): Promise<string> {
    // Beside this file, with the ending that this file has: source or built.
    const own = new Worker(new URL(import.meta.url.replace(/module-filter(?=\.\w+$)/, 'module-worker')), {
      workerData: { path: `${path}?${stampOf(path)}`, name },
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB, stackSizeMb: 4 },
      stdout: true, stderr: true, execArgv: [], env: {},
    });
    worker = own;
    for (const stream of [own.stdout, own.stderr]) createInterface({ input: stream }).on('line', line => log.info('filter', { name, said: line.slice(0, 2000) }));
    own.on('message', (said: FromWorker) => heard(said));
    own.unref();
    return new Promise(resolve => {
      own.once('error', error => resolve(error instanceof Error ? error.message : String(error)));
      own.once('exit', code => resolve(`exit ${code}`));
    });
  }

  function heard(said: FromWorker): void {
    switch (said.kind) {
      case 'loaded':
        state = 'running';
        loaded.resolve(true);
        return;
      case 'pong': {
        const one = pings.get(said.n);
        pings.delete(said.n);
        one?.();
        return;
      }
      case 'answer':
      case 'threw': {
        const one = waiting.get(said.n);
        waiting.delete(said.n);
        one?.resolve(said.kind === 'threw' ? { kind: 'absent', why: said.why } : answerOf(said.answer, one.message, name));
      }
    }
  }

  const pings = new Map<number, () => void>();

  async function keep(): Promise<void> {
    let waitMs = FIRST_WAIT_MS;
    while (!closing.signal.aborted) {
      const why = await start();
      worker = null;
      if (state === 'running') waitMs = FIRST_WAIT_MS;
      state = 'waiting';
      loaded.resolve(false);
      loaded = Promise.withResolvers();
      for (const [n, one] of waiting) {
        waiting.delete(n);
        one.resolve({ kind: 'absent', why });
      }
      if (closing.signal.aborted) break;
      log.error('filter', { name, what: 'ended by itself', how: why, again: `in ${waitMs / 1000} s` });
      const soon = clock.sleepUntil(after(clock.now(), waitMs), closing.signal);
      // Nobody waits for it meanwhile: it is absent.
      loaded.resolve(false);
      await soon;
      loaded = Promise.withResolvers();
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
    }
    state = 'stopped';
    loaded.resolve(false);
  }

  async function endIfStuck(): Promise<void> {
    const own = worker;
    if (own === null) return;
    const n = ++last;
    const answered = new AbortController();
    pings.set(n, () => answered.abort());
    post(own, { kind: 'ping', n });
    await clock.sleepUntil(after(clock.now(), PING_MS), AbortSignal.any([answered.signal, closing.signal]));
    pings.delete(n);
    if (answered.signal.aborted || closing.signal.aborted || worker !== own) return;
    log.error('filter', { name, what: 'stuck, ended' });
    await own.terminate();
  }

  async function ask(message: Inspected, signal: AbortSignal): Promise<FilterAnswer> {
    const shown = await show(message);
    const own = worker;
    signal.throwIfAborted();
    if (own === null) return { kind: 'absent', why: `the module is ${state}` };
    const n = ++last;
    return new Promise<FilterAnswer>(resolve => {
      waiting.set(n, { resolve, message });
      signal.addEventListener('abort', () => {
        // After an answer too, when nobody waits any more.
        if (!waiting.delete(n)) return;
        resolve({ kind: 'absent', why: 'no answer in time' });
        void endIfStuck();
      }, { once: true });
      post(own, { kind: 'inspect', n, message: shown });
    });
  }

  const kept = keep();
  const filter: Filter = {
    name,
    whenAbsent,
    async inspect(message, signal) {
      if (!(await loaded.promise) || worker === null) return { kind: 'absent', why: `the module is ${state}` };
      const octets = Math.min(message.trace.length + message.facts.sizeOctets, SHOWN_OCTETS);
      await room(octets, signal);
      try {
        return await ask(message, signal);
      } finally {
        leave(octets);
      }
    },
  };
  return {
    filter,
    state: () => state,
    async close() {
      closing.abort();
      await worker?.terminate();
      await kept;
    },
  };
}

function post(worker: Worker, message: ToWorker): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's port, not a window
  worker.postMessage(message);
}

async function show(message: Inspected): Promise<FilterMessage> {
  const { origin, envelope, variables } = message;
  const pieces: Uint8Array[] = [];
  let octets = 0;
  for await (const chunk of wholeOf(message)) {
    pieces.push(chunk);
    octets += chunk.length;
    if (octets >= SHOWN_OCTETS) break;
  }
  const headers = parseFields(Buffer.concat([message.trace, await headerOf(message)])).map(({ name, value }) => ({ name, value: Buffer.from(value, 'latin1').toString('utf8') }));
  return {
    id: message.id,
    from: message.reversePath ?? '',
    recipients: [...message.recipients.values()],
    source: origin.source,
    ...(origin.remoteAddress === undefined ? {} : { remoteAddress: origin.remoteAddress }),
    ...(origin.remoteName === undefined ? {} : { remoteName: origin.remoteName }),
    ...(origin.helo === undefined ? {} : { helo: origin.helo }),
    ...(origin.login === undefined ? {} : { login: origin.login }),
    tls: origin.tls !== undefined,
    smtputf8: envelope.smtputf8,
    variables: Object.fromEntries(variables),
    sizeOctets: message.trace.length + message.facts.sizeOctets,
    headers,
    content: new Uint8Array(Buffer.concat(pieces).subarray(0, SHOWN_OCTETS)),
    truncated: octets > SHOWN_OCTETS,
  };
}

/** A module that was changed is another module to the loader. */
export function stampOf(path: string): string {
  return String(statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
}
