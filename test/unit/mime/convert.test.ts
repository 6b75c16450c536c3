import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openKernels } from '../../../src/kit/wasm/kernels.ts';
import { openConversion } from '../../../src/grammar/mime/convert.ts';
import type { ConversionOptions, ConversionResult } from '../../../src/grammar/mime/convert.ts';
import { openWrapping } from '../../../src/grammar/mime/wrapping.ts';

const kernels = openKernels();

function convert(
  text: string | Buffer, options: Omit<ConversionOptions, 'kernels'>, step = Infinity,
): { text: string; result: ConversionResult } {
  const octets = typeof text === 'string' ? Buffer.from(text.replaceAll(/\r?\n/g, '\r\n'), 'latin1') : text;
  const conversion = openConversion({ ...options, kernels });
  const out: Uint8Array[] = [];
  for (let at = 0; at < octets.length; at += step) out.push(...conversion.feed(Buffer.from(octets.subarray(at, at + step))));
  const { output, result } = conversion.finish();
  return { text: Buffer.concat([...out, ...output]).toString('latin1'), result };
}

const crlf = (text: string): string => text.replaceAll('\n', '\r\n');

const PLAIN = `From: a@example
Mime-Version: 1.0
CONTENT-TRANSFER-ENCODING:   8bit
Content-Type: text/plain; charset=utf-8
Subject:  spaces   kept

caf\u00c3\u00a9 = good
`;

describe('to 7bit', () => {
  it('changes the encoding in its place, adds the trace, and leaves every other header octet', () => {
    const { text, result } = convert(PLAIN, { to: '7bit' });
    assert.equal(text, crlf(`From: a@example
Mime-Version: 1.0
CONTENT-TRANSFER-ENCODING: quoted-printable
Content-Type: text/plain; charset=utf-8
Subject:  spaces   kept
X-Mime-Autoconverted: from 8bit to quoted-printable by posthorn

caf=C3=A9 =3D good
`));
    assert.equal(result.kind, 'converted');
    assert.deepEqual(result.left, { has8bit: false, longLines: false });
  });

  it('leaves a message that needs nothing to the octet', () => {
    const message = PLAIN.replace('8bit', '7bit').replace('caf\u00c3\u00a9', 'cafe');
    const { text, result } = convert(message, { to: '7bit' });
    assert.equal(text, crlf(message));
    assert.equal(result.kind, 'unchanged');
    assert.equal(result.rewritten, 0);
  });

  it('relabels 8bit that is none', () => {
    const { text } = convert(PLAIN.replace('caf\u00c3\u00a9', 'cafe'), { to: '7bit' });
    assert.match(text, /CONTENT-TRANSFER-ENCODING: 7bit\r\n/);
    assert.doesNotMatch(text, /Autoconverted/);
  });

  it('encodes lines over 998', () => {
    const long = 'x'.repeat(999);
    const { text, result } = convert(`Mime-Version: 1.0\nContent-Type: text/plain; charset=a\n\n${long}\n`, { to: '7bit' });
    assert.ok(text.split('\r\n').every((line) => line.length <= 76));
    assert.equal(result.rewritten, 1);
    assert.equal(convert(`A: b\n\n${long.slice(1)}\n`, { to: '7bit' }).result.kind, 'unchanged');
  });

  it('makes a MIME message of one that was none', () => {
    const { text } = convert('Subject: x\n\n\u00e9\n', { to: '7bit', defaultCharset: 'iso-8859-1' });
    assert.equal(text, crlf(`Subject: x
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable
Mime-Version: 1.0
X-Mime-Autoconverted: from 8bit to quoted-printable by posthorn

=E9
`));
  });

  it('takes base64 for what is mostly escapes, text later than the rest', () => {
    const body = (share: number): string => `${'\u00e9'.repeat(share)}${'x'.repeat(100 - share)}\n`.repeat(5);
    const encoding = (type: string, share: number): string =>
      /Encoding: (\S+)/.exec(convert(`Mime-Version: 1.0\nContent-Type: ${type}\n\n${body(share)}`, { to: '7bit' }).text)![1]!;
    assert.equal(encoding('text/plain; charset=a', 25), 'quoted-printable');
    assert.equal(encoding('text/plain; charset=a', 60), 'base64');
    assert.equal(encoding('image/x-portable', 10), 'quoted-printable');
    assert.equal(encoding('image/x-portable', 25), 'base64');
  });

  it('a base64 body decodes to the octets it was, and ends its last line', () => {
    const body = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7) & 255));
    const { text } = convert(Buffer.concat([Buffer.from('Mime-Version: 1.0\r\nContent-Type: image/png\r\n\r\n'), body]), { to: '7bit' });
    assert.match(text, /\r\n$/);
    assert.ok(Buffer.from(text.slice(text.indexOf('\r\n\r\n')), 'base64').equals(body));
  });

  const MIXED = `Mime-Version: 1.0
Content-Type: multipart/mixed; boundary=outer
Content-Transfer-Encoding: 8bit

pre\u00e9amble
--outer
Content-Type: text/plain; charset=utf-8

untouched = \t
--outer
Content-Type: message/rfc822
Content-Transfer-Encoding: 8bit

Subject: inner
Mime-Version: 1.0
Content-Type: multipart/alternative; boundary="in ner"

--in ner
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

inner \u00e9
--in ner--
--outer \t
Content-Type: multipart/signed; boundary=sig
Content-Transfer-Encoding: 8bit

--sig
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

signed \u00e9
--sig--
--outer--
epilogue
`;
  it('nested: converts what needs it inside out, never a signed part', () => {
    for (const step of [Infinity, 1, 2, 3, 7, 16, 33, 64]) {
      const { text, result } = convert(MIXED, { to: '7bit' }, step);
      assert.equal(text, crlf(MIXED
        // The outer label stays: it has to cover the signed part (RFC 2045 §6.4).
        .replace('pre\u00e9amble', 'pre?amble')
        .replace('charset=utf-8\n\nuntouched', 'charset=utf-8\nContent-Transfer-Encoding: 7bit\n\nuntouched')
        .replace('8bit\n\nSubject', '7bit\n\nSubject')
        .replace('8bit\n\ninner \u00e9', 'quoted-printable\nX-Mime-Autoconverted: from 8bit to quoted-printable by posthorn\n\ninner =E9')), `step ${step}`);
      assert.equal(result.rewritten, 1);
      assert.deepEqual(result.left, { has8bit: true, longLines: false }, 'the signed part still needs 8BITMIME');
    }
  });

  it('a multipart is labelled by what it holds, whatever else is beside it', () => {
    const part = (octet: string) => `Content-Type: multipart/signed; boundary=s\n\n--s\n\n${octet}\n--s--\n`;
    const within = (inner: string, octet: string) => `Mime-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: 8bit\n\n--b\n${inner}--b\n${part(octet)}--b--\n`;
    const inner = (octet: string) => `Content-Type: multipart/mixed; boundary=i\nContent-Transfer-Encoding: 8bit\n\n--i\n${part(octet)}--i--\n`;
    const labels = (message: string) => convert(message, { to: '7bit' }, 5).text.match(/(?<=Encoding: )\w+/g);
    assert.deepEqual(labels(within(inner('x'), 'x')), ['7bit', '7bit']);
    assert.deepEqual(labels(within(inner('x'), '\u00e9')), ['8bit', '7bit']);
    assert.deepEqual(labels(within(inner('\u00e9'), 'x')), ['8bit', '8bit']);
    const long = within(`Content-Type: text/plain; charset=utf-8\n\n${'x\n'.repeat(200_000)}`, 'x');
    assert.equal(convert(long, { to: '7bit' }, 65_536).text.match(/Encoding: 7bit/)?.length, 1);
  });

  it('a delimiter in the middle of a header ends it, one without CRLF ends the message', () => {
    const message = 'Mime-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nX: y\n--b\n\n\u00e9\n--b--';
    const { text } = convert(message, { to: '7bit' }, 1);
    assert.match(text, /--b\r\nX: y\r\n[^]*--b\r\n[^]*\r\n\r\n=E9\r\n--b--$/);
  });

  it('keeps an encoded leaf encoded, anew when it is broken', () => {
    const message = 'Mime-Version: 1.0\nContent-Type: text/plain; charset=a\nContent-Transfer-Encoding: quoted-printable\n\n=C3=A9 \u00e9 x\n';
    const { text, result } = convert(message, { to: '7bit' });
    assert.match(text, /\r\n\r\n=C3=A9 =E9 x\r\n$/);
    assert.equal(result.rewritten, 1);
    assert.equal(convert(message.replace('\u00e9', ''), { to: '7bit' }).result.kind, 'unchanged');
  });

  it('holds its memory: a leaf past the look is encoded as it comes', () => {
    const conversion = openConversion({ to: '7bit', kernels });
    conversion.feed(Buffer.from('Mime-Version: 1.0\r\nContent-Type: text/plain; charset=a\r\n\r\n'));
    const chunk = Buffer.from(`${'x'.repeat(70)}\r\n`.repeat(900));
    let held = 0;
    for (let i = 0; i < 100; i++) {
      held += chunk.length;
      for (const octets of conversion.feed(chunk)) held -= octets.length;
      assert.ok(held < 400_000, `${held} octets held`);
    }
    conversion.feed(Buffer.from('late \u00e9', 'latin1'));
    const { output, result } = conversion.finish();
    assert.match(Buffer.concat(output).toString('latin1'), /=E9$/);
    assert.equal(result.left.has8bit, false);
  });
});

describe('to 8bit', () => {
  const QUOTED = `Mime-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: Quoted-Printable

caf=C3=A9
--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

${'=C3=A9'.repeat(600).replaceAll(/.{72}/g, '$&=\n')}
--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

pl=
ain
--b--
`;
  it('decodes where the lines allow it', () => {
    for (const step of [Infinity, 1, 7, 64]) {
      const { text, result } = convert(QUOTED, { to: '8bit' }, step);
      assert.match(text, /Encoding: 8bit\r\nX-Mime-Autoconverted: from quoted-printable to 8bit by posthorn\r\n\r\ncaf\u00c3\u00a9\r\n--b/);
      assert.match(text, /Encoding: quoted-printable\r\n\r\n=C3=A9/);
      assert.match(text, /Encoding: 7bit\r\nX-Mime-Autoconverted: from quoted-printable to 7bit by posthorn\r\n\r\nplain\r\n--b--/);
      assert.match(text, /^Mime-Version: 1.0\r\nContent-Type: multipart\/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n/);
      assert.equal(result.rewritten, 2);
    }
  });
});

describe('settings', () => {
  it('unset labels what has no label, in MIME messages only', () => {
    const { text } = convert('Mime-Version: 1.0\n\n\u00e9\n', { to: 'unset' });
    assert.equal(text, crlf('Mime-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n\u00e9\n'));
    assert.equal(convert('Subject: x\n\n\u00e9\n', { to: 'unset' }).result.kind, 'unchanged');
    assert.match(convert('Mime-Version: 1.0\nContent-Type: text/html;\n\nx\n', { to: 'unset' }).text, /text\/html; charset=utf-8\r\n/);
  });
  it('none leaves everything', () => {
    const { text, result } = convert(PLAIN, { to: 'none' });
    assert.equal(text, crlf(PLAIN));
    assert.equal(result.kind, 'unchanged');
  });
  it('an attached message speaks for its own Mime-Version', () => {
    const message = 'Mime-Version: 1.0\nContent-Type: message/rfc822\n\nSubject: old\n\nno MIME here\n';
    assert.equal(convert(message, { to: 'unset' }).result.kind, 'unchanged');
  });
});

describe('malformed MIME', () => {
  const head = 'Mime-Version: 1.0\nContent-Type: ';
  const nested = (depth: number): string => (depth === 0 ? 'Subject: x\n\n\u00e9\n'
    : `${head}multipart/mixed; boundary=b${depth}x\n\n--b${depth}x\n${nested(depth - 1)}\n--b${depth}x--\n`);
  const rows: readonly [string, string | null, string][] = [
    ['20 levels', null, nested(19)],
    ['21 levels', 'too deep', nested(20)],
    ['300 parts', null, `${head}multipart/mixed; boundary=b\n\n${'--b\n\nx\n'.repeat(299)}--b--\n`],
    ['301 parts', 'too many parts', `${head}multipart/mixed; boundary=b\n\n${'--b\n\nx\n'.repeat(300)}--b--\n`],
    ['two encodings', 'duplicate field', `Content-Transfer-Encoding: 8bit\nContent-Transfer-Encoding: 7bit\n\nx\n`],
    ['two types', 'duplicate field', `${head}text/plain\nContent-Type: text/html\n\nx\n`],
    ['an encoding nobody knows', 'unknown encoding', 'Content-Transfer-Encoding: x-uuencode\n\nx\n'],
    ['no boundary', 'bad boundary', `${head}multipart/mixed\n\n--\nx\n`],
    ['an empty boundary', 'bad boundary', `${head}multipart/mixed; boundary=""\n\n--\nx\n`],
    ['a boundary that begins as an outer one', 'bad boundary',
      `${head}multipart/mixed; boundary=out\n\n--out\nContent-Type: multipart/mixed; boundary=outer\n\n--outer\n\nx\n`],
    ['a header without end', 'header too long', `A: ${'x'.repeat(1_100_000)}`],
  ];
  for (const [name, why, message] of rows) {
    it(name, () => {
      for (const malformed of ['reject', 'wrap', 'accept'] as const) {
        const { text, result } = convert(message, { to: '7bit', malformed });
        assert.equal(result.why ?? null, why);
        if (why === null) continue;
        assert.equal(result.kind, { reject: 'rejected', wrap: 'wrap', accept: 'accepted' }[malformed]);
        if (malformed === 'accept') assert.ok(text.endsWith(crlf(message).slice(-20)));
      }
    });
  }
  it('raw 8-bit only where that is asked for', () => {
    assert.equal(convert('Subject: \u00e9\n\nx\n', { to: '7bit', refuseRaw8bit: true }).result.why, '8-bit header');
    assert.equal(convert('Subject: x\n\n\u00e9\n', { to: '7bit', refuseRaw8bit: true }).result.why, 'undeclared 8-bit content');
    assert.equal(convert(PLAIN, { to: '7bit', refuseRaw8bit: true }).result.why, undefined);
    assert.equal(convert('Subject: \u00e9\n\nx\n', { to: '7bit' }).result.header8bit, true);
  });
  it('wrapped: an explanation and the original as text, 7bit, under the original names', () => {
    const original = Buffer.from(crlf('From: a@example\nSubject: \u00e9\nContent-Type: text/plain\nContent-Type: text/html\n\nbody \u00e9\n--w\n'), 'latin1');
    const wrapping = openWrapping({ kernels, why: 'duplicate field', boundary: '=_w' });
    const out = [...original].flatMap((octet) => wrapping.feed(Buffer.from([octet])));
    const text = Buffer.concat([...out, ...wrapping.finish()]).toString('latin1');
    assert.doesNotMatch(text, /[\u0080-\u00ff]/);
    assert.match(text, /^From: a@example\r\nSubject: \?\r\nMime-Version: 1.0\r\nContent-Type: multipart\/mixed; boundary="=_w"/);
    assert.match(text, /duplicate field\./);
    assert.match(text, /\r\n\r\nFrom: a@example\r\nSubject: =E9\r\n[^]*body =E9\r\n--w\r\n\r\n--=_w--\r\n$/);
  });
});
