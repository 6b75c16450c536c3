import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMailAuthentication, type Verified } from '../../../src/kit/mail-authentication.ts';
import { makeSigner, signed } from '../../props/dkim.ts';
import { tableResolver, type Names } from '../../props/names.ts';

const message = 'From: Ann <ann@bank.example>\r\nTo: bob@here.example\r\nSubject: Hello\r\nDate: Mon, 16 Nov 2026 10:00:00 +0000\r\n\r\nDear Bob,\r\n  all is  well.\r\n';
const now = Date.UTC(2026, 10, 16, 10);
const authentication = createMailAuthentication();
const bank = makeSigner('bank.example', 'k1');

async function* cut(text: string, size: number): AsyncGenerator<Uint8Array> {
  const octets = Buffer.from(text, 'latin1');
  for (let at = 0; at < octets.length; at += size) yield octets.subarray(at, at + size);
}

function verify(text: string, names: Names, more: { size?: number; spfPassed?: readonly string[]; signal?: AbortSignal } = {}): Promise<Verified> {
  return authentication.verify({ content: cut(text, more.size ?? 7000), spfPassed: more.spfPassed ?? [], resolver: tableResolver(names), now }, more.signal ?? new AbortController().signal);
}

const keys: Names = { 'txt k1._domainkey.bank.example': [bank.record], 'txt _dmarc.bank.example': ['v=DMARC1; p=reject'] };

test('a good signature passes, whatever the pieces, and aligns for DMARC', async () => {
  for (const size of [1, 3, 64, 7000]) {
    const seen = await verify(signed(message, bank), keys, { size });
    assert.deepEqual(seen.signatures.map(one => [one.result, one.domain, one.selector, one.algorithm]), [['pass', 'bank.example', 'k1', 'ed25519-sha256']]);
    assert.equal(seen.signatures[0]?.beginning.length, 8);
    assert.deepEqual([seen.dmarc?.result, seen.dmarc?.author, seen.dmarc?.policy], ['pass', 'bank.example', 'reject']);
    assert.equal(seen.arc, null);
  }
});

test('RSA passes; a short key is a matter of policy, SHA-1 too', async () => {
  const rsa = makeSigner('bank.example', 'k1', 'rsa');
  assert.equal((await verify(signed(message, rsa), { 'txt k1._domainkey.bank.example': [rsa.record] })).signatures[0]?.result, 'pass');
  const short = makeSigner('bank.example', 'k1', 'rsa', 512);
  assert.equal((await verify(signed(message, short), { 'txt k1._domainkey.bank.example': [short.record] })).signatures[0]?.result, 'policy');
  const old = await verify(signed(message, rsa).replace('rsa-sha256', 'rsa-sha1'), { 'txt k1._domainkey.bank.example': [rsa.record] });
  assert.notEqual(old.signatures[0]?.result, 'pass');
});

test('a changed body, a changed subject and a second From fail, and DMARC says what the domain asks for', async () => {
  const good = signed(message, bank);
  for (const changed of [good.replace('well', 'sold'), good.replace('Hello', 'Hurry')]) {
    const seen = await verify(changed, keys);
    assert.equal(seen.signatures[0]?.result, 'fail');
    assert.deepEqual([seen.dmarc?.result, seen.dmarc?.policy], ['fail', 'reject']);
  }
  const two = await verify(good.replace('\r\nFrom:', '\r\nFrom: Eve <eve@evil.example>\r\nFrom:'), keys);
  assert.equal(two.dmarc, null, 'several authors: DMARC does not apply, and the caller must know (RFC 9989 §5.3.1)');
  assert.deepEqual(two.authors, ['eve@evil.example', 'ann@bank.example']);
});

test('l= is said: what was added behind it is nobody\'s', async () => {
  const part = signed(message, bank, { length: 10 });
  const seen = await verify(`${part}Buy now!\r\n`, keys);
  assert.equal(seen.signatures[0]?.result, 'pass');
  assert.ok((seen.signatures[0]?.unsignedOctets ?? 0) > 0);
});

test('SPF aligns for DMARC too, in its own organisation only', async () => {
  assert.equal((await verify(message, keys, { spfPassed: ['mail.bank.example'] })).dmarc?.result, 'pass');
  assert.equal((await verify(message, keys, { spfPassed: ['bank.example.evil.example'] })).dmarc?.result, 'fail');
  assert.equal((await verify(message, {}, {})).dmarc?.result, 'none');
});

test('a hundred signatures are looked at as ten, and the look-ups stay few', async () => {
  const names = tableResolver(keys);
  let many = message;
  for (let n = 0; n < 100; n++) many = `DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=d${n}.example; s=s;\r\n h=from; bh=MTIz; b=MTIz\r\n${many}`;
  const text = signed(many, bank);
  const seen = await authentication.verify({ content: cut(text, 7000), spfPassed: [], resolver: names, now }, new AbortController().signal);
  assert.equal(seen.signatures.length, 10);
  assert.equal(seen.signaturesLeft, 91);
  assert.equal(seen.signatures[0]?.result, 'pass', 'the newest stands on top and is among those');
  assert.ok(names.asked.length < 20, names.asked.join(', '));
});

test('lengths that differ would hash the body once each: two are looked at', async () => {
  let many = message;
  for (let n = 0; n < 9; n++) many = `DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=d${n}.example; s=s;\r\n\tl=${n}; h=from; bh=MTIz; b=MTIz\r\n${many}`;
  const seen = await verify(signed(many, bank), keys);
  assert.deepEqual([seen.signatures.length, seen.signaturesLeft, seen.signatures[0]?.result], [3, 7, 'pass']);
});

test('an oversized key record is no key', async () => {
  const seen = await verify(signed(message, bank), { ...keys, 'txt k1._domainkey.bank.example': [`v=DKIM1; k=rsa; p=${'A'.repeat(60_000)}`] });
  assert.equal(seen.signatures[0]?.result, 'neutral');
});

test('a DNS that answers nobody is temperror; one that hangs ends with the signal', async () => {
  const seen = await verify(signed(message, bank), { 'txt k1._domainkey.bank.example': 'unavailable', 'txt _dmarc.bank.example': 'unavailable' });
  assert.deepEqual([seen.signatures[0]?.result, seen.dmarc?.result], ['temperror', 'temperror']);
  const stop = new AbortController();
  const hanging = verify(signed(message, bank), { 'txt k1._domainkey.bank.example': 'never' }, { signal: stop.signal });
  setImmediate(() => stop.abort(new Error('late')));
  await assert.rejects(hanging, /late|stopped/);
});

test('an ARC chain that does not hold is a failure, not an accident', async () => {
  const chain = 'ARC-Seal: i=1; a=ed25519-sha256; cv=none; d=list.example; s=s; b=MTIz\r\nARC-Message-Signature: i=1; a=ed25519-sha256; d=list.example; s=s; h=from; bh=MTIz; b=MTIz\r\nARC-Authentication-Results: i=1; list.example; spf=pass\r\n';
  const seen = await verify(`${chain}${message}`, {});
  assert.deepEqual([seen.arc?.result, seen.arc?.instances], ['fail', 1]);
});

test('messages without a body, without a header, and of nothing at all are read', async () => {
  for (const text of ['From: a@b.example\r\n\r\n', '\r\nbody\r\n', 'From: a@b.example\r\n']) {
    const seen = await authentication.verify({ content: cut(text, 2), spfPassed: [], resolver: tableResolver({}), now }, new AbortController().signal);
    assert.deepEqual(seen.signatures, []);
  }
});
