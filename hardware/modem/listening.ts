/** Waiting for RING: who calls, after how many rings the call is taken, and what kind of call it is (adaptive answer). */
import { after, type Clock } from '../../src/core/clock.ts';
import type { FaxArrivals } from '../../src/core/fax-arrival.ts';
import type { FaxKernels } from '../../src/core/kernels.ts';
import type { Log } from '../../src/core/log.ts';
import { takePages } from './call-in.ts';
import type { Listen } from './desk.ts';
import { endCall } from './recovery.ts';
import type { Modem } from './start-up.ts';
import { stationIdOf } from './words.ts';

export interface ListeningRooms {
  readonly clock: Clock;
  readonly kernels: FaxKernels;
  readonly log: Log;
  readonly arrivals: FaxArrivals;
}

const ANSWER_MS = 80_000;
/** Rings come every six seconds; after two that are missing the caller has given up. */
const RING_GAP_MS = 15_000;
/** A modem that was reset by hand, or hangs, is found out. */
const CHECK_MS = 3_600_000;
const SETUP_MS = 10_000;

interface Rings {
  readonly callerId?: string;
  readonly calledId?: string;
}

export function createListening(rooms: ListeningRooms): Listen {
  return async (modem, { enough, signal, now }) => {
    while (!enough.aborted) {
      if (!(await prepare(modem, enough))) return;
      now('listening');
      const rings = await untilRing(modem, rooms.clock, enough, now);
      if (rings === 'gone' || enough.aborted) return;
      if (rings === 'check') continue;
      await answer(modem, rings, rooms, signal);
    }
  };
}

/** Both kinds of call are told apart by the modem (+FAA=1); not all can, and those take faxes only. */
async function prepare({ talk, profile, dialect }: Modem, signal: AbortSignal): Promise<boolean> {
  for (const text of [`+FCLASS=${dialect.name}`, 'S0=0', '+FCR=1', '+FAA=1', ...profile.callerId]) {
    const { end } = await talk.command(text, { ms: SETUP_MS, signal });
    if (end === 'gone' || end === 'aborted' || end === null) return false;
  }
  return true;
}

/** Once it rings the line is not free: who dialled now would be talking to the caller. */
async function untilRing({ talk: { ear }, settings }: Modem, clock: Clock, signal: AbortSignal, now: (state: 'listening' | 'receiving') => void): Promise<Rings | 'gone' | 'check'> {
  const checkAt = after(clock.now(), CHECK_MS);
  let count = 0;
  let ids: { callerId?: string; calledId?: string } = {};
  for (;;) {
    const word = await ear.hear(count > 0 ? RING_GAP_MS : checkAt - clock.now(), signal);
    if (signal.aborted) return 'gone';
    if (word === null) {
      if (count === 0) return 'check';
      count = 0;
      ids = {};
      now('listening');
      continue;
    }
    if (word.kind === 'gone') return 'gone';
    if (word.kind === 'text') {
      const [, name = '', value = ''] = /^(NMBR|CALLER NUMBER|CALLER ID|FM|NDID|DDN_NMBR|CALLED NUMBER|TO)\s*[=:]\s*(.{1,40})$/i.exec(word.text) ?? [];
      const number = value.replaceAll(/[^0-9+*#A-Za-z ]/g, '').trim();
      if (/^(?:NDID|DDN_NMBR|CALLED NUMBER|TO)$/i.test(name)) ids.calledId = number;
      else if (name !== '') ids.callerId = number;
    } else if (word.kind === 'ring') {
      now('receiving');
      if (++count >= settings.answerAfterRings) return ids;
    }
  }
}

async function answer(modem: Modem, rings: Rings, { clock, log, kernels, arrivals }: ListeningRooms, signal: AbortSignal): Promise<void> {
  const { talk, dialect } = modem;
  const arrival = await arrivals.open({ modem: modem.name, at: clock.now(), ...rings });
  if (arrival === null) {
    log.error('fax-in', { modem: modem.name, ...rings, kind: 'not taken', why: 'no room to keep a fax' });
    // Not taken, it stops ringing some day; until then every ring would ask anew.
    await talk.ear.stirred(RING_GAP_MS, signal);
    return;
  }
  const answered = await talk.command('A', { ms: ANSWER_MS, signal });
  const { connected, callingId } = dialect.reports;
  const senderId = stationIdOf(answered.reports.get(callingId) ?? '');
  if (answered.end !== 'ok' || answered.hangup !== null || !answered.reports.has(connected)) {
    const kind = answered.end === 'connect' ? 'data call' : 'no fax';
    log.info('fax-in', { modem: modem.name, ...rings, kind, hangup: answered.hangup, said: talk.said().slice(-300) });
    if (answered.hangup === null) await endCall(modem, clock, false);
    await arrival.end({ complete: false, said: kind, ...(answered.hangup === null ? {} : { hangup: answered.hangup }) });
    return;
  }
  const { pages, ...end } = await takePages(modem, answered, arrival, { clock, kernels }, signal);
  log.info('fax-in', { modem: modem.name, ...rings, kind: end.complete ? 'fax' : 'partial fax', sender: senderId, pages, ...(end.hangup === undefined ? {} : { hangup: end.hangup }), ...(end.complete ? {} : { said: end.said.slice(-300) }) });
  await arrival.end({ ...end, ...(senderId === '' ? {} : { senderId }) });
}
