/**
 * Further processes that receive on the gateway's ports (SO_REUSEPORT): each takes mail into the same queue and tells
 * this one, which delivers. One that dies is started again; what it had acknowledged is in the queue.
 */
import { fork, type ChildProcess } from 'node:child_process';
import type { Log, LogFields } from '../../core/log.ts';
import type { Tallies } from './tallies.ts';

export interface ReceiverProcesses {
  reload(): void;
  /** What this process counted of strangers. */
  tell(tallies: Tallies): void;
  /** What they count, in Prometheus' text format; one that does not answer in time is left out. */
  metrics(): Promise<readonly string[]>;
  /** Each says 421 to its idle sessions, finishes the others, and ends; cut after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

export interface ReceiverProcessesOptions {
  readonly count: number;
  readonly folder: string;
  /** Where the gateway listens already: a port that was left to the system is known only now. */
  readonly ports: Readonly<Record<string, number>>;
  readonly log: Log;
  /** Mail came into the queue. */
  readonly queued: () => void;
  /** What a receiver wrote in its log about a message it took. */
  readonly heard: (event: string, fields: LogFields) => void;
  /** What a receiver counted of strangers; the other receivers hear it too. */
  readonly tallied: (tallies: Tallies) => void;
}

/** From the gateway to a receiver. */
export type Order = { readonly kind: 'begin'; readonly folder: string; readonly ports: Readonly<Record<string, number>> } | { readonly kind: 'reload' | 'metrics' } | { readonly kind: 'tallies'; readonly tallies: Tallies } | { readonly kind: 'stop'; readonly graceMs: number };
/** From a receiver to the gateway. */
export type Word = { readonly kind: 'ready' | 'queued' } | { readonly kind: 'tallies'; readonly tallies: Tallies } | { readonly kind: 'events'; readonly events: readonly (readonly [event: string, fields: LogFields])[] } | { readonly kind: 'metrics'; readonly text: string } | { readonly kind: 'failed'; readonly why: string };

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
const METRICS_MS = 1000;
/** Behind the grace, for the queue to be closed. */
const LAST_STEPS_MS = 5000;

export async function openReceiverProcesses(options: ReceiverProcessesOptions): Promise<ReceiverProcesses> {
  const receivers = Array.from({ length: options.count }, () => new ReceiverProcess(options, (tallies, by) => {
    options.tallied(tallies);
    for (const one of receivers) if (one !== by) one.say({ kind: 'tallies', tallies });
  }));
  await Promise.all(receivers.map(one => one.settled));
  return {
    tell: tallies => receivers.forEach(one => one.say({ kind: 'tallies', tallies })),
    reload: () => receivers.forEach(one => one.say({ kind: 'reload' })),
    metrics: async () => (await Promise.all(receivers.map(one => one.metrics()))).filter(text => text !== ''),
    close: async graceMs => void (await Promise.all(receivers.map(one => one.close(graceMs)))),
  };
}

class ReceiverProcess {
  readonly #options: ReceiverProcessesOptions;
  readonly #tallied: (tallies: Tallies, by: ReceiverProcess) => void;
  /** It listens, or could not be had for now. */
  readonly settled: Promise<void>;
  readonly #settle: () => void;
  #child: ChildProcess | null = null;
  #pauseMs = FIRST_PAUSE_MS;
  #again: NodeJS.Timeout | null = null;
  #closing = false;
  #asked: ((text: string) => void) | null = null;

  constructor(options: ReceiverProcessesOptions, tallied: (tallies: Tallies, by: ReceiverProcess) => void) {
    this.#options = options;
    this.#tallied = tallied;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.settled = promise;
    this.#settle = resolve;
    this.#start();
  }

  #start(): void {
    const { folder, ports, log } = this.#options;
    this.#again = null;
    const entry = new URL(import.meta.url.endsWith('.ts') ? './receiver-main.ts' : './receiver-main.js', import.meta.url);
    const child = fork(entry, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child = child;
    let failure = '';
    child.on('error', cause => { failure = cause.message; });
    child.on('message', (word: Word) => {
      if (word.kind === 'queued') this.#options.queued();
      else if (word.kind === 'metrics') this.#asked?.(word.text);
      else if (word.kind === 'failed') failure = word.why;
      else if (word.kind === 'tallies') this.#tallied(word.tallies, this);
      else if (word.kind === 'events') for (const [event, fields] of word.events) this.#options.heard(event, fields);
      else {
        this.#pauseMs = FIRST_PAUSE_MS;
        this.#settle();
      }
    });
    child.once('exit', (code, signal) => {
      if (this.#child === child) this.#child = null;
      this.#asked?.('');
      this.#settle();
      if (this.#closing) return;
      log.error('receiver ended', { pid: child.pid, ...(signal === null ? { code } : { signal }), ...(failure === '' ? {} : { why: failure }), again: `${this.#pauseMs / 1000}s` });
      this.#again = setTimeout(() => this.#start(), this.#pauseMs);
      this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
    });
    this.say({ kind: 'begin', folder, ports });
  }

  say(order: Order): void {
    // One that is just going away misses nothing: the next one reads the configuration anew.
    if (this.#child?.connected === true) this.#child.send(order, () => undefined);
  }

  metrics(): Promise<string> {
    if (this.#child === null) return Promise.resolve('');
    return new Promise(resolve => {
      const late = setTimeout(() => this.#asked?.(''), METRICS_MS);
      this.#asked = text => {
        clearTimeout(late);
        this.#asked = null;
        resolve(text);
      };
      this.say({ kind: 'metrics' });
    });
  }

  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    if (this.#again !== null) clearTimeout(this.#again);
    const child = this.#child;
    if (child === null) return;
    const gone = new Promise<void>(resolve => child.once('exit', () => resolve()));
    this.say({ kind: 'stop', graceMs });
    const late = setTimeout(() => child.kill('SIGKILL'), graceMs + LAST_STEPS_MS);
    await gone;
    clearTimeout(late);
  }
}
