/** Several modems as one FaxLine: a call takes a free one, and the next one when that turns out to be no modem at all. */
import { after, type Clock } from '../src/core/clock.ts';
import type { FaxCall, FaxCallReport, FaxLine } from '../src/core/fax.ts';
import type { FaxKernels } from '../src/core/kernels.ts';
import type { Log } from '../src/core/log.ts';
import { openDesk, type Desk, type Listen } from './modem/desk.ts';
import { openSendfaxDesk } from './modem/sendfax.ts';
import { openSerialPort } from './modem/serial-port.ts';
import type { ModemSettings } from './modem/settings.ts';
import type { OpenWire } from './modem/wire.ts';

export interface FaxLineRooms {
  readonly clock: Clock;
  readonly kernels: FaxKernels;
  readonly log: Log;
  /** Absent: a serial port. */
  readonly openWire?: OpenWire;
  /** mgetty's program, where it is not in its usual place. */
  readonly sendfax?: string;
  /** Takes calls on modems that answer; absent: none is taken. */
  readonly listen?: Listen;
}

export interface ModemLine extends FaxLine {
  readonly modems: readonly Pick<Desk, 'name' | 'state' | 'trouble'>[];
}

/** Another program has the line (uucico, a call mgetty took): it is asked for again. */
const IN_USE_AGAIN_MS = 5000;
const IN_USE_AT_MOST_MS = 60_000;

export function openFaxLine(name: string, settings: readonly ModemSettings[], rooms: FaxLineRooms): ModemLine {
  const { clock } = rooms;
  const closing = new AbortController();
  const waiting = new Set<() => void>();
  const freed = () => {
    for (const wake of waiting) wake();
  };
  const desks = settings.map(one => (one.driver === 'sendfax' ? openSendfaxDesk(one, rooms, freed) : openDesk(one, { ...rooms, openWire: rooms.openWire ?? openSerialPort }, rooms.listen ?? null, freed)));
  const isFree = (desk: Desk) => desk.state === 'free' || desk.state === 'listening';

  async function untilFreed(ms: number, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const wake = () => over.abort();
    waiting.add(wake);
    await clock.sleepUntil(after(clock.now(), ms), AbortSignal.any([signal, over.signal]));
    waiting.delete(wake);
  }

  async function send(call: FaxCall, outer: AbortSignal): Promise<FaxCallReport> {
    const signal = AbortSignal.any([outer, closing.signal]);
    const startedAt = clock.now();
    const tried = new Map<Desk, FaxCallReport>();
    while (!signal.aborted) {
      // One that had no trouble first.
      const desk = desks.filter(one => !tried.has(one) && isFree(one)).toSorted((a, b) => Number(a.trouble !== null) - Number(b.trouble !== null))[0];
      if (desk !== undefined) {
        const report = await desk.send(call, signal);
        // Nothing was dialled: another modem may do it. A number that no modem may be given is not tried again.
        if (report.end.kind !== 'unavailable' || desk.trouble === null) return report;
        tried.set(desk, report);
        continue;
      }
      if (desks.some(one => !tried.has(one))) {
        await untilFreed(IN_USE_AT_MOST_MS, signal);
        continue;
      }
      const inUse = [...tried].filter(([, { end }]) => end.kind === 'unavailable' && end.why === 'in-use');
      const report = (inUse[0] ?? [...tried][0])?.[1];
      if (report === undefined) return nobody(clock.now() - startedAt, 'no modem is configured');
      if (inUse.length === 0 || clock.now() - startedAt >= IN_USE_AT_MOST_MS) return report;
      await untilFreed(IN_USE_AGAIN_MS, signal);
      for (const [one] of inUse) tried.delete(one);
    }
    return { end: { kind: 'aborted' }, pagesConfirmed: 0, lastPageUncertain: false, durationMs: clock.now() - startedAt, said: 'no modem was free in time' };
  }

  return {
    name,
    lines: desks.length,
    modems: desks,
    send,
    async close() {
      closing.abort();
      await Promise.all(desks.map(desk => desk.close()));
    },
  };
}

function nobody(durationMs: number, said: string): FaxCallReport {
  return { end: { kind: 'unavailable', why: 'absent' }, pagesConfirmed: 0, lastPageUncertain: false, durationMs, said };
}
