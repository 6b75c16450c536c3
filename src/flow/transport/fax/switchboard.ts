/**
 * Faxes for one number wait for each other here. Each goes in a call of its own, or, where the site wants that, all
 * that wait when a call begins go in it together.
 */
import type { FaxCallReport, FaxResolution } from '../../../core/fax.ts';

export interface Waiting {
  readonly resolution: FaxResolution;
  /** Pages still to send. */
  readonly pages: number;
  readonly signal: AbortSignal;
}

/** What a call did for one of the faxes in it. */
export interface Share {
  readonly report: FaxCallReport;
  readonly confirmed: number;
  /** The page behind those confirmed may be on paper. */
  readonly uncertain: boolean;
  /** Its pages' turn came, or nobody's did. */
  readonly concerned: boolean;
}

export interface Switchboard<F extends Waiting> {
  call(number: string, fax: F): Promise<Share>;
}

/** Places one call for faxes of one number and resolution; never rejects on purpose. */
export type PlaceCall<F extends Waiting> = (number: string, faxes: readonly F[], signal: AbortSignal) => Promise<FaxCallReport>;

export function createSwitchboard<F extends Waiting>(place: PlaceCall<F>, together: () => { readonly pages: number } | null): Switchboard<F> {
  interface Entry {
    readonly fax: F;
    readonly done: (share: Share) => void;
    readonly failed: (cause: unknown) => void;
  }
  const lines = new Map<string, Entry[]>();

  async function work(number: string, queue: Entry[]): Promise<void> {
    for (let group = next(queue); group.length > 0; group = next(queue)) {
      try {
        const report = await place(number, group.map(({ fax }) => fax), whenAll(group.map(({ fax }) => fax.signal)));
        shares(report, group.map(({ fax }) => fax.pages)).forEach((share, n) => (group[n] as Entry).done(share));
      } catch (cause) {
        for (const { failed } of group) failed(cause);
      }
    }
    lines.delete(number);
  }

  function next(queue: Entry[]): Entry[] {
    const first = queue.shift();
    if (first === undefined) return [];
    const group = [first];
    const most = together()?.pages ?? 0;
    let pages = first.fax.pages;
    for (const entry of queue.slice()) {
      const { fax } = entry;
      if (fax.resolution !== first.fax.resolution || pages + fax.pages > most) continue;
      pages += fax.pages;
      group.push(entry);
      queue.splice(queue.indexOf(entry), 1);
    }
    return group;
  }

  return {
    call: (number, fax) => new Promise((done, failed) => {
      const entry: Entry = { fax, done, failed };
      const queue = lines.get(number);
      if (queue !== undefined) {
        queue.push(entry);
        return;
      }
      const fresh = [entry];
      lines.set(number, fresh);
      void work(number, fresh);
    }),
  };
}

/** Pages are confirmed in the order in which they went. */
export function shares(report: FaxCallReport, pages: readonly number[]): readonly Share[] {
  let left = report.pagesConfirmed;
  let cut = false;
  return pages.map((count, n) => {
    const confirmed = Math.min(left, count);
    left -= confirmed;
    const first = confirmed < count && !cut;
    cut ||= first;
    return { report, confirmed, uncertain: first && report.lastPageUncertain, concerned: confirmed > 0 || first || (n === 0 && report.pagesConfirmed === 0) };
  });
}

/** A call that several wait for is broken off when nobody waits any more. */
function whenAll(signals: readonly AbortSignal[]): AbortSignal {
  const [only] = signals;
  if (signals.length === 1 && only !== undefined) return only;
  const all = new AbortController();
  let left = signals.length;
  const gone = (): void => {
    if (--left === 0) all.abort();
  };
  for (const signal of signals) {
    if (signal.aborted) gone();
    else signal.addEventListener('abort', gone, { once: true });
  }
  return all.signal;
}
