/**
 * One message before the filters. They are asked one after another; the first that refuses everybody ends it. What a
 * filter changed, the next one sees. A filter that is not there, takes too long or says nothing that can be read is
 * absent, and its `whenAbsent` decides: trouble of ours never becomes a refusal for good.
 */
import type { Clock } from '../../core/clock.ts';
import type { Address, RecipientId } from '../../core/envelope.ts';
import type { Kernels } from '../../core/kernels.ts';
import type { Log } from '../../core/log.ts';
import type { Examination, FilterAnswer, Filter, Inspected, Judged, Verdict } from '../../core/policy.ts';
import { refuse } from '../../core/status.ts';
import { createCopy, type Copy } from './copy.ts';
import type { Holding } from '../../kit/file/holding.ts';
import { withinLimit } from '../../kit/time-limit.ts';

/** A filter and how it is asked. */
export interface Placed {
  readonly filter: Filter;
  readonly timeoutMs: number;
  /** Not for mail whose recipients all said at RCPT that they want it unread. */
  readonly optional: boolean;
  /** Larger mail passes unseen; absent: any size. */
  readonly largestOctets?: number;
}

export interface ExaminationOptions {
  /** Room on the disk, for the content and for what filters make of it. */
  hold(): Holding;
  /** In the order in which to ask them; asked when the content is whole. */
  filters(): Promise<readonly Placed[]> | readonly Placed[];
  readonly kernels: Pick<Kernels, 'openScan'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Of one filter's look: for counting. */
  seen(name: string, result: 'pass' | 'refused' | 'quarantine' | 'absent' | 'unseen', ms: number): void;
  /** What filters of the socket protocol were shown is no longer needed. */
  forget(message: Inspected): void;
}

/** For all filters together: a client gives up after ten minutes (RFC 5321 §4.5.3.2.6). */
const ALTOGETHER_MS = 8 * 60_000;

export function createExamination(options: ExaminationOptions): Examination {
  const held: Holding[] = [];
  const hold = (): Holding => {
    const one = options.hold();
    held.push(one);
    return one;
  };
  const holding = hold();
  return {
    write: chunk => holding.write(chunk),
    async judge(message, { whitelisted }) {
      const copy = createCopy({ holding, trace: message.trace, facts: message.facts, recipients: message.addressees, kernels: options.kernels });
      const verdicts = new Map<RecipientId, Verdict>();
      const seenAs = view(message, copy, verdicts, hold);
      try {
        await run(options, seenAs, copy, verdicts, whitelisted);
      } finally {
        options.forget(seenAs);
      }
      return { verdicts, trace: copy.trace, facts: copy.facts, recipients: copy.recipients, content: copy.content() } satisfies Judged;
    },
    close() {
      for (const one of held.splice(0)) one.close();
    },
  };
}

async function run(options: ExaminationOptions, message: Inspected, copy: Copy, verdicts: Map<RecipientId, Verdict>, whitelisted: boolean): Promise<void> {
  const { clock, log } = options;
  const end = clock.now() + ALTOGETHER_MS;
  for (const { filter, timeoutMs, optional, largestOctets } of await options.filters()) {
    if (optional && whitelisted) continue;
    const { name } = filter;
    if (largestOctets !== undefined && copy.facts.sizeOctets > largestOctets) {
      options.seen(name, 'unseen', 0);
      continue;
    }
    const started = clock.now();
    const limited = await withinLimit(clock, Math.min(timeoutMs, Math.max(0, end - started)), options.signal, async signal => {
      const answer = await filter.inspect(message, signal);
      if (answer.kind === 'absent') return answer;
      // Too late: the message may have gone on without it.
      signal.throwIfAborted();
      // A change that cannot be made (the disk, a field) is the filter's trouble too.
      if (answer.changes !== undefined) await copy.change(answer.changes);
      return answer;
    });
    const ms = clock.now() - started;
    const answer: FilterAnswer = limited.kind === 'done' ? limited.value : { kind: 'absent', why: limited.kind === 'late' ? `no answer in ${timeoutMs} ms` : said(limited.cause) };
    if (answer.kind === 'absent') {
      log.error('filter', { name, id: message.id, what: 'absent', why: answer.why, whenAbsent: filter.whenAbsent });
      options.seen(name, 'absent', ms);
      if (filter.whenAbsent === 'pass') continue;
      const refusal = refuse('filterUnavailable', { why: `${name}: ${answer.why}` });
      for (const id of message.recipients.keys()) verdicts.set(id, refusal);
      return;
    }
    copy.addFields(answer.addFields);
    let result: 'pass' | 'refused' | 'quarantine' = 'pass';
    for (const [id, verdict] of answer.verdicts) {
      if (verdict.kind === 'pass') continue;
      if (result === 'pass' || verdict.kind === 'refused') result = verdict.kind;
      verdicts.set(id, verdict.kind === 'refused' && verdict.why === undefined ? { ...verdict, why: `refused by filter ${name}` } : verdict);
    }
    options.seen(name, result, ms);
    if (result !== 'pass') log.info('filter', { name, id: message.id, what: result, from: message.reversePath ?? '', why: why(answer.verdicts) });
    if (answer.final === true || (result === 'refused' && message.recipients.size === 0)) return;
  }
}

/** What filters see: recipients that an earlier one refused are no longer among them. */
function view(message: Parameters<Examination['judge']>[0], copy: Copy, verdicts: ReadonlyMap<RecipientId, Verdict>, hold: () => Holding): Inspected {
  const { id, envelope, variables } = message;
  // An alias's own entry is for the report; its members are who gets the mail.
  const standing = () => copy.recipients.filter(one => one.expanded !== true && verdicts.get(one.id)?.kind !== 'refused');
  return {
    id, envelope, variables,
    origin: envelope.origin,
    reversePath: envelope.reversePath,
    get recipients(): ReadonlyMap<RecipientId, Address> {
      return new Map(standing().map(one => [one.id, one.address]));
    },
    get addressees() {
      return standing();
    },
    get trace() {
      return copy.trace;
    },
    get facts() {
      return copy.facts;
    },
    content: () => copy.content(),
    hold,
  };
}

function why(verdicts: ReadonlyMap<RecipientId, Verdict>): string {
  for (const verdict of verdicts.values()) {
    if (verdict.kind === 'refused') return verdict.why ?? `${verdict.reply} ${verdict.status} ${verdict.text}`;
    if (verdict.kind === 'quarantine') return verdict.why;
  }
  return '';
}

function said(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
