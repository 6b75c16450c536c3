/** Random messages through the converter: cuts change nothing, leaves decode to what they were, 7bit is 7bit. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openKernels } from '../../src/kit/wasm/kernels.ts';
import { openConversion } from '../../src/grammar/mime/convert.ts';
import { cut, randomOctets, seeded, STEPS } from './random-octets.ts';
import { slowBase64, slowFacts, slowQuotedPrintable, slowQuotedPrintableDecode } from './slow-kernels.ts';

type Random = (below: number) => number;
const ROUNDS = 120;

for (const build of ['simd', 'scalar'] as const) {
  describe(`conversion, ${build}`, () => {
    const kernels = openKernels({ build });
    const convert = (to: '7bit' | '8bit' | 'unset', pieces: readonly Buffer[]): Buffer => {
      const conversion = openConversion({ to, kernels, malformed: 'accept' });
      const out = pieces.flatMap((piece) => conversion.feed(piece).map((octets) => Buffer.from(octets)));
      return Buffer.concat([...out, ...conversion.finish().output]);
    };

    for (const to of ['7bit', '8bit', 'unset'] as const) {
      it(`to ${to}`, () => {
        for (let round = 1; round <= ROUNDS; round++) {
          const random = seeded(round * 31337);
          const message = randomMessage(random, 3, '');
          const whole = convert(to, [message]);
          for (const step of STEPS) {
            assert.ok(convert(to, cut(random, message, step)).equals(whole), `round ${round}, step ${step}`);
          }
          assert.deepEqual(leaves(whole.toString('latin1')), leaves(message.toString('latin1')), `round ${round}`);
          assert.ok(convert(to, [whole]).equals(whole), `round ${round}: converting again changes nothing`);
          if (to !== '7bit') continue;
          const facts = slowFacts(whole);
          assert.equal(facts.has8bit, false, `round ${round}`);
          assert.ok(facts.longestLine <= 998, `round ${round}`);
        }
      });
    }

    it('anything at all goes through, cut or not', () => {
      for (let round = 1; round <= ROUNDS; round++) {
        const random = seeded(round * 65537);
        const header = ['', 'Content-Type: multipart/mixed; boundary=abc\r\n\r\n', 'Mime-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n'][round % 3]!;
        const noise = randomOctets(random, random(1200)).toString('latin1').replaceAll('--', () => ['--abc', '--abc--', '--'][random(3)]!);
        const message = Buffer.from(header + noise, 'latin1');
        const whole = convert('7bit', [message]);
        for (const step of STEPS) assert.ok(convert('7bit', cut(random, message, step)).equals(whole), `round ${round}, step ${step}`);
      }
    });
  });
}

/** A message whose leaves can be told from its delimiters. */
function randomMessage(random: Random, depth: number, outer: string): Buffer {
  const boundary = `b${depth}${random(9999)}x`;
  const mime = outer === '' ? 'Mime-Version: 1.0\r\n' : '';
  const kind = depth === 0 ? 0 : random(4);
  if (kind === 1) {
    const parts = Array.from({ length: random(4) }, () => randomMessage(random, depth - 1, boundary));
    const encoding = ['', '8bit', 'binary'][random(3)]!;
    return Buffer.concat([
      Buffer.from(`${mime}${field('Content-Transfer-Encoding', encoding)}Content-Type: multipart/mixed; boundary=${boundary}\r\n\r\n`),
      ...parts.flatMap((part) => [Buffer.from(`\r\n--${boundary}\r\n`), part]),
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]);
  }
  if (kind === 2) {
    return Buffer.concat([Buffer.from(`${mime}Content-Type: message/rfc822\r\n\r\n`), randomMessage(random, depth - 1, '')]);
  }
  const octets = Buffer.from(randomOctets(random, random(600)).toString('latin1').replaceAll('--', '-').replaceAll('\0', 'n'), 'latin1');
  const encoding = ['', '7bit', '8bit', 'quoted-printable', 'base64'][random(5)]!;
  const type = ['', 'text/plain; charset=a', 'image/png'][random(3)]!;
  const body = encoding === 'base64' ? slowBase64(octets) : encoding === 'quoted-printable' ? slowQuotedPrintable(octets) : octets;
  return Buffer.concat([
    Buffer.from(`${mime}X: y\r\n${field('content-transfer-encoding', encoding)}${field('Content-Type', type)}\r\n`), body,
  ]);
}

function field(name: string, value: string): string {
  return value === '' ? '' : `${name}: ${value}\r\n`;
}

/** Decoded leaves, found the slow way. What ends a base64 leaf of a whole message is not its own. */
function leaves(message: string): string[] {
  const blank = message.startsWith('\r\n') ? -2 : message.indexOf('\r\n\r\n');
  const header = message.slice(0, Math.max(blank, 0));
  const body = message.slice(blank + 4);
  const boundary = /boundary=(\w+)/.exec(header)?.[1];
  if (boundary !== undefined) {
    const inside = `\r\n${body}`.split(`\r\n--${boundary}--\r\n`)[0]!;
    return inside.split(`\r\n--${boundary}\r\n`).slice(1).flatMap(leaves);
  }
  if (/message\/rfc822/.test(header)) return leaves(body);
  const encoding = /^content-transfer-encoding: (.*)$/im.exec(header)?.[1]?.toLowerCase();
  if (encoding === 'base64') return [Buffer.from(body, 'base64').toString('latin1')];
  if (encoding === 'quoted-printable') return [slowQuotedPrintableDecode(Buffer.from(body, 'latin1')).octets.toString('latin1')];
  return [body];
}
