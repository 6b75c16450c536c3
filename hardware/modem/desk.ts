/** One modem over the years: it sends when asked, listens for calls in between, and is looked for when it is gone. */
import { after, type Clock } from '../../src/core/clock.ts';
import type { FaxCall, FaxCallReport } from '../../src/core/fax.ts';
import type { FaxKernels } from '../../src/core/kernels.ts';
import type { Log } from '../../src/core/log.ts';
import { placeCall } from './call-out.ts';
import { openSession, type NoSession } from './session.ts';
import type { ModemSettings } from './settings.ts';
import type { Modem } from './start-up.ts';
import type { OpenWire } from './wire.ts';

export interface DeskRooms {
  readonly clock: Clock;
  readonly kernels: FaxKernels;
  readonly log: Log;
  readonly openWire: OpenWire;
}

/** Waits for calls on a modem and takes them; ends when it is told to, or when the modem fails. */
export type Listen = (modem: Modem, given: {
  /** No further call is taken; one that was taken goes on. */
  readonly enough: AbortSignal;
  /** Everything ends. */
  readonly signal: AbortSignal;
  readonly now: (state: 'listening' | 'receiving') => void;
}) => Promise<void>;

export type DeskState = 'free' | 'sending' | 'listening' | 'receiving';

export interface Desk {
  readonly name: string;
  readonly state: DeskState;
  /** Why the last attempt to open it failed; null: it works, as far as we know. */
  readonly trouble: NoSession | null;
  send(call: FaxCall, signal: AbortSignal): Promise<FaxCallReport>;
  close(): Promise<void>;
}

/** Of the half minute that a gateway has for its own end. */
const GRACE_MS = 20_000;
/** A modem that is gone is looked for this often. */
const LOOK_AGAIN_MS = 15_000;

export function openDesk(settings: ModemSettings, rooms: DeskRooms, listen: Listen | null, freed: () => void): Desk {
  const { clock, log } = rooms;
  const closing = new AbortController();
  let state: DeskState = 'free';
  let trouble: NoSession | null = null;
  let pause = new AbortController();
  let listening: Promise<void> = Promise.resolve();

  function note(next: NoSession | null): void {
    if (next?.kind !== trouble?.kind || next?.why !== trouble?.why) {
      if (next === null) log.info('fax-modem', { modem: settings.name, kind: 'back' });
      else if (next.kind === 'in-use' || next.kind === 'aborted') log.info('fax-modem', { modem: settings.name, kind: next.kind, why: next.why });
      else log.error('fax-modem', { modem: settings.name, kind: next.kind, why: next.why });
    }
    trouble = next;
  }

  function bug(cause: unknown): NoSession {
    log.error('bug', { modem: settings.name, cause });
    return { kind: 'refuses', why: 'our own mistake; see the log' };
  }

  async function listenOn(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const session = await openSession(settings, rooms, stop).catch(bug);
      if (session.kind === 'session') {
        note(null);
        try {
          await listen?.(session.modem, {
            enough: stop,
            signal: closing.signal,
            now: next => {
              if (state === 'sending') return; // the call that is to go out waits for us to end
              state = next;
              if (next === 'listening') freed();
            },
          });
        } catch (cause) {
          log.error('bug', { modem: settings.name, cause });
        }
        await session.close();
        if (state === 'listening' || state === 'receiving') state = 'free';
        freed();
      } else if (session.kind !== 'aborted') note(session);
      if (!stop.aborted) await clock.sleepUntil(after(clock.now(), LOOK_AGAIN_MS), stop);
    }
  }

  function goOn(): void {
    if (listen === null || settings.answerAfterRings === 0 || closing.signal.aborted) return;
    pause = new AbortController();
    listening = listenOn(AbortSignal.any([pause.signal, closing.signal]));
  }

  goOn();
  return {
    name: settings.name,
    get state() {
      return state;
    },
    get trouble() {
      return trouble;
    },
    async send(call, signal) {
      state = 'sending';
      pause.abort();
      const stop = AbortSignal.any([signal, closing.signal]);
      const startedAt = clock.now();
      try {
        await listening;
        state = 'sending';
        const session = await openSession(settings, rooms, stop).catch(bug);
        if (session.kind !== 'session') {
          if (session.kind !== 'aborted') note(session);
          const end = session.kind === 'aborted' ? { kind: 'aborted' as const } : { kind: 'unavailable' as const, why: session.kind };
          return { end, pagesConfirmed: 0, lastPageUncertain: false, modem: settings.name, durationMs: clock.now() - startedAt, said: session.why };
        }
        note(null);
        try {
          return await placeCall(session.modem, call, rooms, stop);
        } catch (cause) {
          // What was confirmed nobody knows any more: it is called uncertain, and told as such.
          log.error('bug', { modem: settings.name, cause });
          return { end: { kind: 'lost', why: 'garbage' }, pagesConfirmed: 0, lastPageUncertain: true, modem: settings.name, durationMs: clock.now() - startedAt, said: session.modem.talk.said() };
        } finally {
          await session.close();
        }
      } finally {
        state = 'free';
        goOn();
        freed();
      }
    },
    async close() {
      // A fax that comes in just now may come to its end; what goes out is called again.
      const grace = after(clock.now(), state === 'receiving' ? GRACE_MS : 0);
      pause.abort();
      await Promise.race([listening, clock.sleepUntil(grace, closing.signal)]);
      closing.abort();
      await listening;
    },
  };
}
