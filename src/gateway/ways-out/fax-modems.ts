/** The modems for the gateway and its commands: the line that sends, calls that come in, and their way to a mailbox. */
import { readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Configuration } from '../../configuration.ts';
import type { Clock } from '../../core/clock.ts';
import type { FaxLine } from '../../core/fax.ts';
import type { Intake } from '../../core/intake.ts';
import type { FaxKernels, Kernels, MimeKernels } from '../../core/kernels.ts';
import { silent, type Log } from '../../core/log.ts';
import { noFaxLine } from './fax.ts';
import type { FaxDesk } from '../../front/cli/index.ts';
import { openKernels } from '../../kit/wasm/kernels.ts';
import { createSystemClock } from '../../kit/system-clock.ts';
import { openArrivals, openSpool, readG3 } from '../../service/fax-arrivals/index.ts';

export interface FaxModemRooms {
  readonly intake: Intake;
  readonly kernels: Kernels & FaxKernels & MimeKernels;
  readonly clock: Clock;
  readonly log: Log;
}

export interface FaxModems {
  readonly line: FaxLine;
  /** What an operator should know: modems that are gone, faxes that nobody takes. */
  troubles(): readonly string[];
  /** The modems of a running gateway stay; what is new about them is for the next start. */
  reload(): void;
  close(): Promise<void>;
}

export async function openFaxModems(configuration: () => Configuration, { intake, kernels, clock, log }: FaxModemRooms): Promise<FaxModems> {
  const { faxModems: { modems }, fax: { stationId } } = configuration();
  const arrivals = openArrivals({
    folder: spoolOf(configuration()), intake, kernels, clock, log,
    settings: () => configuration().faxModems.arrivals,
    freeSpaceOctets: () => configuration().limits.freeSpaceOctets,
  });
  // A gateway without a modem does not carry the driver.
  const line = modems.length === 0 ? null : await openLine();
  async function openLine() {
    const [{ openFaxLine }, { createListening }] = await Promise.all([import('../../../hardware/fax-line.ts'), import('../../../hardware/modem/listening.ts')]);
    return openFaxLine('fax', modems.map(modem => ({ ...modem, stationId })), { clock, kernels, log, listen: createListening({ clock, kernels, log, arrivals }) });
  }
  return {
    line: line ?? noFaxLine,
    troubles: () => [
      ...(line?.modems ?? []).flatMap(({ name, trouble }) => (trouble === null || trouble.kind === 'in-use' || trouble.kind === 'aborted' ? [] : [`fax modem ${name}: ${trouble.why}`])),
      ...arrivals.troubles(),
    ],
    reload() {
      if (JSON.stringify(configuration().faxModems.modems) !== JSON.stringify(modems)) log.warn('faxmodems changed: the modems change at the next start');
    },
    async close() {
      await line?.close();
      await arrivals.close();
    },
  };
}

function spoolOf({ stateFolder }: Configuration): string {
  return join(stateFolder, 'fax', 'incoming');
}

/** For `posthorn fax probe`, `status` and `received`: the modems and the spool themselves, whether a gateway runs or not. */
export function openFaxDesk(configuration: Configuration): FaxDesk {
  const clock = createSystemClock();
  const stationId = configuration.fax.stationId;
  const { modems, arrivals } = configuration.faxModems;
  return {
    modems: () => modems.map(({ name }) => name),
    async probe(wanted) {
      const { probeModem } = await import('../../../hardware/probe.ts');
      const chosen = wanted === null ? modems : modems.filter(({ name, device }) => name === wanted || device === wanted);
      // A device that no file names yet: the usual way to begin.
      const usual = { name: wanted ?? '', device: wanted ?? '', driver: 'native', baud: 38_400, fax: 'auto', flow: 'software', init: [], dial: 'DT', lockFolder: '/var/lock', answerAfterRings: 0 } as const;
      const all = chosen.length === 0 && wanted?.startsWith('/') === true ? [usual] : chosen;
      const found = [];
      for (const modem of all) found.push(await probeModem({ ...modem, stationId }, clock, new AbortController().signal));
      return found;
    },
    async states() {
      const { stateOfModem } = await import('../../../hardware/probe.ts');
      return Promise.all(modems.map(modem => stateOfModem({ ...modem, stationId })));
    },
    async waiting() {
      return (await openSpool({ folder: spoolOf(configuration), freeSpaceOctets: () => 0, log: silent, ready: () => undefined }).ready()).length;
    },
    async receive({ hangup, senderId, files, callerId, calledId, device }) {
      const kernels = openKernels();
      const spool = openSpool({ folder: spoolOf(configuration), freeSpaceOctets: () => 0, log: silent, ready: () => undefined });
      const arrival = await spool.open({ modem: device, at: clock.now(), ...(callerId === undefined ? {} : { callerId }), ...(calledId === undefined ? {} : { calledId }) });
      if (arrival === null) return { kind: 'full' };
      let unreadable = 0;
      for (const [index, file] of files.entries()) {
        const octets = await readFile(file).catch(() => null);
        const page = octets === null ? null : readG3(octets, file, kernels);
        if (page === null) {
          unreadable++;
          continue;
        }
        // The page that a hang-up cut short is the last one.
        const cut = hangup !== 0 && index === files.length - 1;
        if ((await arrival.page({ ...page, whole: !cut, verdict: cut ? 'refused' : 'confirmed' })) === 'full') return { kind: 'full' };
      }
      const kept = files.length - unreadable;
      await arrival.end({ complete: hangup === 0 && unreadable === 0, hangup, said: 'taken by mgetty', ...(senderId === '' ? {} : { senderId }) });
      if (arrivals.removesOriginals && unreadable === 0) for (const file of files) await unlink(file).catch(() => undefined);
      return { kind: 'kept', pages: kept, unreadable };
    },
  };
}
