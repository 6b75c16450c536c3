/**
 * A call that was taken: page after page, each on disk before the AT+FDR that confirms it to the sender. Whatever ends
 * the call, the pages that came stay, and the call is told as it was.
 *
 *   ATA ─+FCON─▶ AT+FDR ─CONNECT, DC2─▶ page ─DLE ETX, +FPTS, +FET─▶ kept ─▶ AT+FPTS=1|2 ─▶ AT+FDR ─▶ …
 *                                                                            the last AT+FDR: +FHNG:0
 */
import type { Clock } from '../../src/core/clock.ts';
import type { ArrivalEnd, FaxArrival } from '../../src/core/fax-arrival.ts';
import type { FaxKernels } from '../../src/core/kernels.ts';
import { verdictOf } from './dialects.ts';
import { createPageIn, isLegible, type PageIn } from './page-in.ts';
import { endCall } from './recovery.ts';
import type { Modem } from './start-up.ts';
import type { Answer } from './talk.ts';
import { parseParameters } from './words.ts';

const FAR_MS = 120_000;
const SILENT_MS = 60_000;
/** Without data for so long, the modem may have hung up without ending the page. */
const DOUBT_MS = 5000;
const START_WRITE_MS = 10_000;
/** A page refused so often is kept as it is: a poor copy is more than none. */
const REFUSALS = 2;
/** Nobody sends more in one call, and a sender that never ends is no fax. */
const MOST_PAGES = 999;
const CAN = 0x18;

export interface CallInRooms {
  readonly clock: Clock;
  readonly kernels: FaxKernels;
}

/** The page's octets ended, or why they did not. */
type Fetched = { readonly kind: 'page'; readonly after: Answer } | { readonly kind: 'broken'; readonly why: string; readonly hangup?: number };

export async function takePages(modem: Modem, answered: Answer, arrival: FaxArrival, rooms: CallInRooms, signal: AbortSignal): Promise<Omit<ArrivalEnd, 'senderId'> & { readonly pages: number }> {
  const { talk, dialect, profile } = modem;
  let fine = parseParameters(answered.reports.get(dialect.reports.agreed) ?? '1').fine;
  let pages = 0;
  let refusals = 0;
  let lastAsked = false;

  const told = (complete: boolean, hangup?: number) => ({ complete, pages, said: talk.said(), ...(hangup === undefined ? {} : { hangup }) });
  const broken = async (inPage: boolean, hangup?: number) => {
    const end = told(false, hangup);
    if (hangup === undefined) await endCall(modem, rooms.clock, inPage);
    return end;
  };

  while (pages < MOST_PAGES) {
    const page = createPageIn(rooms.kernels, profile.arrivesTurned);
    const go = await talk.command('+FDR', { ms: FAR_MS, signal, page });
    const agreed = go.reports.get(dialect.reports.agreed);
    if (agreed !== undefined) fine = parseParameters(agreed).fine;
    if (go.end !== 'connect') {
      talk.ear.endPage();
      // The far side's good-bye after its last page is the usual end.
      if (go.hangup === 0 && lastAsked) return told(true, 0);
      return broken(false, go.hangup ?? undefined);
    }
    const fetched = await fetchPage(modem, page, rooms, signal);
    const read = page.read();
    const arrived = fetched.kind === 'page' && fetched.after.hangup === null;
    const whole = arrived && !read.cut;
    const legible = isLegible(read);
    const modemSays = verdictOf(Number.parseInt(fetched.kind === 'page' ? (fetched.after.reports.get(dialect.reports.pageVerdict) ?? '1') : '2', 10));
    const refuse = (!legible || modemSays === 'bad') && refusals < REFUSALS;
    if (read.rows > 0) {
      const kept = await arrival.page({ resolution: fine ? 'fine' : 'normal', rows: read.rows, badRows: read.badRows, coded: read.coded, verdict: refuse || !arrived ? 'refused' : 'confirmed', whole });
      // Not on disk: the sender may not believe that it is.
      if (kept === 'full') return broken(fetched.kind !== 'page');
      pages++;
    }
    if (fetched.kind === 'broken') return broken(true, fetched.hangup);
    if (fetched.after.hangup !== null) return told(false, fetched.after.hangup);
    refusals = refuse ? refusals + 1 : 0;
    lastAsked = !refuse && fetched.after.reports.get('+FET')?.startsWith('2') === true;
    // Said in every case: what the modem thinks of the page by itself is only its opinion.
    const verdict = await talk.command(`${dialect.receiveVerdict}=${refuse ? 2 : 1}`, { ms: 10_000, signal });
    if (verdict.end === 'gone' || verdict.end === 'aborted' || verdict.hangup !== null) return broken(false, verdict.hangup ?? undefined);
    if (refuse && verdict.end !== 'ok') return broken(false);
  }
  return broken(false);
}

async function fetchPage({ talk, profile, dialect }: Modem, page: PageIn, { clock }: CallInRooms, signal: AbortSignal): Promise<Fetched> {
  const { ear } = talk;
  if ((await talk.write(new Uint8Array([profile.startPage]), START_WRITE_MS, signal)) !== 'written') return { kind: 'broken', why: ear.gone ?? 'the modem takes no octet' };
  let before = 0;
  let quietSince = clock.now();
  while (ear.receiving) {
    if (ear.gone !== null) return { kind: 'broken', why: ear.gone };
    if (signal.aborted) {
      await talk.write(new Uint8Array([CAN]), START_WRITE_MS, new AbortController().signal);
      return { kind: 'broken', why: 'we are stopping' };
    }
    await ear.stirred(DOUBT_MS, signal);
    if (page.octetsSoFar > before) {
      before = page.octetsSoFar;
      quietSince = clock.now();
      continue;
    }
    const quiet = clock.now() - quietSince;
    const [, hangup] = quiet >= DOUBT_MS ? (/\r\n(?:\+FHNG:\s*(\d+)|\+FHS:\s*\d+|NO CARRIER)\r\n/.exec(page.tail()) ?? []) : [];
    if (hangup !== undefined) {
      ear.endPage();
      return { kind: 'broken', why: 'hung up within the page', hangup: Number(hangup) };
    }
    if (quiet >= SILENT_MS) {
      ear.endPage();
      return { kind: 'broken', why: 'silence within the page' };
    }
  }
  const after = await talk.answer(FAR_MS, signal);
  if (after.end === 'ok' && (after.hangup !== null || after.reports.has(dialect.reports.pageVerdict) || after.reports.has('+FET'))) return { kind: 'page', after };
  return { kind: 'broken', why: 'no word about the page', ...(after.hangup === null ? {} : { hangup: after.hangup }) };
}
