/** After each day: who wants to be told, and telling them. */
import { gzipSync } from 'node:zlib';
import { after, type Chance, type Clock, type Instant } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { TlsResults } from '../../core/tls.ts';
import { formatReport, parseReportRecord, reportFileName, type ReportAddress, type Reporter } from '../../grammar/tls-report.ts';
import { keepFile, nodeFileSystem } from '../../kit/file/durable-file.ts';
import type { HttpClient } from '../../kit/net/http-client.ts';
import type { Resolver } from '../../kit/dns/resolver.ts';
import { dayOf, type TlsCollection } from './collection.ts';
import { composeReportLetter } from './letter.ts';

export interface ReportDuty {
  close(): Promise<void>;
}

export interface ReportDutySettings {
  readonly collection: TlsCollection;
  readonly resolver: Pick<Resolver, 'txt'>;
  readonly http: Pick<HttpClient, 'request'>;
  /** Queues a letter; false: not now. */
  readonly post: (to: string, content: Buffer) => Promise<boolean>;
  /** As configured now. */
  readonly terms: () => ReportTerms;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
}

export interface ReportTerms {
  readonly reporter: Reporter;
  /** The From field. */
  readonly from: string;
  readonly send: boolean;
  /** Reports are written there as well. */
  readonly folder: string | null;
}

/** RFC 8460 §4.1: everybody's reports must not arrive at the stroke of midnight. */
const SPREAD_MS = 4 * 3_600_000;
const ROUND_MS = 3_600_000;
/** RFC 8460 §5.4: so long it is tried again. */
const TRIED_MS = 24 * 3_600_000;
const POST_MS = 60_000;
const ANSWER_OCTETS = 64 * 1024;
const DAY_MS = 86_400_000;

export function openReportDuty(settings: ReportDutySettings): ReportDuty {
  const { collection, resolver, http, clock, chance, log } = settings;
  const stopping = new AbortController();
  const { signal } = stopping;

  async function serve(): Promise<void> {
    const delayMs = chance.between(0, SPREAD_MS);
    while (!signal.aborted) {
      const { send, folder } = settings.terms();
      if (send || folder !== null) {
        for (const day of collection.days()) if (isDue(day, delayMs)) await reportDay(day);
      }
      await clock.sleepUntil(nextRound(delayMs), signal);
    }
  }

  function isDue(day: string, delayMs: number): boolean {
    return day < dayOf(clock.now()) && clock.now() >= endOf(day) + delayMs;
  }

  /** On the hour, or when a day's reports fall due. */
  function nextRound(delayMs: number): Instant {
    const now = clock.now();
    const due = endOf(dayOf(now)) + delayMs;
    const dueToday = endOf(dayOf(now - DAY_MS)) + delayMs;
    return Math.min(after(now, ROUND_MS), dueToday > now ? dueToday : due) as Instant;
  }

  async function reportDay(day: string): Promise<void> {
    for (const results of collection.results(day)) {
      if (signal.aborted) return;
      if (results.reported === undefined) await reportOne(results);
    }
    await collection.save();
  }

  async function reportOne(results: TlsResults): Promise<void> {
    const { day, domain } = results;
    const answer = await resolver.txt(`_smtp._tls.${domain}`);
    const late = clock.now() - endOf(day) > TRIED_MS + SPREAD_MS;
    if (answer.kind === 'unavailable' && !late) return;
    const wanted = answer.kind === 'found' ? parseReportRecord(answer.records) : null;
    if (wanted === null) return collection.settle(day, domain, 'nobody asks for it');
    const { reporter, folder, send } = settings.terms();
    const gzip = gzipSync(formatReport(results, reporter));
    if (folder !== null && !(await write(folder, reportFileName(results, reporter), gzip)) && !late) return;
    if (!send) return collection.settle(day, domain, 'written');
    const told = await Promise.all(wanted.map(to => tell(results, to, gzip)));
    const done = wanted.filter((_, n) => told[n] === null);
    // One that took it is enough: a second copy for the sake of another would be told twice.
    if (done.length > 0) {
      log.info('tls-report', { domain, day, to: done.map(textOf) });
      collection.settle(day, domain, `sent to ${done.map(textOf).join(', ')}`);
      await collection.save(); // before the next: a crash must not tell this one twice
    } else if (late) {
      log.warn('tls-report', { domain, day, why: told.join('; ') });
      collection.settle(day, domain, `given up: ${told.join('; ')}`);
    }
  }

  async function write(folder: string, name: string, gzip: Buffer): Promise<boolean> {
    try {
      await keepFile(nodeFileSystem, folder, name, [gzip]);
      return true;
    } catch (cause) {
      log.warn('tls-report', { what: 'a report could not be written', folder, why: cause instanceof Error ? cause.message : String(cause) });
      return false;
    }
  }

  /** Null: told. */
  async function tell(results: TlsResults, to: ReportAddress, gzip: Buffer): Promise<string | null> {
    const { reporter, from } = settings.terms();
    if (to.kind === 'mailto') {
      const letter = composeReportLetter({ from, to: to.address, at: clock.now(), reporter, results, gzip });
      return (await settings.post(to.address, letter)) ? null : `${to.address}: not queued`;
    }
    const answer = await http.request({ method: 'POST', url: to.url, headers: { 'content-type': 'application/tlsrpt+gzip' }, body: gzip, timeoutMs: POST_MS, limitOctets: ANSWER_OCTETS, signal });
    if (answer.kind !== 'answer') return `${textOf(to)}: ${answer.why}`;
    // RFC 8460 §5.4: only 2xx says that it was taken.
    return answer.status >= 200 && answer.status < 300 ? null : `${textOf(to)}: HTTP status ${answer.status}`;
  }

  const served = serve().catch((cause: unknown) => log.error('tls-report', { cause }));
  return {
    async close() {
      stopping.abort();
      await served;
    },
  };
}

function endOf(day: string): number {
  return Date.parse(`${day}T00:00:00Z`) + DAY_MS;
}

/** Without path: it may hold a secret. */
function textOf(to: ReportAddress): string {
  return to.kind === 'mailto' ? to.address : new URL(to.url).origin;
}
