import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { after, test } from 'node:test';
import { writeDefaultConfiguration } from '../../../src/configuration.ts';
import { runCommandLine } from '../../../src/front/cli/index.ts';

const root = mkdtempSync(join(tmpdir(), 'posthorn-inbox-'));
after(() => rmSync(root, { recursive: true }));

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const collect = () => {
    const chunks: string[] = [];
    return { stream: new Writable({ write(chunk, _, done) { chunks.push(String(chunk)); done(); } }), text: () => chunks.join('') };
  };
  const [out, err] = [collect(), collect()];
  const nobody = () => Promise.reject(new Error('not asked for in this test'));
  const code = await runCommandLine([...args, '--config', join(root, 'etc')], {
    stdin: Readable.from([]), stdout: out.stream, stderr: err.stream, environment: {}, version: '0', rooms: { start: nobody, running: nobody, offline: nobody, lookUpMx: nobody, lookUpTxt: nobody, oauth: nobody, attempts: nobody, faxProof: nobody, faxDesk: nobody, uucp: nobody, addresses: nobody, deputy: nobody, maildrop: nobody },
  });
  return { code, out: out.text(), err: err.text() };
}

test('a mailbox is read as a person would: decoded, in order, and without what a terminal would obey', async () => {
  await writeDefaultConfiguration(join(root, 'etc'), { kind: 'embedded', stateFolder: join(root, 'state') });
  const folder = join(root, 'state/mailboxes/ann/new');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, '1'), 'From: =?utf-8?q?J=C3=B6rg?= <j@b.example>\nTo: ann@c.example\nSubject: =?utf-8?b?R3LDvMOfZQ==?= \u001b]0;owned\u0007\nDate: Sat, 21 Nov 2026 04:00:00 +0000\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nSch=C3=B6n \u001b[31mrot\u001b[0m\n--x\nContent-Type: application/pdf; name="a.pdf"\nContent-Transfer-Encoding: base64\n\nAAAA\n--x--\n');
  const { code, out } = await run('inbox', 'ann');
  assert.equal(code, 0);
  assert.match(out, /Grüße/);
  assert.match(out, /From: .*Jörg.* <j@b\.example>/);
  assert.match(out, /Schön rot/);
  assert.match(out, /\[a\.pdf, application\/pdf, 3\]/);
  assert.ok(!out.includes('\u001b') && !out.includes('\u0007'));
});

test('no such mailbox is said; a name cannot lead elsewhere', async () => {
  assert.equal((await run('inbox', 'nobody')).code, 1);
  for (const name of ['../../etc', '.', 'a/b']) assert.equal((await run('inbox', name)).code, 64, name);
});
