/** Our signatures as OpenDKIM and dkimpy judge them: programs that others wrote. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createDigesting, signMessage } from '../../src/flow/outgoing/dkim.ts';
import { readCorpus } from '../props/corpus.ts';
import { createKey } from '../props/dkim-keys.ts';

const keys = [createKey('example.com', 'r', 'rsa'), createKey('example.com', 'e', 'ed25519')];

async function signedCorpus(t: TestContext): Promise<{ readonly folder: string; readonly files: readonly string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-dkim-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const files: string[] = [];
  for (const { name, content } of readCorpus()) {
    const digesting = createDigesting();
    for (let at = 0; at < content.length; at += 11) digesting.feed(content.subarray(at, at + 11));
    const file = join(folder, `${name}.eml`);
    writeFileSync(file, Buffer.concat([Buffer.from(await signMessage(digesting.finish(), keys, Math.floor(Date.now() / 1000)), 'latin1'), content]));
    files.push(file);
  }
  return { folder, files };
}

const opendkim = spawnSync('opendkim', ['-V']).error === undefined ? false : 'opendkim is not installed';
test('OpenDKIM verifies both kinds over the corpus', { skip: opendkim }, async t => {
  const { folder, files } = await signedCorpus(t);
  writeFileSync(join(folder, 'keys'), keys.map(({ name, record }) => `${name} ${record}\n`).join(''));
  writeFileSync(join(folder, 'conf'), `TestPublicKeys ${join(folder, 'keys')}\nMode v\nSyslog no\nSocket local:${join(folder, 'socket')}\n`);
  for (const file of files) {
    const { stdout, stderr } = spawnSync('opendkim', ['-vv', '-x', join(folder, 'conf'), '-t', file], { encoding: 'utf8', timeout: 20_000 });
    assert.equal(stdout.match(/\bdkim=pass\b[^;]*header\.d=example\.com/g)?.length, 2, `${file}: ${stdout}${stderr}`);
  }
});

const python = '/usr/bin/python3';
const dkimpy = spawnSync(python, ['-c', 'import dkim, nacl']).status === 0 ? false : 'dkimpy (python3-dkim) is not installed';
test('dkimpy verifies both kinds over the corpus', { skip: dkimpy }, async t => {
  const { folder, files } = await signedCorpus(t);
  writeFileSync(join(folder, 'keys'), JSON.stringify(Object.fromEntries(keys.map(({ name, record }) => [name, record]))));
  const script = `
import dkim, json, sys
keys = json.load(open(sys.argv[1]))
for file in sys.argv[2:]:
    judge = dkim.DKIM(open(file, 'rb').read())
    print(file, *[judge.verify(idx=n, dnsfunc=lambda name, timeout=5: keys[name.decode().rstrip('.')].encode()) for n in (0, 1)])
`;
  const { stdout, stderr } = spawnSync(python, ['-c', script, join(folder, 'keys'), ...files], { encoding: 'utf8', timeout: 60_000 });
  assert.deepEqual(stdout.trim().split('\n'), files.map(file => `${file} True True`), stderr);
});
