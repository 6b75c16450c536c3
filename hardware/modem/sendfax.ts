/**
 * mgetty's sendfax as a driver: its exit status, the pages it renamed to .done, and its own words, read for what they
 * are. A page refused as often as it was tried is counted as sent by sendfax (max-tries-continue); by us it is not.
 */
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../src/core/clock.ts';
import { FAX_ROW_OCTETS, type FaxCall, type FaxCallEnd, type FaxCallReport } from '../../src/core/fax.ts';
import type { FaxKernels } from '../../src/core/kernels.ts';
import { runProgram, type Ran } from '../../src/kit/run-program.ts';
import type { Desk, DeskState } from './desk.ts';
import { lockHolder } from './lock-file.ts';
import { fitRows } from './page-rows.ts';
import type { NoSession } from './session.ts';
import type { ModemSettings } from './settings.ts';

const PROGRAM = '/usr/sbin/sendfax';
const TRIES = 3;
/** Dialling and good-bye, and what a big page at the lowest speed takes, three times over. */
const CALL_MS = 10 * 60_000;
const PAGE_MS = 30 * 60_000;
const PAGE_REFUSED = 50;
const ROWS_AT_A_TIME = 256;
/** A number is a program's argument here: nothing in it may be an option or a second command to the modem. */
const DIALLABLE = /^[0-9A-D*#,W@!TP]+$/i;

export interface SendfaxRooms {
  readonly clock: Clock;
  readonly kernels: FaxKernels;
  readonly sendfax?: string;
}

export function openSendfaxDesk(settings: ModemSettings, rooms: SendfaxRooms, freed: () => void): Desk {
  const closing = new AbortController();
  let state: DeskState = 'free';
  let trouble: NoSession | null = null;
  let running: Promise<unknown> = Promise.resolve();

  async function send(call: FaxCall, outer: AbortSignal): Promise<FaxCallReport> {
    const { clock } = rooms;
    const startedAt = clock.now();
    const signal = AbortSignal.any([outer, closing.signal]);
    const folder = await mkdtemp(join(tmpdir(), 'posthorn-fax-'));
    try {
      const found = DIALLABLE.test(call.number) ? await dial(settings, call, folder, rooms, signal) : { end: { kind: 'unavailable' as const, why: 'refuses' as const }, confirmed: 0, uncertain: false, said: 'no number to dial' };
      trouble = found.end.kind === 'unavailable' && DIALLABLE.test(call.number) ? { kind: found.end.why, why: found.said } : null;
      return { end: found.end, pagesConfirmed: found.confirmed, lastPageUncertain: found.uncertain, modem: settings.name, durationMs: clock.now() - startedAt, said: found.said };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  return {
    name: settings.name,
    get state() {
      return state;
    },
    get trouble() {
      return trouble;
    },
    send(call, signal) {
      state = 'sending';
      const sending = send(call, signal).finally(() => {
        state = 'free';
        freed();
      });
      running = sending.catch(() => undefined);
      return sending;
    },
    async close() {
      closing.abort();
      await running;
    },
  };
}

interface Found {
  readonly end: FaxCallEnd;
  readonly confirmed: number;
  readonly uncertain: boolean;
  readonly said: string;
}

async function dial(settings: ModemSettings, call: FaxCall, folder: string, rooms: SendfaxRooms, signal: AbortSignal): Promise<Found> {
  const fine = call.pages.some(({ resolution }) => resolution === 'fine');
  const files: string[] = [];
  for (const [index, page] of call.pages.entries()) {
    const bitmap = await page.bitmap(signal).catch(() => null);
    if (bitmap === null) return { end: { kind: 'aborted' }, confirmed: 0, uncertain: false, said: 'a page could not be had' };
    const file = join(folder, `${String(index + 1).padStart(4, '0')}.g3`);
    await writeFile(file, coded(fitRows(bitmap, page.resolution, fine ? 'fine' : 'normal'), rooms.kernels), { mode: 0o600 });
    files.push(file);
  }
  const id = call.stationId.replaceAll(/[^0-9+ ]/g, '').slice(0, 20);
  const modemClass = { auto: 'auto', '2': 'cls2', '2.0': 'c2.0' }[settings.fax];
  const ran = await runProgram(rooms.sendfax ?? PROGRAM, [
    '-v', '-r', ...(fine ? [] : ['-n']), '-R', String(TRIES), '-l', settings.device, '-C', modemClass, '-D', `AT${settings.dial}`,
    ...(id === '' ? [] : ['-I', id]), ...settings.init.flatMap(text => ['-m', text]), call.number, ...files,
  ], { signal, timeoutMs: CALL_MS + files.length * PAGE_MS });
  const done = new Set((await readdir(folder)).filter(name => name.endsWith('.done')).map(name => join(folder, name.slice(0, -'.done'.length))));
  return understand(ran, { files, done, aborted: signal.aborted, ...(await whyNoDevice(settings)) });
}

function coded(bitmap: Uint8Array, kernels: FaxKernels): Buffer {
  const encoder = kernels.openFaxEncoder();
  const parts: Uint8Array[] = [];
  const step = ROWS_AT_A_TIME * FAX_ROW_OCTETS;
  for (let at = 0; at < bitmap.length; at += step) parts.push(encoder.feed(bitmap.subarray(at, at + step)));
  parts.push(encoder.finish());
  return Buffer.concat(parts);
}

async function whyNoDevice({ device, lockFolder }: ModemSettings): Promise<{ readonly device: 'absent' | 'in-use' | 'refuses' }> {
  if ((await stat(device).catch(() => null)) === null) return { device: 'absent' };
  return { device: (await lockHolder(lockFolder, device))?.alive === true ? 'in-use' : 'refuses' };
}

/** What sendfax said and did, as a report. Pure. */
export function understand(ran: Ran, facts: { readonly files: readonly string[]; readonly done: ReadonlySet<string>; readonly aborted: boolean; readonly device: 'absent' | 'in-use' | 'refuses' }): Found {
  if (ran.kind === 'absent') return { end: { kind: 'unavailable', why: 'absent' }, confirmed: 0, uncertain: false, said: `sendfax: ${ran.why}` };
  const text = ran.kind === 'exited' ? `${ran.stdout}\n${ran.stderr}` : '';
  const said = ran.kind === 'exited' ? lastWords(text, ran.code) : ran.kind === 'killed' ? ran.why : 'no pages';
  const { confirmed, refused } = confirmedPages(text, facts);
  const report = (end: FaxCallEnd, uncertain = false): Found => ({ end, confirmed, uncertain, said });
  if (ran.kind !== 'exited') return report(facts.aborted ? { kind: 'aborted' } : { kind: 'lost', why: 'silence' }, confirmed < facts.files.length && text.includes('sending'));
  const [, hangup] = /\+FHNG:\s*(-?\d+)/.exec(text) ?? [];
  const code = hangup === undefined ? null : Number(hangup);
  switch (ran.code) {
    case 0:
      if (refused) return report({ kind: 'hangup', code: PAGE_REFUSED });
      return confirmed === facts.files.length ? report({ kind: 'sent' }) : report({ kind: 'lost', why: 'garbage' }, true);
    case 1:
      return report({ kind: 'unavailable', why: 'refuses' });
    case 2:
      return report({ kind: 'unavailable', why: facts.device });
    case 3:
      return report({ kind: 'unavailable', why: /not a class|refuse|init|ERROR/i.test(text) ? 'refuses' : 'silent' });
    case 4:
      return report({ kind: 'busy' });
    case 5:
      return report({ kind: 'no-dialtone' });
    case 10:
      return report(code !== null && code > 0 ? { kind: 'hangup', code } : { kind: 'no-carrier' });
    case 11:
      return report({ kind: 'lost', why: 'silence' });
    case 12:
      // Phase D is after the page: it may be on paper. What sendfax makes of a modem it did not listen to is -5 or -6.
      return code !== null && code >= 0 ? report({ kind: 'hangup', code }, code >= 50 && code <= 58) : report({ kind: 'lost', why: code === -4 ? 'carrier' : 'silence' }, true);
    case 15:
      return report(facts.aborted ? { kind: 'aborted' } : { kind: 'lost', why: 'silence' }, true);
    default:
      return report({ kind: 'lost', why: 'garbage' }, text.includes('sending'));
  }
}

/** From the first page on, those renamed to .done; not those given up. */
function confirmedPages(text: string, { files, done }: { readonly files: readonly string[]; readonly done: ReadonlySet<string> }): { readonly confirmed: number; readonly refused: boolean } {
  let confirmed = files.findIndex(file => !done.has(file));
  if (confirmed < 0) confirmed = files.length;
  if (!/maximum number of retries/i.test(text)) return { confirmed, refused: false };
  // It names no page; the first that was sent as often as it may be is the first that can be the one.
  const given = files.findIndex(file => text.split(`'${file}'`).length - 1 >= TRIES);
  return { confirmed: Math.min(confirmed, given < 0 ? 0 : given), refused: true };
}

function lastWords(text: string, code: number): string {
  const lines = text.split(/[\r\n]+/).map(line => line.replaceAll(/[^\x20-\x7e]/g, '').trim()).filter(line => line !== '' && !line.startsWith('sending'));
  return [`sendfax ${code}`, ...lines.slice(-4)].join(' | ').slice(0, 600);
}
