/** A conversion's memory does not depend on the message: 64 MB ask for no more than 1 MB does, but for a fixed bound. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openConversion } from '../../../src/grammar/mime/convert.ts';
import { LOOK_OCTETS } from '../../../src/grammar/mime/leaf.ts';
import { openKernels } from '../../../src/kit/wasm/kernels.ts';

const kernels = openKernels();
const CHUNK = 65_536;
const MB = 1_000_000;

const header = (type: string, encoding: string): string => `Mime-Version: 1.0\r\nContent-Type: ${type}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`;
const bodies = {
  'text': { to: '7bit', header: header('text/plain; charset=utf-8', '8bit'), body: 'Grüße, grüße, und noch viele Zeilen\r\n' },
  'one line without end': { to: '7bit', header: header('text/plain; charset=utf-8', '8bit'), body: 'ä' },
  'quoted-printable to 8bit': { to: '8bit', header: header('text/plain; charset=utf-8', 'quoted-printable'), body: 'Gr=C3=BC=C3=9Fe=\r\n' },
  'dashes that could be a delimiter': { to: '7bit', header: header('multipart/mixed; boundary=b', '8bit') + '--b\r\n\r\n', body: '\r\n--bbbbbb' },
  'preamble': { to: '7bit', header: header('multipart/mixed; boundary=b', '8bit'), body: 'nothing but preamble\r\n' },
} as const;

/** The most octets that were in the converter: what went in, less what came out, with the growth that it makes. */
function mostHeld(one: (typeof bodies)[keyof typeof bodies], octets: number): number {
  const unit = Buffer.from(one.body);
  const chunk = Buffer.from(one.body.repeat(Math.ceil(CHUNK / unit.length)));
  const conversion = openConversion({ to: one.to, kernels, malformed: 'accept' });
  let held = 0;
  let most = 0;
  const step = (piece: Buffer): void => {
    held += piece.length;
    most = Math.max(most, held);
    // What comes out empties the converter: it holds back lines and a look, never the past.
    if (conversion.feed(piece).reduce((sum, given) => sum + given.length, 0) > 0) held = 0;
  };
  step(Buffer.from(one.header));
  for (let at = 0; at < octets; at += chunk.length) step(chunk);
  conversion.finish();
  return most;
}

for (const [name, one] of Object.entries(bodies)) {
  test(`octets waiting within a conversion: ${name}`, () => {
    assert.ok(mostHeld(one, 8 * MB) <= LOOK_OCTETS + 3 * CHUNK);
  });
}

test('process memory: the peak at 64 MB is that of 1 MB and a bound', () => {
  const peak = (octets: number): number => {
    const chunk = Buffer.from(bodies.text.body.repeat(Math.ceil(CHUNK / bodies.text.body.length)));
    const conversion = openConversion({ to: '7bit', kernels });
    conversion.feed(Buffer.from(bodies.text.header));
    let most = 0;
    for (let at = 0, n = 0; at < octets; at += chunk.length, n++) {
      conversion.feed(chunk);
      if (n % 16 === 0) {
        globalThis.gc?.();
        const { heapUsed, arrayBuffers } = process.memoryUsage();
        most = Math.max(most, heapUsed + arrayBuffers);
      }
    }
    conversion.finish();
    return most;
  };
  setFlagsFromString('--expose-gc');
  globalThis.gc = runInNewContext('gc') as NodeJS.GCFunction;
  peak(MB);
  const small = peak(MB);
  const large = peak(64 * MB);
  assert.ok(large - small < 8 * MB, `${small} octets at 1 MB, ${large} at 64 MB`);
});
