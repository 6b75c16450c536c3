/** The UUCP site as one thing: the transport, and the day around it. */
import { after, type Clock } from '../../../core/clock.ts';
import type { RecipientId } from '../../../core/envelope.ts';
import type { Log } from '../../../core/log.ts';
import type { Outcome, Outcomes } from '../../../core/outcome.ts';
import type { Delivery, Transport } from '../../../core/transport.ts';
import type { Site } from '../../../grammar/uucp/bang-path.ts';
import { formatBatchEnvelope, MESSAGE_END } from '../../../grammar/uucp/batch.ts';
import type { BatchRule } from '../../../grammar/uucp/batch-rules.ts';
import { gradeOf, type GradeRule } from '../../../grammar/uucp/grades.ts';
import { nextPoll, type PollRule } from '../../../grammar/uucp/polls.ts';
import { createUnixLines } from '../../../grammar/uucp/unix-lines.ts';
import { withGrade } from '../../../grammar/uucp/uux-flags.ts';
import { signalOf } from '../../../kit/interrupter.ts';
import { openBatchSpool } from './batch-spool.ts';
import { createBatches } from './batches.ts';
import { outcomeOf } from './outcomes.ts';
import { createPrograms } from './programs.ts';
import { formatJob, nameRecipients, senderFor, uuxArguments, type Named } from './rmail-job.ts';
import type { NeighborState, PollResult } from './site-report.ts';
import { createTaylor } from './taylor.ts';

/** What the configuration says; asked at each decision, so that a reload swaps it. */
export interface UucpPlan {
  readonly site: Site;
  readonly rewriteHeaders: boolean;
  readonly flags: readonly string[];
  readonly configFile?: string;
  readonly programs?: string;
  readonly maxDeliveries: number;
  readonly maxPerNeighbor: number;
  readonly maxRecipients: number;
  readonly batches: ReadonlyMap<string, BatchRule>;
  readonly grades: readonly GradeRule[];
  readonly polls: readonly PollRule[];
  readonly alarmMs: number;
  /** HELO of batches. */
  readonly me: string;
}

export interface UucpOptions {
  plan(): UucpPlan;
  /** Where batches are gathered. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Sends due batches, calls, and looks after silent neighbours by itself. A command's does not. */
  readonly runs: boolean;
}

export interface Uucp {
  readonly transport: Transport;
  neighbors(): Promise<readonly NeighborState[]>;
  /** Sends what waits for batches, calls, runs what came. */
  poll(node: string, timeoutMs: number): Promise<PollResult>;
  /** Takes a job, or a message that waits for a batch, back from the way; its octets, or null. */
  recall(name: string): Promise<{ readonly octets: Uint8Array; readonly what: string } | null>;
  /** A line for each neighbour for whom mail has waited too long. */
  troubles(): readonly string[];
  close(): Promise<void>;
}

const UUX_MS = 10 * 60_000;
const CALL_MS = 2 * 3_600_000;
/** How often we look around, when nothing calls earlier. */
const ROUND_MS = 60_000;
/** After a batch that could not be handed over. */
const PAUSE_MS = 5 * 60_000;
const ALARM_ROUND_MS = 3_600_000;
/** How long uuname's word about a neighbour holds. */
const KNOWN_MS = 10 * 60_000;

export function openUucp(options: UucpOptions): Uucp {
  return new RunningUucp(options);
}

class RunningUucp implements Uucp {
  readonly transport: Transport;
  readonly #options: UucpOptions;
  readonly #programs;
  readonly #taylor;
  readonly #spool;
  readonly #batches;
  readonly #closing = new AbortController();
  readonly #known = new Map<string, { readonly knows: boolean; readonly until: number }>();
  readonly #gathered = new Map<string, number>();
  readonly #pausedUntil = new Map<string, number>();
  readonly #lastPoll = new Map<string, number>();
  readonly #calling = new Map<string, Promise<unknown>>();
  #troubles: readonly string[] = [];
  #nextAlarm = 0;
  #wake: AbortController | null = null;
  readonly #loop: Promise<void>;

  constructor(options: UucpOptions) {
    this.#options = options;
    const now = () => options.clock.now();
    const plan = () => options.plan();
    this.#programs = createPrograms(() => plan().programs);
    this.#taylor = createTaylor({ programs: this.#programs, configFile: () => plan().configFile, now });
    this.#spool = openBatchSpool({ folder: options.folder, now });
    this.#batches = createBatches({ spool: this.#spool, programs: this.#programs, log: options.log, me: () => plan().me, flags: () => this.#flags() });
    this.transport = {
      name: 'uucp',
      get limits() {
        const { maxRecipients, maxPerNeighbor, maxDeliveries } = plan();
        return { recipients: maxRecipients, perNexthop: maxPerNeighbor, inAll: maxDeliveries };
      },
      deliver: (job, interruption) => this.#deliver(job, signalOf(interruption)),
      close: () => Promise.resolve(),
    };
    this.#loop = options.runs ? this.#run() : Promise.resolve();
  }

  /** UUXFLAGS, and the configuration file where that is said elsewhere. */
  #flags(): readonly string[] {
    const { flags, configFile } = this.#options.plan();
    return configFile === undefined || flags.includes('-I') ? flags : ['-I', configFile, ...flags];
  }

  async #deliver(job: Delivery, signal: AbortSignal): Promise<Outcomes> {
    const rule = this.#options.plan().batches.get(job.nexthop.toLowerCase());
    return rule === undefined ? this.#byRmail(job, signal) : this.#byBatch(job, rule, signal);
  }

  async #byRmail(job: Delivery, signal: AbortSignal): Promise<Outcomes> {
    const { site, rewriteHeaders, grades } = this.#options.plan();
    const { named, settled } = nameRecipients(job.recipients, job.nexthop, site);
    const outcomes = new Map<RecipientId, Outcome>(settled);
    const sender = senderFor(job.envelope.reversePath, job.nexthop, site);
    if (sender === null) {
      for (const { recipient } of named) outcomes.set(recipient.id, { kind: 'failed', status: '5.1.7', said: { type: 'x-uucp', text: 'The sender\'s address cannot be an argument of rmail' } });
      return outcomes;
    }
    // rmail knows no NOTIFY=NEVER; those recipients' job says that nobody is to be told (RFC 3461 §5.2.2).
    const never = sender === '' ? [] : named.filter(({ recipient }) => recipient.notify === 'never');
    const groups: readonly (readonly [string, readonly Named[]])[] = [[sender, named.filter(one => !never.includes(one))], ['', never]];
    const grade = grades.length === 0 ? undefined : gradeOf(grades, job.content.sizeOctets, await headerOf(job));
    const flags = withGrade(this.#flags(), grade);
    for (const [from, group] of groups) {
      if (group.length === 0) continue;
      const headerOctets = job.content.sizeOctets - job.content.facts.sizeOctets + job.content.facts.headerEnd;
      const reversePath = from === '' ? null : job.envelope.reversePath;
      const input = formatJob(job.content.read(), { reversePath, at: this.#options.clock.now(), site, node: job.nexthop, rewriteHeaders, headerOctets });
      const ran = await this.#programs.run('uux', uuxArguments(from, flags, job.nexthop, group), { input, signal, timeoutMs: UUX_MS });
      const outcome = outcomeOf(ran, job.nexthop, this.#options.log);
      for (const { recipient } of group) outcomes.set(recipient.id, outcome);
    }
    return outcomes;
  }

  async #byBatch(job: Delivery, rule: BatchRule, signal: AbortSignal): Promise<Outcomes> {
    const all = (outcome: Outcome): Outcomes => new Map(job.recipients.map(({ id }) => [id, outcome]));
    // Known later, nobody could be told any more.
    const knows = await this.#knows(rule.node.split('!')[0] as string, signal);
    if (knows === null) return all({ kind: 'deferred', status: '4.3.0', blame: 'nexthop', said: { type: 'x-uucp', text: 'uuname cannot be asked here' } });
    if (!knows) return all({ kind: 'failed', status: '5.1.2', said: { type: 'x-uucp', text: `UUCP here knows no system ${rule.node}` } });
    const recipients = job.recipients.map(recipient => ({ ...recipient, address: batchAddress(recipient.address, job.nexthop) }));
    async function* text(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(formatBatchEnvelope(job.envelope, recipients, job.content.facts.has8bit));
      const lines = createUnixLines({ dots: true });
      for await (const piece of job.content.read()) {
        signal.throwIfAborted();
        yield lines.feed(piece);
      }
      yield lines.finish();
      yield Buffer.from(MESSAGE_END);
    }
    try {
      const { octets } = await this.#spool.add(rule.node, `${job.id}.${job.recipients[0]?.id ?? 0}`, text());
      this.#added(rule, octets);
    } catch (cause) {
      this.#options.log.error('uucp-spool', { node: rule.node, cause });
      const full = cause instanceof Error && 'code' in cause && cause.code === 'ENOSPC';
      return all({ kind: 'deferred', status: full ? '4.3.1' : '4.3.0', blame: 'nexthop', said: { type: 'x-uucp', text: full ? 'No space for the next batch' : 'The batch cannot be written now' } });
    }
    return all({ kind: 'relayed', status: '2.0.0', said: { type: 'x-uucp', text: `Waits for the next batch to ${rule.node}` } });
  }

  /** Counted rather than looked at, since a folder of thousands is no look; each round looks. */
  #added(rule: BatchRule, octets: number): void {
    const before = this.#gathered.get(rule.node);
    this.#gathered.set(rule.node, (before ?? 0) + octets);
    // The first one sets when the batch is due.
    if (before === undefined || before + octets >= rule.sizeOctets) this.#wake?.abort();
  }

  async #knows(node: string, signal: AbortSignal): Promise<boolean | null> {
    const now = this.#options.clock.now();
    const remembered = this.#known.get(node);
    if (remembered !== undefined && remembered.until > now) return remembered.knows;
    const knows = await this.#taylor.knows(node, signal);
    if (knows !== null) this.#known.set(node, { knows, until: now + (knows ? KNOWN_MS : 0) });
    return knows;
  }

  async neighbors(): Promise<readonly NeighborState[]> {
    const { signal } = this.#closing;
    const [jobs, calls, spooled] = [await this.#taylor.jobs(signal), await this.#taylor.calls(signal), await this.#spool.nodes()];
    const listed = this.#options.plan().site.neighbors.all.map(({ path }) => path);
    const first = new Set(listed.map(path => path.split('!')[0] as string));
    const names = [...new Set([...first, ...spooled, ...(jobs ?? []).map(({ node }) => node)])];
    return Promise.all(names.map(async node => {
      const lastCall = calls.get(node);
      return { node, jobs: (jobs ?? []).filter(one => one.node === node), waiting: await this.#spool.waiting(node), ...(lastCall === undefined ? {} : { lastCall }) };
    }));
  }

  async poll(node: string, timeoutMs: number): Promise<PollResult> {
    this.#lastPoll.set(node, this.#options.clock.now());
    for (const rule of this.#options.plan().batches.values()) {
      if ((rule.node.split('!')[0] as string).toLowerCase() === node.toLowerCase()) await this.#batches.send(rule, { queueOnly: true, signal: this.#closing.signal });
    }
    return this.#taylor.poll(node, { timeoutMs, signal: this.#closing.signal });
  }

  async recall(name: string): Promise<{ readonly octets: Uint8Array; readonly what: string } | null> {
    for (const node of await this.#spool.nodes()) {
      const octets = await this.#spool.recall(node, name);
      if (octets !== null) return { octets, what: `a message that waited for the next batch to ${node}` };
    }
    return this.#taylor.recall(name, this.#closing.signal);
  }

  troubles(): readonly string[] {
    return this.#troubles;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#wake?.abort();
    await this.#loop;
    await Promise.allSettled(this.#calling.values());
    await this.#spool.close();
  }

  /** Sleeps until something is due, looks, and again. */
  async #run(): Promise<void> {
    const { clock, log } = this.#options;
    let next = clock.now() as number;
    await this.#spool.recover().catch((cause: unknown) => log.error('uucp-spool', { cause }));
    while (!this.#closing.signal.aborted) {
      this.#wake = new AbortController();
      try {
        next = await this.#round();
      } catch (cause) {
        log.error('uucp', { cause });
        next = clock.now() + ROUND_MS;
      }
      if (!this.#closing.signal.aborted) await clock.sleepUntil(after(clock.now(), Math.max(0, next - clock.now())), AbortSignal.any([this.#wake.signal, this.#closing.signal]));
    }
  }

  /** One look around. Gives when the next is wanted. */
  async #round(): Promise<number> {
    const { clock, log } = this.#options;
    const { batches, polls, alarmMs } = this.#options.plan();
    const now = clock.now();
    let next = now + ROUND_MS;
    for (const rule of batches.values()) {
      this.#gathered.delete(rule.node);
      const paused = this.#pausedUntil.get(rule.node) ?? 0;
      const { oldestAt, octets } = await this.#spool.waiting(rule.node);
      if (oldestAt === null) continue;
      const due = octets >= rule.sizeOctets ? now : rule.ageMs === null ? Number.POSITIVE_INFINITY : oldestAt + rule.ageMs;
      const when = Math.max(due, paused);
      if (when > now) next = Math.min(next, when);
      else if (!(await this.#batches.send(rule, { queueOnly: false, signal: this.#closing.signal }))) this.#pausedUntil.set(rule.node, now + PAUSE_MS);
    }
    for (const rule of polls) {
      // A line that a reload brought counts from now.
      const last = this.#lastPoll.get(rule.node) ?? now;
      this.#lastPoll.set(rule.node, last);
      const when = nextPoll(rule, last, last);
      if (when > now) next = Math.min(next, when);
      else this.#call(rule.node);
    }
    if (alarmMs > 0 && now >= this.#nextAlarm) {
      this.#nextAlarm = now + Math.min(ALARM_ROUND_MS, alarmMs);
      this.#troubles = await this.#silent(alarmMs, now);
      for (const trouble of this.#troubles) log.warn('uucp-silent', { trouble });
    }
    return alarmMs > 0 ? Math.min(next, this.#nextAlarm) : next;
  }

  #call(node: string): void {
    if (this.#calling.has(node)) return;
    const { log } = this.#options;
    const call = this.poll(node, CALL_MS).then(
      ({ kind, before, after: left, sent, received, said }) => {
        const fields = { node, kind, jobs: before, left, sent: sent.octets, received: received.octets, said };
        if (kind === 'called') log.info('uucp-poll', fields);
        else log.warn('uucp-poll', fields);
      },
      (cause: unknown) => log.error('uucp-poll', { node, cause }),
    );
    this.#calling.set(node, call.finally(() => this.#calling.delete(node)));
  }

  async #silent(alarmMs: number, now: number): Promise<readonly string[]> {
    const { site } = this.#options.plan();
    if (site.neighbors.all.length === 0) return [];
    return (await this.neighbors()).flatMap(({ node, jobs, waiting, lastCall }) => {
      const oldest = Math.min(waiting.oldestAt ?? Number.POSITIVE_INFINITY, ...jobs.map(({ at }) => at));
      if (now - oldest < alarmMs) return [];
      const call = lastCall === undefined ? 'no call is known' : `the last call, ${new Date(lastCall.at).toISOString().slice(0, 16)}: ${lastCall.said}`;
      return [`mail for ${node} has waited since ${new Date(oldest).toISOString().slice(0, 16)}: ${jobs.length} jobs, ${waiting.messages} messages for a batch; ${call}`];
    });
  }
}

async function headerOf({ content }: Delivery): Promise<string> {
  const wanted = Math.min(HEADER_OCTETS, content.sizeOctets - content.facts.sizeOctets + content.facts.headerEnd);
  const pieces: Uint8Array[] = [];
  let octets = 0;
  for await (const piece of content.read()) {
    pieces.push(piece);
    octets += piece.length;
    if (octets >= wanted) break;
  }
  return Buffer.concat(pieces).toString('latin1', 0, wanted);
}

const HEADER_OCTETS = 128 * 1024;

/** As the neighbour knows it: a path without the nodes that lead there, any other address as it is. */
function batchAddress<A extends string>(address: A, node: string): A {
  const prefix = `${node.toLowerCase()}!`;
  if (!address.toLowerCase().startsWith(prefix)) return address;
  const at = address.lastIndexOf('@');
  return (at < 0 ? address.slice(prefix.length) : address.slice(prefix.length, at)) as A;
}
