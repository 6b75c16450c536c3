/** A simulated modem with a line of ours on it: what a test of the driver needs, in one call. */
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { FaxCall, FaxPage } from '../../src/core/fax.ts';
import type { ArrivalEnd, ArrivedPage, ArrivingCall, FaxArrivals } from '../../src/core/fax-arrival.ts';
import type { Clock } from '../../src/core/clock.ts';
import { silent, type Log } from '../../src/core/log.ts';
import { openFaxLine, type FaxLineRooms, type ModemLine } from '../../hardware/fax-line.ts';
import { openFaxSimulator, type FaxSimulator } from '../../hardware/fax-simulator/simulator.ts';
import type { FaxScript } from '../../hardware/fax-simulator/script.ts';
import type { ModemSettings } from '../../hardware/modem/settings.ts';
import { openKernels } from '../../src/kit/wasm/kernels.ts';
import { createFastClock } from './fast-clock.ts';
import { scratchFolder } from './scratch-folder.ts';

export const kernels = openKernels();
/** Minutes of a telephone line in a second or two. */
const TIMES = 25;
/** For tests that wait for a modem that says nothing. */
export const HURRY = 60;

export { noSocat } from './socat.ts';

export interface ModemBench {
  readonly folder: string;
  readonly clock: Clock;
  readonly modem: FaxSimulator;
  readonly settings: ModemSettings;
  /** The dialogue so far, for a failure's message. */
  journal(): string;
  openLine(more?: Partial<ModemSettings>, rooms?: Partial<FaxLineRooms>): ModemLine;
}

export async function openModemBench(t: TestContext, script: FaxScript = {}, given: { readonly log?: Log; readonly times?: number } = {}): Promise<ModemBench> {
  const folder = mkdtempSync(join(scratchFolder('modem'), 'line-'));
  const clock = createFastClock(given.times ?? TIMES);
  let journal = '';
  const modem = await openFaxSimulator({
    // Five seconds of a sped-up clock are less than a busy machine may look away.
    path: join(folder, 'ttyF0'), clock, script: { underflowMs: 90_000, ...script },
    overheard: (way, octets) => {
      const text = octets.length > 200 ? `(${octets.length} octets)` : octets.toString().replaceAll('\r', '\\r').replaceAll('\n', '\\n');
      journal = `${journal}${way} ${text}\n`.slice(-6000);
    },
  });
  t.after(() => modem.close());
  const settings: ModemSettings = {
    name: 'ttyF0', device: modem.path, driver: 'native', baud: 38_400, fax: 'auto', flow: 'software', init: [], dial: 'DT', stationId: '+49 30 555', lockFolder: folder, answerAfterRings: 0,
  };
  return {
    folder, clock, modem, settings,
    journal: () => journal,
    openLine(more = {}, rooms = {}) {
      const line = openFaxLine('fax', [{ ...settings, ...more }], { clock, kernels, log: given.log ?? silent, ...rooms });
      t.after(() => line.close());
      return line;
    },
  };
}

export function callTo(number: string, pages: readonly FaxPage[]): FaxCall {
  return { number, stationId: '+49 30 555', pages };
}

export function lockText(folder: string, name: string): string | null {
  try {
    return readFileSync(join(folder, name), 'latin1');
  } catch {
    return null;
  }
}

export const never = new AbortController().signal;

export interface KeptFax {
  readonly call: ArrivingCall;
  readonly pages: ArrivedPage[];
  end?: ArrivalEnd;
}

/** Arrivals kept in memory; `happened` at each step. */
export function rememberArrivals(happened: () => void = () => undefined): FaxArrivals & { readonly faxes: readonly KeptFax[] } {
  const faxes: KeptFax[] = [];
  return {
    faxes,
    open(call) {
      const fax: KeptFax = { call, pages: [] };
      faxes.push(fax);
      return Promise.resolve({
        page(page) {
          fax.pages.push(page);
          happened();
          return Promise.resolve('kept');
        },
        end(end) {
          fax.end = end;
          happened();
          return Promise.resolve();
        },
      });
    },
  };
}
