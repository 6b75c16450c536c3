/**
 * The last lines of the log, so that an operator can ask where a mail went: those about messages, and the last of all.
 * They are kept as the octets that were written, outside of the heap; as objects they were most of what grew old there.
 */
import type { Log, LogFields } from '../../core/log.ts';
import type { LineSink } from './line-sink.ts';
import { openLogLines } from './log-lines.ts';

export interface RememberedLine {
  readonly at: number;
  readonly level: 'info' | 'warn' | 'error';
  readonly event: string;
  readonly fields: LogFields;
}

export interface LogMemory {
  /** Whole lines, as openLogLines() has them. */
  add(lines: Buffer): void;
  /** For what nobody else makes a line of. */
  readonly keep: Log;
  /** Called before somebody looks: what is gathered elsewhere is to be added now. */
  onLook(gathered: () => void): void;
  /** Events about messages, oldest first; of one message when `id` is given. */
  recent(id?: string): readonly RememberedLine[];
  /** About messages or not, oldest first. */
  lines(): readonly RememberedLine[];
}

/** Some 8000 lines about relayed messages, and 1500 of all. */
const USUAL_OCTETS = { events: 2 * 1024 * 1024, lines: 384 * 1024 };
const LF = 0x0a;
/** In a text it would be `\"id\":`. */
const ABOUT_A_MESSAGE = Buffer.from('"id":"');

export function createLogMemory(octets: { readonly events: number; readonly lines: number } = USUAL_OCTETS): LogMemory {
  const events = new LineRing(octets.events);
  const lines = new LineRing(octets.lines);
  const lookers: (() => void)[] = [];

  function add(some: Buffer): void {
    lines.add(some);
    let about = some.indexOf(ABOUT_A_MESSAGE);
    let run = -1;
    for (let from = 0, end; from < some.length; from = end) {
      end = lineEnd(some, from);
      if (about >= 0 && about < from) about = some.indexOf(ABOUT_A_MESSAGE, from);
      if (about >= 0 && about < end) run = run < 0 ? from : run;
      else if (run >= 0) {
        events.add(some.subarray(run, from));
        run = -1;
      }
    }
    if (run >= 0) events.add(some.subarray(run));
  }

  function look(ring: LineRing, wanted: string): readonly RememberedLine[] {
    for (const gathered of lookers) gathered();
    return ring.lines().filter(line => line.includes(wanted)).flatMap(read).sort((one, other) => one.at - other.at);
  }

  return {
    add,
    keep: openLogLines({ to: straightInto(add) }),
    onLook: gathered => void lookers.push(gathered),
    recent: id => look(events, id === undefined ? '' : `"id":${JSON.stringify(id)}`).filter(({ fields }) => (id === undefined ? fields['id'] !== undefined : fields['id'] === id)),
    lines: () => look(lines, ''),
  };
}

function lineEnd(some: Buffer, from: number): number {
  const lf = some.indexOf(LF, from);
  return lf < 0 ? some.length : lf + 1;
}

/** A line that is none is left out. */
function read(line: string): RememberedLine[] {
  try {
    const { time, level, event, ...fields } = JSON.parse(line) as LogFields & Pick<RememberedLine, 'level' | 'event'> & { readonly time: string };
    return [{ at: Date.parse(time), level, event, fields }];
  } catch {
    return [];
  }
}

function straightInto(add: (lines: Buffer) => void): LineSink {
  return { dropped: 0, write: line => add(Buffer.from(line)), flush: () => undefined, flushNow: () => undefined, end: () => Promise.resolve() };
}

/** Octets in a ring: the newest take the place of the oldest. */
class LineRing {
  readonly #size: number;
  #octets: Buffer | null = null;
  #at = 0;
  #full = false;

  constructor(size: number) {
    this.#size = size;
  }

  add(lines: Buffer): void {
    if (lines.length > this.#size) return;
    this.#octets ??= Buffer.allocUnsafeSlow(this.#size);
    const before = lines.copy(this.#octets, this.#at);
    this.#at += before;
    if (this.#at < this.#size) return;
    this.#at = lines.copy(this.#octets, 0, before);
    this.#full = true;
  }

  lines(): string[] {
    if (this.#octets === null) return [];
    const newer = this.#octets.subarray(0, this.#at);
    if (!this.#full) return newer.toString().split('\n');
    const all = Buffer.concat([this.#octets.subarray(this.#at), newer]);
    // The first has lost its beginning.
    return all.toString('utf8', lineEnd(all, 0)).split('\n');
  }
}
