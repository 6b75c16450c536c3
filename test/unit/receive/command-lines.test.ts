import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CommandLines } from '../../../src/flow/receive/command-lines.ts';
import { AUTH_LINE_OCTETS } from '../../../src/flow/receive/limits.ts';
import fc from '../../props/fast-check.ts';

/** What comes out when the input arrives cut at these places. */
function cut(octets: Buffer, cuts: readonly number[]): string[] {
  const lines = new CommandLines();
  const out: string[] = [];
  const edges = [...new Set([0, ...cuts.map(at => at % (octets.length + 1)), octets.length])].toSorted((a, b) => a - b);
  for (let n = 1; n < edges.length; n++) {
    const chunk = octets.subarray(edges[n - 1], edges[n]);
    for (let at = 0; at < chunk.length; at = lines.position) {
      const found = lines.next(chunk, at);
      if (found === 'line') out.push(`line ${lines.text} ${lines.octets}`);
      else if (found !== 'more') out.push(found);
      assert.ok(lines.position > at, 'it must move on');
    }
    assert.ok(lines.heldOctets <= AUTH_LINE_OCTETS + 1);
  }
  return out;
}

describe('command lines', () => {
  const rows: [string, string, string[]][] = [
    ['two lines', 'a\r\nbc\r\n', ['line a 1', 'line bc 2']],
    ['an empty line', '\r\n', ['line  0']],
    ['an unfinished line', 'a\r\nb', ['line a 1']],
    ['a bare CR is in the line', 'a\rb\r\n', ['line a\rb 3']],
    ['CR CR LF', 'a\r\r\n', ['line a\r 2']],
    ['a bare LF poisons up to CRLF', 'a\nb\r\nc\r\n', ['bareLf', 'line c 1']],
    ['each bare LF is said', 'a\nb\nc\r\nd\r\n', ['bareLf', 'bareLf', 'line d 1']],
    ['LF first', '\n\r\nd\r\n', ['bareLf', 'line d 1']],
    ['LF CR LF', '\n\r\n', ['bareLf']],
    ['CR at the end of a poisoned line', 'a\nb\r', ['bareLf']],
    ['UTF-8 is counted in octets', 'ä\r\n', ['line ä 2']],
    ['a line as long as may be', `${'x'.repeat(AUTH_LINE_OCTETS)}\r\nb\r\n`, [`line ${'x'.repeat(AUTH_LINE_OCTETS)} ${AUTH_LINE_OCTETS}`, 'line b 1']],
    ['a longer one is said once', `${'x'.repeat(AUTH_LINE_OCTETS + 1)}\r\nb\r\n`, ['tooLong', 'line b 1']],
  ];
  for (const [name, text, expected] of rows) it(name, () => assert.deepEqual(cut(Buffer.from(text), []), expected));

  it('gives the same however the input is cut', () => {
    const octet = fc.constantFrom('\r', '\n', '\r\n', 'a', 'ä', '.', '\0');
    fc.assert(fc.property(fc.array(octet, { maxLength: 40 }), fc.array(fc.nat(80)), (parts, cuts) => {
      const octets = Buffer.from(parts.join(''));
      assert.deepEqual(cut(octets, cuts), cut(octets, []));
      assert.deepEqual(cut(octets, [...octets.keys()]), cut(octets, []));
    }), { numRuns: 500 });
  });

  it('gives the same of a line near the limit, however it is cut', () => {
    fc.assert(fc.property(fc.integer({ min: -3, max: 3 }), fc.array(fc.nat(AUTH_LINE_OCTETS + 20), { maxLength: 4 }), (more, cuts) => {
      const octets = Buffer.from(`${'x'.repeat(AUTH_LINE_OCTETS + more)}\r\nnext\r\n`);
      assert.deepEqual(cut(octets, cuts), cut(octets, []));
    }), { numRuns: 100 });
  });
});
