/** Signatures and seals of others (dkimpy) as we judge them: over the corpus, of every canonicalization, and broken on the way. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createMailAuthentication, type Verified } from '../../src/kit/mail-authentication.ts';
import { readCorpus } from '../props/corpus.ts';
import { tableResolver } from '../props/names.ts';
import { scratchFor } from '../props/scratch.ts';

const absent = spawnSync('dkimsign', ['-h']).status === 0 && spawnSync('arcsign').error === undefined ? false : 'dkimpy (python3-dkim) is not installed';
const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
const record = `v=DKIM1; k=rsa; p=${pair.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`;
const resolver = tableResolver({ 'txt k._domainkey.signer.example': [record] });
const authentication = createMailAuthentication();

function judge(message: Buffer): Promise<Verified> {
  async function* content(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < message.length; at += 777) yield message.subarray(at, at + 777);
  }
  return authentication.verify({ content: content(), spfPassed: [], resolver, now: Date.now() }, new AbortController().signal);
}

test('what dkimsign and arcsign wrote is good, and is not when a letter has changed', { skip: absent, timeout: 120_000 }, async t => {
  const folder = scratchFor(t, 'dkimpy');
  const key = join(folder, 'key.pem');
  writeFileSync(key, pair.privateKey.export({ type: 'pkcs1', format: 'pem' }));
  const by = (program: string, args: readonly string[], message: Buffer): Buffer => {
    const { stdout, stderr, status } = spawnSync(program, args, { input: message, timeout: 20_000, maxBuffer: 64 * 1024 * 1024 });
    assert.equal(status, 0, `${program}: ${stderr.toString()}`);
    // It writes its own fields with LF.
    return Buffer.from(stdout.toString('latin1').replaceAll(/\r?\n/g, '\r\n'), 'latin1');
  };
  for (const { name, content } of readCorpus()) {
    for (const canonical of ['relaxed', 'simple']) {
      const signed = by('dkimsign', ['--hcanon', canonical, '--bcanon', canonical, 'k', 'signer.example', key], content);
      const good = await judge(signed);
      assert.deepEqual(good.signatures.slice(0, 1).map(one => [one.result, one.domain]), [['pass', 'signer.example']], `${name} ${canonical} ${good.signatures[0]?.why ?? ''}`);
      const end = signed.indexOf('\r\n\r\n') + 4;
      if (signed.length - end < 10) continue;
      const broken = Buffer.from(signed);
      const at = broken.findIndex((octet, n) => n >= end && octet > 0x60 && octet < 0x7b);
      if (at < 0) continue;
      broken[at] = 0x7a === broken[at] ? 0x79 : 0x7a;
      assert.equal((await judge(broken)).signatures[0]?.result, 'fail', `${name} ${canonical}, one letter`);
    }
    const sealed = by('arcsign', ['k', 'signer.example', key, 'mx.signer.example'], Buffer.concat([Buffer.from('Authentication-Results: mx.signer.example; spf=pass smtp.mailfrom=a@b.example\r\n'), content]));
    const chain = (await judge(sealed)).arc;
    assert.deepEqual([chain?.result, chain?.instances, chain?.sealer], ['pass', 1, 'signer.example'], `${name} ${chain?.why ?? ''}`);
  }
});
