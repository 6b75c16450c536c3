import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { after, describe, it } from 'node:test';
import { convert } from '../../../src/front/cli/message/convert.ts';

const folder = mkdtempSync(join(tmpdir(), 'posthorn-convert-'));
after(() => rmSync(folder, { recursive: true }));

class Sink extends Writable {
  readonly chunks: Buffer[] = [];
  isTTY = false;
  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.chunks.push(chunk);
    done();
  }
  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }
}

async function run(args: string[], input: Buffer | string = '', tty = false): Promise<{ exit: number; out: string; err: string }> {
  const stdout = new Sink();
  const stderr = new Sink();
  stderr.isTTY = tty;
  const stdin = Readable.from([Buffer.from(input as string, 'latin1')]);
  const exit = await convert(args, { stdin, stdout, stderr });
  return { exit, out: stdout.text, err: stderr.text };
}

function file(name: string, text: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, typeof text === 'string' ? Buffer.from(text, 'latin1') : text);
  return path;
}

const MESSAGE = 'Mime-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\ncaf\u00c3\u00a9 and so on\n';
const CONVERTED = MESSAGE.replace('8bit', 'quoted-printable\nX-Mime-Autoconverted: from 8bit to quoted-printable by posthorn')
  .replace('\u00c3\u00a9', '=C3=A9');
const SIGNED = 'Mime-Version: 1.0\nContent-Type: multipart/signed; boundary=s\n\n--s\n\n\u00e9\n--s--\n';
const BROKEN = 'Mime-Version: 1.0\nContent-Type: multipart/mixed\n\nx \u00e9\n';

describe('posthorn convert', () => {
  it('standard input, line ends as they came', async () => {
    assert.deepEqual(await run(['--7bit', '-'], MESSAGE), { exit: 0, out: CONVERTED, err: '' });
    const crlf = (text: string): string => text.replaceAll('\n', '\r\n');
    assert.deepEqual(await run(['--7bit', '-'], crlf(MESSAGE)), { exit: 0, out: crlf(CONVERTED), err: '' });
  });
  it('several files, one after the other, and back', async () => {
    const one = file('one', MESSAGE);
    assert.equal((await run(['--7bit', one, one])).out, CONVERTED + CONVERTED);
    const back = await run(['--8bit', file('two', CONVERTED)]);
    assert.match(back.out, /\n\ncaf\u00c3\u00a9 and so on\n$/);
  });
  it('in place, leaving nothing else behind', async () => {
    const path = file('three', MESSAGE);
    assert.equal((await run(['--7bit', '--in-place', path])).exit, 0);
    assert.equal(readFileSync(path, 'latin1'), CONVERTED);
    const broken = file('four', BROKEN);
    assert.equal((await run(['--7bit', '--in-place', '--malformed', 'reject', broken])).exit, 65);
    assert.equal(readFileSync(broken, 'latin1'), BROKEN);
    assert.deepEqual(readdirSync(folder).filter((name) => name.includes('converting')), []);
  });
  it('says with 65 what could not be done', async () => {
    const signed = await run(['--7bit', '-'], SIGNED);
    assert.equal(signed.exit, 65);
    assert.equal(signed.out, SIGNED);
    assert.match(signed.err, /signed/);
    const broken = await run(['--7bit', '-'], BROKEN);
    assert.equal(broken.exit, 65);
    assert.equal(broken.out, BROKEN);
    assert.match(broken.err, /bad boundary/);
  });
  it('wraps', async () => {
    const { exit, out } = await run(['--7bit', '--malformed=wrap', file('five', BROKEN)]);
    assert.equal(exit, 65);
    assert.match(out, /bad boundary[^]*x =E9/);
    assert.doesNotMatch(out, /[\u0080-\u00ff]/);
  });
  it('exit codes of wrong calls and missing files', async () => {
    assert.equal((await run(['--help'])).exit, 0);
    for (const args of [[], ['-'], ['--7bit'], ['--7bit', '--8bit', '-'], ['--7bit', '--wrong', '-'], ['--7bit', '--malformed', 'x', '-'], ['--7bit', '--in-place', '-']]) {
      const { exit, err } = await run(args);
      assert.equal(exit, 64, args.join(' '));
      assert.match(err, /Usage/);
    }
    assert.equal((await run(['--7bit', join(folder, 'absent')])).exit, 66);
  });
  it('shows progress only to a terminal, and wipes it', async () => {
    const long = file('long', Buffer.concat([Buffer.from('Subject: long\n\n'), Buffer.alloc(20_000_000, `${'x'.repeat(60)}\n`)]));
    assert.equal((await run(['--7bit', long])).err, '');
    const { err } = await run(['--7bit', long], '', true);
    assert.match(err, /of 20 MB, \d+ %/);
    assert.ok(err.endsWith('\r\u001b[K'));
  });
});
