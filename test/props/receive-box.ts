/** A receiver on a real socket with doubles behind it: what the dialogs and the unit tests of `receive` talk to. */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import type { AuthAnswer, AuthBackend, AuthFailures, ScramDigest } from '../../src/core/auth.ts';
import type { Clock, Instant } from '../../src/core/clock.ts';
import type { ContentFacts } from '../../src/core/content.ts';
import type { Address, MessageId, Origin, ReversePath } from '../../src/core/envelope.ts';
import { taken, type Intake, type MailOptions, type RcptOptions, type Transaction } from '../../src/core/intake.ts';
import type { Log, LogFields } from '../../src/core/log.ts';
import type { Metrics } from '../../src/core/metrics.ts';
import type { Admission } from '../../src/core/policy.ts';
import { refuse } from '../../src/core/status.ts';
import { openReceive, type Directory, type ListenerOptions, type ReceiveOptions, type Receiver } from '../../src/flow/receive/index.ts';
import { checkScramProof, SCRAM_ITERATIONS, type ScramKeys } from '../../src/service/auth/scram-keys.ts';
import { openCountedKernels, type CountedKernels } from './counted-kernels.ts';

export interface Kept {
  readonly origin: Origin;
  readonly reversePath: ReversePath;
  readonly mail: MailOptions;
  readonly recipients: readonly { readonly address: Address; readonly options: RcptOptions }[];
  readonly body: Buffer;
  readonly writes: number;
  readonly facts: ContentFacts;
}

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly event: string;
  readonly fields: LogFields;
}

/** Stands still until it is moved; sleepers wake in order. */
export interface ManualClock extends Clock {
  advance(ms: number): Promise<void>;
  readonly sleepers: number;
}

export function createManualClock(start = 1_700_000_000_000): ManualClock {
  let now = start;
  const sleepers = new Set<{ when: number; wake: () => void }>();
  return {
    now: () => now as Instant,
    get sleepers() {
      return sleepers.size;
    },
    sleepUntil(when, signal) {
      return new Promise(resolve => {
        if (when <= now || signal?.aborted === true) return resolve();
        const sleeper = { when: when as number, wake: () => {
          sleepers.delete(sleeper);
          resolve();
        } };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', sleeper.wake, { once: true });
      });
    },
    async advance(ms) {
      const end = now + ms;
      for (;;) {
        const next = [...sleepers].toSorted((a, b) => a.when - b.when)[0];
        if (next === undefined || next.when > end) break;
        now = Math.max(now, next.when);
        next.wake();
        await new Promise(resolve => setImmediate(resolve));
      }
      now = end;
      await new Promise(resolve => setImmediate(resolve));
    },
  };
}

export interface CountingMetrics extends Metrics {
  value(name: string): number;
}

export function createCountingMetrics(): CountingMetrics {
  const values = new Map<string, number>();
  return {
    value: name => values.get(name) ?? 0,
    counter: name => ({ add: n => void values.set(name, (values.get(name) ?? 0) + n) }),
    gauge: name => ({ set: value => void values.set(name, value) }),
    histogram: () => ({ observe: () => undefined }),
  };
}

/**
 * An intake that keeps what it takes. Local-parts order its answers: `unknown…` 550, `later…` 450, `throw…` throws,
 * `reject…` rejects, `slow…` answers by a promise; `full…` as reverse-path is refused at DATA, `endrefused…` and
 * `endthrow…` after it.
 */
export function createKeepingIntake(kept: Kept[]): Intake & { aborted: number; opened: number } {
  const counts = { aborted: 0, opened: 0 };
  return {
    get aborted() {
      return counts.aborted;
    },
    get opened() {
      return counts.opened;
    },
    open(origin) {
      counts.opened++;
      return openKeeping(origin, kept, counts);
    },
  };
}

function openKeeping(origin: Origin, kept: Kept[], counts: { aborted: number }): Transaction {
  let reversePath: ReversePath = null;
  let mail: MailOptions = {};
  let sealed = false;
  const recipients: { address: Address; options: RcptOptions }[] = [];
  const judge = (address: string) => {
    if (address.startsWith('unknown')) return refuse('noSuchMailbox');
    if (address.startsWith('later')) return refuse('lookupUnavailable', { why: 'DNS' });
    if (address.startsWith('throw')) throw new Error('a bug in a check');
    return taken;
  };
  return {
    kind: 'open',
    mail(from, options) {
      reversePath = from;
      mail = options;
      if (from?.startsWith('slow') === true) return soon(judge(from));
      return from === null ? taken : judge(from);
    },
    rcpt(address, options) {
      if (address.startsWith('reject')) return Promise.reject(new Error('a bug behind a promise'));
      const answer = judge(address);
      if (answer.kind === 'taken') recipients.push({ address, options });
      return address.startsWith('slow') ? soon(answer) : answer;
    },
    data() {
      if (reversePath?.startsWith('full') === true) return refuse('queueFull');
      const pieces: Uint8Array[] = [];
      let writes = 0;
      return {
        kind: 'writer',
        write(chunk) {
          if (reversePath?.startsWith('writethrow') === true) throw new Error('a bug in a writer');
          writes++;
          pieces.push(chunk);
          return writes % 2 === 0 ? soon(undefined) : undefined;
        },
        async end(facts) {
          await soon(undefined);
          if (reversePath?.startsWith('endthrow') === true) throw new Error('a bug at the end');
          if (reversePath?.startsWith('endrefused') === true) return refuse('routingLoop');
          sealed = true;
          kept.push({ origin, reversePath, mail, recipients, body: Buffer.concat(pieces), writes, facts });
          const refused = recipients.flatMap(({ address }, place) => (address.startsWith('filtered') ? [[place, refuse('contentRefused', { text: 'Not for me\nat all' })] as const] : []));
          return { kind: 'queued', id: `Q${kept.length}` as MessageId, refused: new Map(refused) };
        },
      };
    },
    abort() {
      if (!sealed) counts.aborted++;
    },
  };
}

function soon<T>(value: T): Promise<T> {
  return new Promise(resolve => setImmediate(() => resolve(value)));
}

/** At once, so that the clock can be moved without waiting for another thread. */
function keysOf(password: string, digest: ScramDigest): ScramKeys {
  const salted = pbkdf2Sync(password, SALT, SCRAM_ITERATIONS, digest === 'sha1' ? 20 : 32, digest);
  const key = (label: string) => createHmac(digest, salted).update(label).digest();
  return { digest, iterations: SCRAM_ITERATIONS, salt: SALT, storedKey: createHash(digest).update(key('Client Key')).digest(), serverKey: key('Server Key') };
}

const SALT = Buffer.from('sixteen octets..');

/** Who has been counted, and whom nobody believes any more: `banned`, and 192.0.2.66. */
export function createFailureBook(): AuthFailures & { readonly book: string[] } {
  const book: string[] = [];
  return {
    book,
    allowed: (address, login) => login !== 'banned' && address !== '192.0.2.66',
    failed: (address, login) => void book.push(`${address} ${login ?? '-'}`),
    succeeded: () => undefined,
  };
}

/** `tim` with the password `tanstaaftanstaaf` (RFC 2195 §2); the login `down` finds the backend unavailable. */
export function createOneAccount(): AuthBackend {
  const password = 'tanstaaftanstaaf';
  const accepted: AuthAnswer = { kind: 'accepted', account: { login: 'tim', options: new Map() } };
  return {
    name: 'one',
    async verify(login, proof) {
      if (login === 'down') return { kind: 'unavailable', why: 'test' };
      if (login === 'throw') throw new Error('a bug in a backend');
      if (login !== 'tim') return { kind: 'rejected' };
      if (proof.kind === 'password') return proof.password === password ? accepted : { kind: 'rejected' };
      if (proof.kind === 'token') return proof.token === 'good.token' ? accepted : { kind: 'rejected' };
      if (proof.kind === 'scram') {
        const { result, serverSignature } = checkScramProof(keysOf(password, proof.digest), proof.message, proof.proof);
        return result === 'same' ? { ...accepted, serverSignature } : { kind: 'rejected' };
      }
      const expected = createHmac(proof.digest, password).update(proof.challenge).digest('hex');
      return proof.response === expected ? accepted : { kind: 'rejected' };
    },
    find: async login => (login === 'tim' ? accepted : { kind: 'rejected' }),
    salt: async login => (login === 'down' ? { kind: 'unavailable', why: 'test' } : { kind: 'salted', salt: SALT, iterations: SCRAM_ITERATIONS, known: login === 'tim' }),
  };
}

export interface ReceiveBox {
  readonly receiver: Receiver;
  readonly port: number;
  readonly kept: Kept[];
  readonly lines: LogLine[];
  readonly clock: ManualClock;
  readonly metrics: CountingMetrics;
  readonly kernels: CountedKernels;
  /** With createFailureBook(): its book. */
  readonly failures: readonly string[];
  readonly intake: ReturnType<typeof createKeepingIntake>;
  close(): Promise<void>;
}

export type BoxOptions = Partial<Omit<ReceiveOptions, 'listener' | 'clock'>> & {
  readonly listener?: Partial<ListenerOptions>;
  readonly variables?: Readonly<Record<string, string>>;
};

export const BOX_NAME = 'mx.here.example';

export function boxOptions(options: BoxOptions, parts: { intake: Intake; clock: Clock; log: Log; metrics: Metrics; kernels: CountedKernels }): ReceiveOptions {
  const { variables, listener, ...rest } = options;
  const admission: Admission = { admit: () => ({ kind: 'admitted', variables: new Map(Object.entries(variables ?? {})) }) };
  return {
    me: BOX_NAME,
    admission,
    ...parts,
    ...rest,
    listener: { kind: 'esmtp', listen: { host: '127.0.0.1', port: 0 }, tarpit: false, ...listener },
  };
}

export async function openReceiveBox(options: BoxOptions = {}): Promise<ReceiveBox> {
  const kept: Kept[] = [];
  const lines: LogLine[] = [];
  const write = (level: LogLine['level']) => (event: string, fields: LogFields = {}) => void lines.push({ level, event, fields });
  const log: Log = { info: write('info'), warn: write('warn'), error: write('error') };
  const clock = createManualClock();
  const metrics = createCountingMetrics();
  const kernels = openCountedKernels();
  const intake = createKeepingIntake(kept);
  const receiver = await openReceive(boxOptions(options, { intake, clock, log, metrics, kernels }));
  return {
    receiver,
    port: receiver.address().port,
    kept,
    lines,
    clock,
    metrics,
    kernels,
    failures: options.failures !== undefined && 'book' in options.failures ? (options.failures.book as string[]) : [],
    intake,
    close: () => receiver.close({ graceMs: 0 }),
  };
}

export function randomText(octets: number): Buffer {
  return Buffer.from(randomBytes(octets).toString('base64').slice(0, octets).replaceAll(/(.{76})/g, '$1\r\n'));
}

/** `staff` stands for two, `secret` runs something, `tim` has a mailbox, `far` is no one of ours, `away` cannot be asked. */
export function createSmallDirectory(): Directory {
  const judge = (name: string) => {
    if (name.startsWith('away')) return refuse('ourFault', { why: 'the aliases cannot be read' });
    return name.startsWith('far') || name.startsWith('nobody') ? refuse('noSuchMailbox') : null;
  };
  const members = (name: string) => (/^staff(?:@|$)/.test(name) ? ['a@here.example', 'b@here.example'] : null);
  return {
    expand: async name => judge(name) ?? members(name) ?? refuse('noSuchAlias'),
    verify: name => judge(name) ?? [`${name.replace(/@.*/, '')}@here.example`],
  };
}
