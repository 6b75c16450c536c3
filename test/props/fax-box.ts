/** The fax transport with a line that is scripted, a clock that is wound by hand, and pages that cost nothing to make. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log, LogFields } from '../../src/core/log.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import type { Delivery } from '../../src/core/transport.ts';
import { openFaxTransport, type CallPlan, type Dialled, type FaxTransport, type PageMaker } from '../../src/flow/transport/fax/index.ts';
import { localPart } from '../../src/grammar/address.ts';
import { parseCoverTemplate, shippedCover } from '../../src/grammar/fax/cover-template.ts';
import { createHandClock, type HandClock } from './hand-clock.ts';
import { letter } from './esmtp-box.ts';
import { scratchFolder } from './scratch-folder.ts';
import { createScriptedFaxLine, type ScriptedFaxLine } from './scripted-fax-line.ts';

export const HOUR = 3_600_000;

export function planFor(own: Partial<CallPlan> = {}): CallPlan {
  const cover = parseCoverTemplate(shippedCover);
  if (cover.kind === 'wrong') throw new Error('the shipped cover is wrong');
  return {
    paper: 'a4', resolution: 'fine', cover: cover.value, stationName: 'Acme', stationId: '+1 212 555 1212', fonts: [], ghostscript: 'gs', filters: '/nonexistent',
    limits: { timeMs: 60_000, memoryOctets: 536_870_912, pages: 50, pixels: 40_000_000 },
    queueTimeMs: 8 * HOUR, busyDelaysMs: [60_000, 600_000], paidDelaysMs: [600_000, 1_800_000], paidTries: 3, callsADay: 0, callsADayPerNumber: 0, together: null,
    ...own,
  };
}

export interface FaxBox {
  readonly transport: FaxTransport;
  readonly clock: HandClock;
  readonly line: ScriptedFaxLine;
  readonly folder: string;
  readonly logged: readonly { readonly event: string; readonly level: 'info' | 'error'; readonly fields: LogFields }[];
  deliverOne(delivery?: Delivery, signal?: AbortSignal): Promise<Outcome>;
  /** Another transport over the same folder, as after a restart. */
  again(line: ScriptedFaxLine): FaxBox;
}

export interface FaxBoxOptions {
  readonly line?: ScriptedFaxLine;
  readonly plan?: Partial<CallPlan>;
  readonly pages?: PageMaker;
  readonly folder?: string;
  readonly clock?: HandClock;
  readonly dial?: (local: string) => Dialled;
}

export function openFaxBox(given: FaxBoxOptions = {}): FaxBox {
  const { line = createScriptedFaxLine(), folder = scratchFolder('fax'), clock = createHandClock() } = given;
  const logged: { event: string; level: 'info' | 'error'; fields: LogFields }[] = [];
  const log: Log = {
    info: (event, fields = {}) => void logged.push({ event, level: 'info', fields }),
    warn: (event, fields = {}) => void logged.push({ event, level: 'error', fields }),
    error: (event, fields = {}) => void logged.push({ event, level: 'error', fields }),
  };
  const dial = given.dial ?? ((local): Dialled => ({ kind: 'dial', number: local, options: { lowres: false, ignore: false, cover: false } }));
  const plan = planFor(given.plan);
  const transport = openFaxTransport({ line, folder, clock, log, plan: () => plan, dial: ({ address }) => dial(localPart(address)), pages: given.pages ?? plainPages(3) });
  return {
    transport, clock, line, folder, logged,
    async deliverOne(delivery = fax(clock.now()), signal = new AbortController().signal) {
      return [...(await transport.deliver(delivery, signal)).values()][0] as Outcome;
    },
    again: next => openFaxBox({ ...given, line: next, folder, clock }),
  };
}

/** A message for a fax number that came at that time. */
export function fax(at: number, own: { readonly to?: string; readonly id?: string; readonly text?: string } = {}): Delivery {
  const to = own.to ?? '5551212';
  const plain = letter({ nexthop: to, to: [`${to}@fax`], ...(own.text === undefined ? {} : { text: own.text }), envelope: { origin: { source: 'local', protocol: 'local', at } } });
  return own.id === undefined ? plain : { ...plain, id: own.id as Delivery['id'] };
}

/** So many pages of ten rows, the first of them the cover; page n has octets of n. */
export function plainPages(count: number): PageMaker & { readonly made: number; readonly texts: readonly string[] } {
  let made = 0;
  const texts: string[] = [];
  return {
    texts,
    strips(request) {
      for (const { page, pages, whole } of request.texts) texts.push(`${page}/${pages}${whole === undefined ? '' : ` (${whole.page}/${whole.pages})`}`);
      return Promise.resolve(request.texts.map(() => ({ rows: 44, bits: new Uint8Array(44 * 216) })));
    },
    get made() { return made; },
    async make({ folder }) {
      made++;
      await mkdir(folder, { recursive: true });
      const pages = Array.from({ length: count }, (_, n) => ({ file: `${n}.bits`, rows: 10 }));
      for (const [n, { file }] of pages.entries()) await writeFile(join(folder, file), new Uint8Array(2160).fill(n + 1));
      return { kind: 'made', resolution: 'fine', pages, coverPages: 1, notes: [] };
    },
  };
}
