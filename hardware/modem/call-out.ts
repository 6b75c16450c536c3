/**
 * One call, from the dial command to the report. A page counts when the far side confirmed it (MCF, RTP, PIP), and for
 * nothing less: OK behind +FHNG is no success, neither is +FHNG:0 without a verdict, neither is OK behind +FPTS:2.
 *
 *   dial ──connected──▶ AT+FDT ──CONNECT, DC1──▶ page ──DLE ETX──▶ AT+FET ──MCF──▶ next page, or the end
 *                          ▲                                          │RTN
 *                          └──────────────── again, slower ───────────┘
 */
import type { Clock } from '../../src/core/clock.ts';
import type { FaxCall, FaxCallEnd, FaxCallReport, FaxPage } from '../../src/core/fax.ts';
import type { FaxKernels } from '../../src/core/kernels.ts';
import { AFTER_PAGE, verdictOf, type Verdict } from './dialects.ts';
import { sendPage } from './page-out.ts';
import { fitRows } from './page-rows.ts';
import { endCall } from './recovery.ts';
import type { Modem } from './start-up.ts';
import type { Answer } from './talk.ts';
import { parseParameters, stationIdOf, type Parameters } from './words.ts';

const FAR_MS = 120_000;
const START_MS = 20_000;
const ATTEMPTS = 3;
/** The second repetition is tried at 9600 bits a second: many lines that garble 14400 carry that. */
const SLOWER = 3;
/** The far side refused a page as often as we sent it: page unconfirmed, ITU-T T.30 phase D. */
const PAGE_REFUSED = 50;
const DIALLABLE = /^[0-9A-D*#,W@!TP]+$/i;

export interface CallRooms {
  readonly clock: Clock;
  readonly kernels: FaxKernels;
}

interface Progress {
  confirmed: number;
  uncertain: boolean;
  remoteId: string | undefined;
  inPage: boolean;
  /** Nothing of the call is left to be ended. */
  down: boolean;
}

export async function placeCall(modem: Modem, call: FaxCall, rooms: CallRooms, signal: AbortSignal): Promise<FaxCallReport> {
  const { clock } = rooms;
  const startedAt = clock.now();
  const progress: Progress = { confirmed: 0, uncertain: false, remoteId: undefined, inPage: false, down: false };
  const end = await attempt(modem, call, rooms, progress, signal);
  const said = modem.talk.said();
  if (!progress.down) await endCall(modem, clock, progress.inPage);
  return {
    end, said, modem: modem.name, durationMs: clock.now() - startedAt,
    pagesConfirmed: progress.confirmed, lastPageUncertain: progress.uncertain,
    ...(progress.remoteId === undefined ? {} : { remoteId: progress.remoteId }),
  };
}

async function attempt(modem: Modem, call: FaxCall, rooms: CallRooms, progress: Progress, signal: AbortSignal): Promise<FaxCallEnd> {
  const { talk, dialect } = modem;
  // Whatever else is in a number would be a command of its own to the modem.
  if (!DIALLABLE.test(call.number)) return { kind: 'unavailable', why: 'refuses' };
  const id = call.stationId.replaceAll(/[^0-9+ ]/g, '').slice(0, 20);
  const named = await talk.command(`${dialect.localId}="${id}"`, { ms: 10_000, signal });
  if (named.end === 'aborted') return { kind: 'aborted' };
  if (named.end !== 'ok') return { kind: 'unavailable', why: named.end === 'gone' ? 'unplugged' : named.end === null ? 'silent' : 'refuses' };

  const dialled = await talk.command(`${modem.settings.dial}${call.number}`, { ms: FAR_MS, signal });
  const far = dialled.reports.get(dialect.reports.answeringId);
  progress.remoteId = far === undefined ? undefined : stationIdOf(far);
  const refused = endOfDialling(dialled, dialect.reports.connected, talk.ear.noise > 0);
  if (refused !== null) {
    progress.down = dialled.hangup !== null;
    return refused;
  }
  const theirs = parseParameters(dialled.reports.get(dialect.reports.farCapabilities) ?? '1,5');
  const fine = theirs.fine && call.pages.some(({ resolution }) => resolution === 'fine');
  await talk.command(`${dialect.wish}=${wish(fine, Math.min(speedFigure(modem.profile.highestRate), speedFigure(theirs.rate)))}`, { ms: 10_000, signal });
  let agreed: Parameters = { ...theirs, fine, width: 0, coding: 0 };

  for (const [index, page] of call.pages.entries()) {
    const last = index === call.pages.length - 1;
    for (let turn = 1; ; turn++) {
      if (turn === ATTEMPTS) await talk.command(`${dialect.wish}=${wish(agreed.fine, SLOWER)}`, { ms: 10_000, signal });
      const sent = await sendOne(modem, page, last, rooms, progress, agreed, signal);
      if (sent.kind === 'end') return sent.end;
      agreed = sent.agreed;
      if (sent.verdict === 'good') {
        progress.confirmed = index + 1;
        if (sent.hangup !== null && !last) {
          progress.down = true;
          return { kind: 'hangup', code: sent.hangup };
        }
        break;
      }
      if (sent.hangup !== null) {
        progress.down = true;
        return { kind: 'hangup', code: sent.hangup === 0 ? PAGE_REFUSED : sent.hangup };
      }
      if (turn >= ATTEMPTS) return { kind: 'hangup', code: PAGE_REFUSED };
    }
  }
  return { kind: 'sent' };
}

type One =
  | { readonly kind: 'judged'; readonly verdict: Verdict; readonly hangup: number | null; readonly agreed: Parameters }
  | { readonly kind: 'end'; readonly end: FaxCallEnd };

/** One page, once. */
async function sendOne(modem: Modem, page: FaxPage, last: boolean, { clock, kernels }: CallRooms, progress: Progress, before: Parameters, signal: AbortSignal): Promise<One> {
  const { talk, dialect, profile, settings } = modem;
  const over = (end: FaxCallEnd, down = end.kind === 'hangup'): One => {
    progress.down = down;
    return { kind: 'end', end };
  };
  // Made before the line waits for it: five seconds without data end a call.
  const bitmap = await page.bitmap(signal).catch(() => null);
  if (bitmap === null) return over({ kind: 'aborted' }, false);

  const go = await talk.command('+FDT', { ms: FAR_MS, signal });
  const value = go.reports.get(dialect.reports.agreed);
  const agreed = value === undefined ? before : parseParameters(value);
  if (go.end !== 'connect') return over(endOfTalk(go, 'garbage'));
  // Wider paper or another coding than we have: none of our rows would be read.
  if (agreed.width !== 0 || agreed.coding !== 0) return over({ kind: 'lost', why: 'garbage' });
  progress.inPage = true;
  if (dialect.name === '2' && profile.saysStart) {
    const started = await untilStart(modem, clock, signal);
    if (started !== null) return over(started);
  }

  const mark = dialect.name === '2' ? 0x03 : (last ? AFTER_PAGE.end : AFTER_PAGE.more).mark;
  const out = await sendPage(talk, {
    bitmap: fitRows(bitmap, page.resolution, agreed.fine ? 'fine' : 'normal'), kernels, clock, signal, mark,
    rate: agreed.rate, aheadOctets: profile.aheadOctets, hardwareFlow: settings.flow === 'hardware',
  });
  if (out.kind !== 'written') {
    progress.inPage = out.kind !== 'hangup';
    return over(out);
  }
  progress.uncertain = true;
  // A slow line has minutes of a big page before it when our last octet is gone.
  const ms = Math.max(FAR_MS, ((out.octets * 8) / agreed.rate) * 1500 + 60_000);
  const ended = await talk.answer(ms, signal);
  if (dialect.name === '2' && (ended.end !== 'ok' || ended.hangup !== null)) return over(endOfTalk(ended, 'garbage'));
  progress.inPage = false;
  const asked = dialect.name === '2' ? await talk.command((last ? AFTER_PAGE.end : AFTER_PAGE.more).et, { ms: FAR_MS, signal }) : ended;
  const verdict = verdictIn(asked, modem);
  if (verdict === null) return over(endOfTalk(asked, 'garbage'));
  progress.uncertain = false;
  if (asked.end === 'gone' || asked.end === 'no-carrier' || asked.end === null) {
    // The verdict came before the line broke: it stands.
    if (verdict === 'good') progress.confirmed++;
    if (verdict !== 'good' || !last) return over(endOfTalk(asked, 'garbage'));
    progress.down = asked.end === 'gone';
    return { kind: 'judged', verdict, hangup: null, agreed };
  }
  progress.down = asked.hangup !== null;
  return { kind: 'judged', verdict, hangup: asked.hangup, agreed };
}

/** Class 2 says DC1 when it wants the page. Null: it said so. */
async function untilStart({ talk: { ear } }: Modem, clock: Clock, signal: AbortSignal): Promise<FaxCallEnd | null> {
  const until = clock.now() + START_MS;
  while (!ear.started) {
    const word = ear.take();
    if (word !== null) {
      if (word.kind === 'hangup') return { kind: 'hangup', code: word.code };
      if (word.kind === 'gone') return { kind: 'lost', why: 'unplugged' };
      if (word.kind === 'no-carrier') return { kind: 'lost', why: 'carrier' };
      continue;
    }
    if (signal.aborted) return { kind: 'aborted' };
    if (clock.now() >= until) return { kind: 'lost', why: 'silence' };
    await ear.stirred(until - clock.now(), signal);
  }
  return null;
}

/** Null: no verdict was given. */
function verdictIn(answer: Answer, { dialect }: Modem): Verdict | null {
  const report = answer.reports.get(dialect.reports.pageVerdict);
  if (report !== undefined) return verdictOf(Number.parseInt(report, 10));
  if (dialect.name === '2') return null;
  // Class 2.0: OK confirms, ERROR refuses; a hang-up other than the normal one confirms nothing.
  if (answer.hangup !== null && answer.hangup !== 0) return null;
  return answer.end === 'ok' ? 'good' : answer.end === 'error' ? 'bad' : null;
}

/** Null: connected. */
function endOfDialling(answer: Answer, connected: string, noisy: boolean): FaxCallEnd | null {
  if (answer.hangup !== null) return { kind: 'hangup', code: answer.hangup };
  switch (answer.end) {
    case 'ok':
      return answer.reports.has(connected) || answer.reports.size > 0 ? null : { kind: 'lost', why: 'garbage' };
    case 'busy': case 'no-answer': case 'no-carrier': case 'no-dialtone': case 'voice': case 'blacklisted':
      return { kind: answer.end };
    // A data modem took the call: somebody answered who is no fax.
    case 'connect':
      return { kind: 'voice' };
    case 'error':
      return { kind: 'unavailable', why: 'refuses' };
    case 'gone':
      return { kind: 'lost', why: 'unplugged' };
    case 'aborted':
      return { kind: 'aborted' };
    case null:
      return { kind: 'lost', why: noisy || answer.text.length > 0 ? 'garbage' : 'silence' };
    default:
      return answer.end satisfies never;
  }
}

function endOfTalk(answer: Answer, otherwise: 'garbage'): FaxCallEnd {
  if (answer.hangup !== null) return { kind: 'hangup', code: answer.hangup };
  switch (answer.end) {
    case null:
      return { kind: 'lost', why: answer.text.length > 0 ? 'garbage' : 'silence' };
    case 'gone':
      return { kind: 'lost', why: 'unplugged' };
    case 'aborted':
      return { kind: 'aborted' };
    case 'no-carrier': case 'no-dialtone': case 'no-answer': case 'busy':
      return { kind: 'lost', why: 'carrier' };
    case 'ok': case 'error': case 'voice': case 'blacklisted': case 'connect':
      return { kind: 'lost', why: otherwise };
    default:
      return answer.end satisfies never;
  }
}

function speedFigure(rate: number): number {
  return Math.max(0, Math.min(5, Math.floor(rate / 2400) - 1));
}

function wish(fine: boolean, speed: number): string {
  return `${fine ? 1 : 0},${speed},0,2,0,0,0,0`;
}
