/** What Taylor UUCP's programs say about jobs and calls, read; and what we make of it for people. Pure. */

export interface UuxJob {
  readonly id: string;
  readonly node: string;
  readonly at: number;
  /** What it will run there, or the file it sends. */
  readonly what: string;
  readonly octets: number;
}

export interface NeighborState {
  readonly node: string;
  readonly jobs: readonly UuxJob[];
  readonly waiting: { readonly messages: number; readonly octets: number; readonly oldestAt: number | null; readonly names: readonly string[] };
  /** As uustat has it; absent: never called, that it knows. */
  readonly lastCall?: { readonly at: number; readonly said: string };
}

export interface PollResult {
  readonly kind: 'called' | 'failed' | 'absent';
  /** Jobs before and after the call. */
  readonly before: number;
  readonly after: number;
  readonly sent: { readonly files: number; readonly octets: number };
  readonly received: { readonly files: number; readonly octets: number };
  /** The last words of the log about it. */
  readonly said: string;
}

/** `uustat -a`: job, system, user, MM-DD HH:MM, then words. */
export function parseJobs(text: string, now: number): readonly UuxJob[] {
  return text.split('\n').flatMap(line => {
    const found = /^(\S+) (\S+) \S+ (\d\d-\d\d \d\d:\d\d) (.*)$/.exec(line);
    if (found === null) return [];
    const [, id = '', node = '', when = '', what = ''] = found;
    return [{ id, node, at: parseWhen(when, now), what: what.replace(/^Executing /, '').replace(/ \(sending \d+ bytes\)$/, ''), octets: Number(/\(sending (\d+) bytes\)/.exec(what)?.[1] ?? 0) }];
  });
}

/** `uustat -m`: system, MM-DD HH:MM, words. */
export function parseCalls(text: string, now: number): ReadonlyMap<string, { readonly at: number; readonly said: string }> {
  const calls = new Map<string, { at: number; said: string }>();
  for (const line of text.split('\n')) {
    const found = /^(\S+)\s+(\d\d-\d\d \d\d:\d\d) (.*)$/.exec(line);
    if (found !== null) calls.set(found[1] as string, { at: parseWhen(found[2] as string, now), said: (found[3] as string).trim() });
  }
  return calls;
}

/** Without a year: the last such moment that is not to come, in local time. */
function parseWhen(text: string, now: number): number {
  const [, month = '1', day = '1', hours = '0', minutes = '0'] = /^(\d\d)-(\d\d) (\d\d):(\d\d)$/.exec(text) ?? [];
  const inYear = (year: number) => new Date(year, Number(month) - 1, Number(day), Number(hours), Number(minutes)).getTime();
  const year = new Date(now).getFullYear();
  const at = inYear(year);
  return at > now + DAY_MS ? inYear(year - 1) : at;
}

const DAY_MS = 86_400_000;

/** The log's lines about one call: `PROGRAM SYSTEM USER (DATE PID) Sending … (N bytes)`. */
export function parseCallLog(text: string, node: string): Pick<PollResult, 'sent' | 'received' | 'said'> {
  const sent = { files: 0, octets: 0 };
  const received = { files: 0, octets: 0 };
  let said = '';
  for (const line of text.split('\n')) {
    const found = /^uucico (\S+) \S+ \([^)]*\) (.*)$/.exec(line);
    if (found === null || (found[1] !== node && found[1] !== '-')) continue;
    said = found[2] as string;
    const moved = /^(Sending|Receiving) .*\((\d+) bytes/.exec(said);
    if (moved === null) continue;
    const side = moved[1] === 'Sending' ? sent : received;
    side.files++;
    side.octets += Number(moved[2]);
  }
  return { sent, received, said };
}

/** One keyword of Taylor's configuration file; its `#` comments are ours too. */
export function configuredWord(text: string, keyword: string): string | undefined {
  for (const line of text.split('\n')) {
    const [word, value] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (word?.toLowerCase() === keyword) return value;
  }
  return undefined;
}
