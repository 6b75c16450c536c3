/** A modem of ours for a while: lock file, open port, known modem; and all of it given back in the end. */
import type { Clock } from '../../src/core/clock.ts';
import { takeLock } from './lock-file.ts';
import type { ModemSettings } from './settings.ts';
import { startModem, type Modem } from './start-up.ts';
import { openTalk } from './talk.ts';
import type { OpenWire } from './wire.ts';

export interface ModemSession {
  readonly kind: 'session';
  readonly modem: Modem;
  close(): Promise<void>;
}

export interface NoSession {
  readonly kind: 'absent' | 'in-use' | 'silent' | 'unplugged' | 'refuses' | 'aborted';
  readonly why: string;
}

export interface SessionRooms {
  readonly clock: Clock;
  readonly openWire: OpenWire;
}

export async function openSession(settings: ModemSettings, rooms: SessionRooms, signal: AbortSignal): Promise<ModemSession | NoSession> {
  const locked = await takeLock(settings.lockFolder, settings.device);
  if (locked.kind === 'held') return { kind: 'in-use', why: `locked by process ${locked.pid}` };
  if (locked.kind === 'impossible') return { kind: 'refuses', why: `cannot be locked in ${settings.lockFolder}: ${locked.why}` };
  const { lock } = locked;
  const talk = await openTalk({ path: settings.device, baud: settings.baud, hardwareFlow: settings.flow === 'hardware' }, rooms)
    // The native part of serialport does not load on every machine.
    .catch((error: unknown) => ({ kind: 'refused' as const, why: `the serial port cannot be used: ${error instanceof Error ? error.message : String(error)}` }));
  if (talk.kind !== 'talk') {
    await lock.release();
    return { kind: talk.kind === 'refused' ? 'refuses' : talk.kind, why: talk.why };
  }
  const close = async () => {
    await talk.close();
    await lock.release();
  };
  const modem = await startModem(talk, settings, rooms.clock, signal).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  if (modem.kind === 'modem') return { kind: 'session', modem, close };
  await close();
  return modem;
}
