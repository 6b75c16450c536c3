/**
 * What is forgiven a client: nothing, unless the listener is one for devices that cannot be taught. What a device may do is
 * in its admission's variables.
 */
import type { Variables } from '../../core/policy.ts';
import { mendPath } from '../../grammar/smtp/mended-path.ts';

export interface Manners {
  /** Bad names, no greeting, addresses without brackets. */
  readonly lenient: boolean;
  /** LF ends a line, in commands and in content. */
  readonly bareLf: boolean;
  /** Words of EHLO's answer that are not shown. */
  readonly hidden: ReadonlySet<string>;
  /** A command line with what no command has taken out of its greeting. */
  line(line: string): string;
  path(argument: string, word: 'FROM' | 'TO', extended: boolean): string;
  /** The lines of the answer to EHLO. */
  shown(lines: readonly string[]): readonly string[];
}

/** Names of the variables that an admission for devices sets. */
export const deviceVariables = { bareLf: 'DEVICE_BARE_LF', hidden: 'DEVICE_HIDE' } as const;

export const strict: Manners = {
  lenient: false,
  bareLf: false,
  hidden: new Set(),
  line: line => line,
  path: argument => argument,
  shown: lines => lines,
};

export function mannersOf(variables: Variables): Manners {
  const hidden = new Set((variables.get(deviceVariables.hidden) ?? '').split(',').filter(word => word !== ''));
  return {
    lenient: true,
    bareLf: variables.has(deviceVariables.bareLf),
    hidden,
    line: line => (/^(?:HELO|EHLO)/i.test(line) ? line.replaceAll(/[\u0000-\u001f\u007f\ufffd]/g, '_') : line.trimStart()),
    path: mendPath,
    // The first line is our name.
    shown: ([name = '', ...words]) => [name, ...words.filter(word => !hidden.has((word.split(/[ =]/, 1)[0] ?? '').toUpperCase()))],
  };
}

/** LF without a CR before it becomes CRLF, whichever way the input is cut. */
export class LineEndMender {
  #endsInCr = false;

  mend(chunk: Buffer): Buffer {
    const text = chunk.toString('latin1');
    const mended = text.replaceAll(/\r\n|\n/g, (end, at: number) => (end === '\n' && at === 0 && this.#endsInCr ? '\n' : '\r\n'));
    this.#endsInCr = text.endsWith('\r');
    return mended.length === text.length ? chunk : Buffer.from(mended, 'latin1');
  }
}
