/** A FaxLine that does as it is told, call by call, and keeps the pages that it confirmed. */
import type { FaxCall, FaxCallEnd, FaxCallReport, FaxLine } from '../../src/core/fax.ts';

export interface ScriptedCall {
  readonly end?: FaxCallEnd;
  /** Absent: all. */
  readonly confirmed?: number;
  readonly uncertain?: true;
  readonly remoteId?: string;
  /** The call waits until its signal fires. */
  readonly held?: true;
  /** Until it resolves, the call is on the line. */
  readonly until?: Promise<unknown>;
}

export interface TakenCall {
  readonly number: string;
  readonly stationId: string;
  /** How many pages were offered. */
  readonly offered: number;
  /** Those that were confirmed: rows, and their octets. */
  readonly pages: readonly { readonly rows: number; readonly resolution: string; readonly bits: Uint8Array }[];
}

export interface ScriptedFaxLine extends FaxLine {
  readonly calls: readonly TakenCall[];
}

/** `script` is asked at each call; what it does not say goes well. */
export function createScriptedFaxLine(script: (call: FaxCall, n: number) => ScriptedCall | undefined = () => undefined, lines = 2): ScriptedFaxLine {
  const calls: TakenCall[] = [];
  return {
    name: 'scripted',
    lines,
    calls,
    async send(call, signal): Promise<FaxCallReport> {
      const said = script(call, calls.length) ?? {};
      const taken: { rows: number; resolution: string; bits: Uint8Array }[] = [];
      calls.push({ number: call.number, stationId: call.stationId, offered: call.pages.length, pages: taken });
      if (signal.aborted) return report({ kind: 'aborted' }, 0, said);
      if (said.held === true) {
        await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }));
        return report({ kind: 'aborted' }, 0, said);
      }
      await said.until;
      const end = said.end ?? { kind: 'sent' };
      const confirmed = said.confirmed ?? (end.kind === 'sent' ? call.pages.length : 0);
      for (const page of call.pages.slice(0, confirmed)) {
        const bits = await page.bitmap(signal);
        taken.push({ rows: page.rows, resolution: page.resolution, bits });
      }
      return report(end, confirmed, said);
    },
    close: () => Promise.resolve(),
  };
}

function report(end: FaxCallEnd, pagesConfirmed: number, { uncertain, remoteId }: ScriptedCall): FaxCallReport {
  return { end, pagesConfirmed, lastPageUncertain: uncertain === true, durationMs: 62_000, said: `scripted ${end.kind}`, modem: 'scripted', ...(remoteId === undefined ? {} : { remoteId }) };
}
