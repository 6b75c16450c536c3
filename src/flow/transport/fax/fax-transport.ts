/** Mail to fax machines: pages made once, calls until they are through, the truth about each page in the answer. */
import { join } from 'node:path';
import { after, type Clock, type Instant, type Interruption } from '../../../core/clock.ts';
import type { Recipient, RecipientId } from '../../../core/envelope.ts';
import type { FaxCallReport, FaxLine, FaxPage } from '../../../core/fax.ts';
import type { Log } from '../../../core/log.ts';
import type { Deferred, Diagnostic, Failed, Outcome } from '../../../core/outcome.ts';
import type { Delivery, Transport } from '../../../core/transport.ts';
import type { FaxOptions } from '../../../grammar/fax/fax-address.ts';
import { signalOf } from '../../../kit/interrupter.ts';
import { stacked } from './bitmap.ts';
import { createLedger, midnight, type Ledger } from './call-ledger.ts';
import { verdictOf, type CallVerdict } from './call-verdict.ts';
import { createPageSpool, type FaxJob, type PageSpool, type SpooledFax } from './page-spool.ts';
import type { PageMaker, PagePlan } from './page-maker.ts';
import { readPage } from './page-store.ts';
import { pageForm } from './paper.ts';
import { createSwitchboard, type Share, type Switchboard, type Waiting } from './switchboard.ts';
import type { StripText } from './transmission-line.ts';

export interface CallPlan extends PagePlan {
  /** faxqueuetime: how long after its arrival a message is tried. */
  readonly queueTimeMs: number;
  /** Between calls that were not answered; the last one again and again. */
  readonly busyDelaysMs: readonly number[];
  /** Between calls that cost money, and how many there may be. */
  readonly paidDelaysMs: readonly number[];
  readonly paidTries: number;
  /** Calls in a day, in all and to one number; 0: any number. */
  readonly callsADay: number;
  readonly callsADayPerNumber: number;
  /** Several messages for one number in one call, up to so many pages; null: one call each. */
  readonly together: { readonly pages: number } | null;
}

export type Dialled =
  | { readonly kind: 'dial'; readonly number: string; readonly options: FaxOptions }
  | { readonly kind: 'refused'; readonly outcome: Failed };

export interface FaxTransportOptions {
  plan(): CallPlan;
  /** What an address dials now. */
  dial(recipient: Recipient): Dialled;
  readonly line: FaxLine;
  readonly pages: PageMaker;
  /** Where faxes wait between two calls. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
}

export interface FaxTransport extends Transport {
  /** For this transport's mail in place of the queue's own time. */
  queueTimeMs(): number;
}

/** Faxes that are drawn, or wait for a modem, while others are on the line. */
const BESIDE = 8;
const PER_NUMBER = 8;
/** A shorter wait than the queue's first retry is waited out here. */
const SHORT_WAIT_MS = 5 * 60_000;
const LINE_WAIT_MS = { 'in-use': 60_000, other: 10 * 60_000 } as const;
const SWEEP_AFTER_MS = 2 * 86_400_000;
const SWEEP_EVERY_MS = 86_400_000;

export function openFaxTransport(options: FaxTransportOptions): FaxTransport {
  return new OpenFaxTransport(options);
}

interface Fax extends Waiting {
  readonly id: string;
  readonly job: FaxJob;
  readonly folder: string;
}

class OpenFaxTransport implements FaxTransport {
  readonly name = 'fax';
  readonly #options: FaxTransportOptions;
  readonly #spool: PageSpool;
  readonly #ledger: Ledger;
  readonly #switchboard: Switchboard<Fax>;
  readonly #closing = new AbortController();
  readonly #under = new Set<Promise<unknown>>();
  /** Pages are made one message at a time: two documents at once would need the memory of two. */
  #drawing: Promise<unknown> = Promise.resolve();
  /** How far faxes came whose job could not be written: no page goes out twice for a disk that is full. */
  readonly #unwritten = new Map<string, FaxJob>();
  #sweptAt = 0;

  constructor(options: FaxTransportOptions) {
    this.#options = options;
    this.#spool = createPageSpool(join(options.folder, 'pages'));
    this.#ledger = createLedger(join(options.folder, 'calls.jsonl'));
    this.#switchboard = createSwitchboard((number, faxes, signal) => this.#place(number, faxes, signal), () => options.plan().together);
    this.#sweep();
  }

  get limits(): Transport['limits'] {
    const perNexthop = this.#options.plan().together === null ? 1 : PER_NUMBER;
    return { recipients: 1, perNexthop, inAll: Math.max(perNexthop, this.#options.line.lines + BESIDE) };
  }

  queueTimeMs(): number {
    return this.#options.plan().queueTimeMs;
  }

  async deliver(job: Delivery, interruption: Interruption): Promise<ReadonlyMap<RecipientId, Outcome>> {
    const outcomes = new Map<RecipientId, Outcome>();
    const both = AbortSignal.any([signalOf(interruption), this.#closing.signal]);
    this.#sweep();
    for (const recipient of job.recipients) {
      const work = this.#deliverOne(job, recipient, both).catch((cause: unknown): Outcome => {
        this.#options.log.error('fax', { id: job.id, cause });
        return deferred('message', '4.3.0', 'The fax cannot be sent now');
      });
      this.#under.add(work);
      outcomes.set(recipient.id, await work);
      this.#under.delete(work);
    }
    return outcomes;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#under);
  }

  /** Faxes that were cancelled, or ran out of time, leave their pages behind. */
  #sweep(): void {
    const { clock, plan, log } = this.#options;
    const now = clock.now();
    if (now - this.#sweptAt < SWEEP_EVERY_MS) return;
    this.#sweptAt = now;
    this.#spool.sweep(now - plan().queueTimeMs - SWEEP_AFTER_MS).catch((cause: unknown) => log.error('fax-sweep', { cause }));
  }

  async #save(fax: SpooledFax, job: FaxJob): Promise<void> {
    try {
      await fax.save(job);
      this.#unwritten.delete(fax.folder);
    } catch (cause) {
      this.#unwritten.set(fax.folder, job);
      this.#options.log.error('fax-spool', { folder: fax.folder, cause });
    }
  }

  async #remove(fax: SpooledFax): Promise<void> {
    this.#unwritten.delete(fax.folder);
    await fax.remove();
  }

  async #deliverOne(delivery: Delivery, recipient: Recipient, signal: AbortSignal): Promise<Outcome> {
    const { clock } = this.#options;
    if (signal.aborted) return deferred('message', '4.3.2', 'We are stopping');
    const dialled = this.#options.dial(recipient);
    const fax = this.#spool.fax(`${delivery.id}-${recipient.id}`);
    const kept = this.#unwritten.get(fax.folder) ?? (await fax.load());
    if (kept?.receipt !== undefined) return { kind: 'delivered', status: '2.0.0', said: said(kept.receipt) };
    if (dialled.kind === 'refused') {
      await this.#remove(fax);
      return dialled.outcome;
    }
    const expires = delivery.envelope.origin.at + this.#options.plan().queueTimeMs;
    const limit = await this.#dayLimit(dialled.number);
    if (limit !== null) return this.#orExpired(limit, expires, fax);
    const made = kept === null ? await this.#pagesOf(delivery, dialled, fax, signal) : { job: kept };
    if ('outcome' in made) return made.outcome.kind === 'deferred' ? this.#orExpired(made.outcome, expires, fax) : made.outcome;
    let { job } = made;
    for (;;) {
      const waiting: Fax = { id: delivery.id, job, folder: fax.folder, resolution: job.resolution, pages: job.pages.length - job.sent, signal };
      const share = await this.#switchboard.call(dialled.number, waiting);
      const verdict = verdictFor(share, waiting.pages);
      job = progress(job, share, verdict);
      if (job.sent >= job.pages.length) {
        const text = receipt(job, dialled.number, share.report);
        await this.#save(fax, { ...job, receipt: text });
        await fax.clear();
        return { kind: 'delivered', status: '2.0.0', said: said(text) };
      }
      await this.#save(fax, job);
      const outcome = this.#judge(job, verdict, share, dialled.number, signal);
      if (outcome.kind === 'failed') {
        await this.#remove(fax);
        return outcome;
      }
      const waitMs = (outcome.notBefore ?? 0) - clock.now();
      const freeToWait = verdict.kind === 'again' && verdict.cost === 'free' && waitMs > 0 && waitMs < SHORT_WAIT_MS && clock.now() + waitMs < expires;
      if (!freeToWait) return this.#orExpired(outcome, expires, fax);
      await clock.sleepUntil(outcome.notBefore as Instant, signal);
      if (signal.aborted) return outcome;
    }
  }

  async #dayLimit(number: string): Promise<Deferred | null> {
    const { callsADay, callsADayPerNumber } = this.#options.plan();
    const now = this.#options.clock.now();
    const over = (callsADay > 0 && (await this.#ledger.today(null, now)) >= callsADay) || (callsADayPerNumber > 0 && (await this.#ledger.today(number, now)) >= callsADayPerNumber);
    if (!over) return null;
    return { ...deferred('nexthop', '4.7.1', 'No more calls today: the limit of a day is reached'), notBefore: midnight(now, 1) as Instant };
  }

  async #pagesOf(delivery: Delivery, dialled: Extract<Dialled, { kind: 'dial' }>, fax: SpooledFax, signal: AbortSignal): Promise<{ readonly job: FaxJob } | { readonly outcome: Outcome }> {
    const { log, pages, plan } = this.#options;
    const turn = this.#drawing.then(async () => {
      await fax.begin();
      return pages.make({ octets: delivery.content.read(), options: dialled.options, number: dialled.number, folder: fax.folder, plan: plan() }, signal);
    });
    this.#drawing = turn.catch(() => undefined);
    const made = await turn;
    switch (made.kind) {
      case 'made': {
        const job: FaxJob = { resolution: made.resolution, pages: made.pages, coverPages: made.coverPages, notes: made.notes, sent: 0, twice: [], calls: 0, freeTries: 0, paidTries: 0 };
        await fax.save(job);
        log.info('fax-pages', { id: delivery.id, number: dialled.number, pages: made.pages.length, cover: made.coverPages, resolution: made.resolution, notes: made.notes });
        return { job };
      }
      case 'unfit':
        await this.#remove(fax);
        return { outcome: { kind: 'failed', status: made.status, said: said(made.why) } };
      case 'trouble':
        await this.#remove(fax);
        if (!signal.aborted) log.error('fax-pages', { id: delivery.id, why: made.why, ...(made.cause === undefined ? {} : { cause: made.cause }) });
        return { outcome: deferred('message', '4.3.0', `The pages cannot be made now: ${made.why}`) };
      default:
        return made satisfies never;
    }
  }

  /** One call, for one fax or several. */
  async #place(number: string, faxes: readonly Fax[], signal: AbortSignal): Promise<FaxCallReport> {
    const { line, clock, log, pages: maker } = this.#options;
    const plan = this.#options.plan();
    const [first] = faxes;
    if (signal.aborted || first === undefined) return nothing('aborted');
    const form = pageForm(plan.paper, first.resolution);
    const sheets = faxes.flatMap(fax => fax.job.pages.slice(fax.job.sent).map((page, n) => ({ fax, page, place: fax.job.sent + n + 1 })));
    const texts = sheets.map(({ fax, place }, n): StripText => ({
      at: clock.now(), name: plan.stationName, stationId: plan.stationId, number, page: n + 1, pages: sheets.length,
      ...(place === n + 1 && fax.job.pages.length === sheets.length ? {} : { whole: { page: place, pages: fax.job.pages.length } }),
    }));
    const strips = await maker.strips({ texts, resolution: first.resolution, plan, folder: join(first.folder, 'strips') }, signal);
    if (typeof strips === 'string') {
      if (!signal.aborted) throw new Error(`the transmission lines cannot be printed: ${strips}`);
      return nothing('aborted');
    }
    const pages = sheets.map(({ fax, page }, n): FaxPage => ({
      resolution: first.resolution,
      rows: form.stripRows + page.rows,
      bitmap: async () => stacked(strips[n] ?? { rows: 0, bits: new Uint8Array(0) }, await readPage(fax.folder, page)),
    }));
    const report = await line.send({ number, stationId: plan.stationId, pages }, signal);
    const { end, pagesConfirmed, durationMs, remoteId, modem } = report;
    const fields = { number, messages: faxes.map(({ id }) => id), pages: pages.length, confirmed: pagesConfirmed, end: endName(report), durationMs, ...(remoteId === undefined ? {} : { remoteId }), ...(modem === undefined ? {} : { modem }) };
    const verdict = verdictOf(end);
    const alarm = verdict.kind !== 'sent' && verdict.alarm === true;
    if (alarm) log.error('fax-call', { ...fields, why: verdict.text, said: report.said });
    else log.info('fax-call', { ...fields, said: report.said });
    // The call was made, whether or not there is room to note it.
    if (end.kind !== 'unavailable') await this.#ledger.note({ at: clock.now(), ...fields }).catch((cause: unknown) => log.error('fax-ledger', { cause }));
    return report;
  }

  /** Not through yet: again, or never again. */
  #judge(job: FaxJob, verdict: CallVerdict, { report }: Share, number: string, signal: AbortSignal): Deferred | Failed {
    const { plan, clock } = this.#options;
    if (verdict.kind === 'sent') throw new Error('a call that sent everything left pages behind');
    const remote = answeredAs(report);
    const who = remote === undefined ? number : `${number}, which answered as ${remote}`;
    if (verdict.kind === 'never') return { kind: 'failed', status: verdict.status, said: said(`${partly(job)}${verdict.text} (${who})`) };
    const { busyDelaysMs, paidDelaysMs, paidTries } = plan();
    if (job.paidTries >= paidTries && verdict.cost === 'paid') {
      return { kind: 'failed', status: verdict.status.replace(/^4/, '5') as Failed['status'], said: said(`${partly(job)}${verdict.text}; no further try after ${job.paidTries === 1 ? 'one call that was' : `${job.paidTries} calls that were`} answered (${who})`) };
    }
    const delays = verdict.cost === 'paid' ? paidDelaysMs : busyDelaysMs;
    const tries = verdict.cost === 'paid' ? job.paidTries : job.freeTries;
    const waitMs = verdict.cost === 'line'
      ? signal.aborted ? 0 : LINE_WAIT_MS[report.end.kind === 'unavailable' && report.end.why === 'in-use' ? 'in-use' : 'other']
      : (delays[Math.min(Math.max(tries, 1), delays.length) - 1] ?? 0);
    return { kind: 'deferred', status: verdict.status, blame: 'nexthop', said: said(`${partly(job)}${verdict.text} (${who})`), ...(waitMs === 0 ? {} : { notBefore: after(clock.now(), waitMs) }) };
  }

  /** Fax has a queue time of its own, and it ends here. */
  async #orExpired(outcome: Deferred, expires: number, fax: SpooledFax): Promise<Deferred | Failed> {
    const { clock } = this.#options;
    if (clock.now() < expires) return outcome.notBefore === undefined ? outcome : { ...outcome, notBefore: Math.min(outcome.notBefore, expires) as Instant };
    await this.#remove(fax);
    // RFC 3463 §3.5: delivery time expired.
    return { kind: 'failed', status: '5.4.7', ...(outcome.said === undefined ? {} : { said: outcome.said }) };
  }
}

function verdictFor({ report, confirmed, concerned }: Share, pages: number): CallVerdict {
  if (confirmed >= pages) return { kind: 'sent' };
  const verdict = verdictOf(report.end);
  // A call that says it is through, and did not confirm every page, is not through.
  if (verdict.kind === 'sent') return verdictOf({ kind: 'hangup', code: 0 });
  // Another message's pages broke the call; this one has had no turn.
  if (!concerned) return { kind: 'again', cost: 'free', status: '4.4.2', text: 'the call ended before its turn' };
  return verdict.kind === 'again' && verdict.cost === 'free' && report.pagesConfirmed > 0 ? { ...verdict, cost: 'paid' } : verdict;
}

function progress(job: FaxJob, { report, confirmed, uncertain }: Share, verdict: CallVerdict): FaxJob {
  const dialled = report.end.kind !== 'unavailable' && report.end.kind !== 'aborted';
  const sent = job.sent + confirmed;
  return {
    ...job,
    sent,
    twice: uncertain ? [...job.twice, sent + 1] : job.twice,
    calls: job.calls + (dialled ? 1 : 0),
    freeTries: verdict.kind === 'again' && verdict.cost === 'free' ? job.freeTries + 1 : job.freeTries,
    paidTries: verdict.kind === 'again' && verdict.cost === 'paid' ? job.paidTries + 1 : job.paidTries,
  };
}

/** Courier's words, with true numbers. */
function receipt(job: FaxJob, number: string, report: FaxCallReport): string {
  const count = job.pages.length;
  const remote = answeredAs(report);
  return [
    `${count} ${count === 1 ? 'page' : 'pages'} - including ${job.coverPages} cover ${job.coverPages === 1 ? 'page' : 'pages'} - sent by fax to ${number}${remote === undefined ? '' : `, which answered as ${remote}`}`,
    ...(job.calls > 1 ? [`in ${job.calls} calls`] : []),
    ...(job.twice.length > 0 ? [`page ${[...new Set(job.twice)].join(', ')} may be on paper twice`] : []),
    ...job.notes,
  ].join('; ');
}

/** How far it came, where it came somewhere. */
function partly({ sent, pages, coverPages, twice }: FaxJob): string {
  if (sent === 0 && twice.length === 0) return '';
  const cover = Math.min(sent, coverPages);
  return `${sent} of ${pages.length} pages were sent (${cover} cover, ${sent - cover} document)${twice.includes(sent + 1) ? `, and page ${sent + 1} may be on paper` : ''}: `;
}

/** Without a Remote-MTA: a fax machine has a number, and no name in DNS (RFC 3464 §2.3.5). */
function said(text: string): Diagnostic {
  return { type: 'x-fax', text };
}

/** What a machine says of itself goes no further than a telephone number could (T.30: 20 of digits, blank, plus). */
function answeredAs({ remoteId }: FaxCallReport): string | undefined {
  const clean = (remoteId ?? '').replaceAll(/[^0-9A-Za-z+ .-]/g, '').trim().slice(0, 20);
  return clean === '' ? undefined : clean;
}

function endName({ end }: FaxCallReport): string {
  return end.kind === 'hangup' ? `hangup ${end.code}` : 'why' in end ? `${end.kind} ${end.why}` : end.kind;
}

function nothing(kind: 'aborted'): FaxCallReport {
  return { end: { kind }, pagesConfirmed: 0, lastPageUncertain: false, durationMs: 0, said: '' };
}

function deferred(blame: Deferred['blame'], status: Deferred['status'], text: string): Deferred {
  return { kind: 'deferred', status, blame, said: said(text) };
}
