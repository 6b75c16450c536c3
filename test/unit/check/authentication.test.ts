/** DKIM, ARC and DMARC at the door: what is written down, what is obeyed, and what a hostile message can cost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { authServId, formatAuthenticationResults } from '../../../src/grammar/header/authentication-results.ts';
import { applyHeaderRules } from '../../../src/grammar/header/rules.ts';
import { createTap } from '../../../src/kit/tap.ts';
import { accessDesk, type Letter } from '../../props/access-desk.ts';
import { makeSigner, sealed, signed } from '../../props/dkim.ts';
import type { Names } from '../../props/names.ts';
import { eventually } from '../../props/within.ts';

const there = makeSigner('there.example', 'k1');
const letter = 'From: Ann <ann@there.example>\r\nTo: bob@here.example\r\nSubject: Hello\r\nDate: Mon, 16 Nov 2026 10:00:00 +0000\r\n\r\nDear Bob,\r\nall is well.\r\n';
const good = signed(letter, there);
const changed = good.replace('well', 'sold');
const names = (policy: string, more: Names = {}): Names => ({
  'txt k1._domainkey.there.example': [there.record], 'txt _dmarc.there.example': [`v=DMARC1; p=${policy}`], 'txt there.example': ['v=spf1 ip4:192.0.2.1 -all'], ...more,
});
const stranger = { remoteAddress: '203.0.113.9', remoteName: 'else.example', helo: 'else.example' };

function post(dmarc: string, policy: string, own: Letter = {}, more: Names = {}) {
  return accessDesk({ names: names(policy, more) }).say({ content: good, origin: stranger, ...own, variables: { DMARC: dmarc, ...own.variables } });
}

function resultsOf(header: string): string {
  return /^Authentication-Results: ((?:.*\n)(?:[ \t].*\n)*)/m.exec(header)?.[1]?.replaceAll(/\s+/g, ' ').trim() ?? '';
}

test('off until DMARC says otherwise, and never for people of ours', async () => {
  const desk = accessDesk({ names: names('reject') });
  for (const own of [{}, { variables: { DMARC: 'off' } }, { variables: { DMARC: 'honour' }, origin: { ...stranger, login: 'ann' } }, { variables: { DMARC: 'honour' }, origin: { ...stranger, relayClient: '' } }, { variables: { DMARC: 'honour' }, origin: { ...stranger, source: 'submission' as const } }]) {
    const said = await desk.say({ content: changed, origin: stranger, ...own });
    assert.equal(said.answer, 'queued');
    assert.equal(resultsOf(said.header), '');
  }
  assert.deepEqual(desk.resolver.asked, []);
});

test('what was found stands below our Received field', async () => {
  const { answer, header } = await post('record', 'reject', { origin: { remoteAddress: '192.0.2.1' } });
  assert.equal(answer, 'queued');
  assert.match(resultsOf(header), /^mx\.here\.example; spf=pass smtp\.mailfrom=there\.example; dkim=pass header\.d=there\.example header\.s=k1 header\.a=ed25519-sha256 header\.b="?[\w+/]{8}"?; dmarc=pass \(p=reject\) header\.from=there\.example$/);
  assert.match(header, /^Received: from[^]*\nAuthentication-Results: /);
});

test('a large message is verified as it comes, whatever becomes of it later', async () => {
  const large = signed(`${letter}${'A line that is long enough to be one.\r\n'.repeat(20_000)}`, there);
  assert.ok(large.length > 700_000);
  assert.match(resultsOf((await post('record', 'none', { content: large })).header), /dkim=pass/);
});

test('reject, quarantine and none are obeyed as the operator chose', async () => {
  const forged: Letter = { content: changed };
  const rows: readonly [dmarc: string, policy: string, answer: RegExp][] = [
    ['record', 'reject', /^queued$/], ['reject', 'reject', /^550 5\.7\.1 .*DMARC/], ['honour', 'reject', /^550 5\.7\.1 /],
    ['reject', 'quarantine', /^queued$/], ['honour', 'none', /^queued$/], ['reject', 'none', /^queued$/],
  ];
  for (const [dmarc, policy, answer] of rows) {
    const said = await post(dmarc, policy, forged);
    assert.match(said.answer, answer, `${dmarc} ${policy}`);
    if (said.answer === 'queued') assert.match(resultsOf(said.header), /dkim=fail .*dmarc=fail \(p=/);
  }
  assert.equal((await post('honour', 'reject')).answer, 'queued', 'the signature is enough, wherever it comes from');
  assert.equal((await post('honour', 'reject', { content: letter, origin: { remoteAddress: '192.0.2.1' } })).answer, 'queued', 'and so is SPF');
});

test('quarantine sets the message aside for the operator, with its field', async () => {
  const desk = accessDesk({ names: names('quarantine') });
  const said = await desk.say({ content: changed, origin: stranger, variables: { DMARC: 'honour' } });
  assert.equal(said.answer, 'queued');
  assert.match(resultsOf(said.header), /dmarc=fail/);
  const { quarantined } = await desk.store.summary();
  assert.equal(quarantined, 1);
});

test('several From fields are refused where policies are obeyed, since none could be', async () => {
  const two = good.replace('\r\nFrom:', '\r\nFrom: Eve <eve@evil.example>\r\nFrom:');
  assert.equal((await post('reject', 'none', { content: two })).answer, '550 5.7.1 The message has several From fields');
  assert.match(resultsOf((await post('record', 'none', { content: two })).header), /dmarc=permerror \(2 From fields\)/);
});

test('a header that is folded thousands of times is not read by the verifier, and no way around the policy', async () => {
  const folded = changed.replace('Subject: Hello', `Subject: Hello${'\r\n '.repeat(20_000)}x`);
  assert.match(resultsOf((await post('record', 'reject', { content: folded })).header), /dkim=permerror \(\d+ lines of header\); dmarc=permerror/);
  assert.equal((await post('reject', 'reject', { content: folded })).answer, '550 5.7.1 The message header has too many lines');
});

test('a seal is believed where ARCTRUST names who put it on, and nowhere else', async () => {
  const list = makeSigner('list.example', 'l1', 'rsa');
  const passed = sealed(changed, list, 'mx.list.example');
  const key = { 'txt l1._domainkey.list.example': [list.record] };
  const believed = await post('reject', 'reject', { content: passed, variables: { ARCTRUST: 'other.example, list.example' } }, key);
  assert.equal(believed.answer, 'queued');
  assert.match(resultsOf(believed.header), /dkim=fail .*arc=pass \(i=1.*dmarc=fail/);
  assert.match((await post('reject', 'reject', { content: passed, variables: { ARCTRUST: 'other.example' } }, key)).answer, /^550/);
  assert.match((await post('reject', 'reject', { content: passed }, key)).answer, /^550/);
  assert.match((await post('reject', 'reject', { content: passed.replace('sold', 'gone'), variables: { ARCTRUST: 'list.example' } }, key)).answer, /^550/, 'changed after the seal');
  const chain = 'ARC-Seal: i=1; a=ed25519-sha256; cv=none; d=list.example; s=s; b=MTIz\r\nARC-Message-Signature: i=1; a=ed25519-sha256; d=list.example; s=s; h=from; bh=MTIz; b=MTIz\r\nARC-Authentication-Results: i=1; list.example; dkim=pass\r\n';
  const said = await post('reject', 'reject', { content: `${chain}${changed}`, variables: { ARCTRUST: 'list.example' } });
  assert.match(said.answer, /^550/, 'a forged chain is no chain');
});

test('trouble refuses nobody for good: DNS that fails, and DNS that hangs', async () => {
  const failing = await post('honour', 'reject', {}, { 'txt k1._domainkey.there.example': 'unavailable', 'txt _dmarc.there.example': 'unavailable' });
  assert.equal(failing.answer, 'queued');
  assert.match(resultsOf(failing.header), /dkim=temperror.*dmarc=temperror/);
  const desk = accessDesk({ names: names('reject', { 'txt k1._domainkey.there.example': 'never' }) });
  const asking = desk.say({ content: good, origin: stranger, variables: { DMARC: 'record' } });
  // First the deadline of the SPF look-up has to be out of the way.
  await eventually(10_000, 'the question that hangs', () => desk.resolver.asked.includes('txt k1._domainkey.there.example'));
  await desk.clock.advance(20_000);
  const { answer, header } = await asking;
  assert.equal(answer, 'queued');
  assert.match(resultsOf(header), /^mx\.here\.example; dkim=temperror; dmarc=temperror$/);
  assert.match(desk.logged.join('\n'), /DNS takes too long/);
});

test('names that hang are no way past the policy of the name that is forged', async () => {
  const hanging = Array.from({ length: 3 }, (_, n) => `DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=evil${n}.example; s=s; h=from;\r\n bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=MTIz\r\n`).join('');
  const forged = signed(changed, makeSigner('evil.example', 's'));
  const desk = accessDesk({ names: names('reject', { 'txt s._domainkey.evil.example': 'never' }) });
  const asking = desk.say({ content: `${hanging}${forged}`, origin: stranger, variables: { DMARC: 'reject' } });
  await eventually(10_000, 'the question that hangs', () => desk.resolver.asked.includes('txt s._domainkey.evil.example'));
  await desk.clock.advance(20_000);
  assert.equal((await asking).answer, '451 4.7.1 Message not taken now, please try again later');
  const failing = await post('reject', 'reject', { content: forged }, { 'txt s._domainkey.evil.example': 'unavailable' });
  assert.match(failing.answer, /^550/, 'another name\'s trouble changes nothing');
  const own = await post('reject', 'reject', { content: good }, { 'txt k1._domainkey.there.example': 'unavailable' });
  assert.match(own.answer, /^451/, 'its own key cannot be had now: it may yet be good');
});

test('l= is said in the field: what stands behind it is not signed', async () => {
  const part = signed(letter, there, { length: 10 });
  const { header } = await post('record', 'reject', { content: `${part}Buy now!\r\n` });
  assert.match(resultsOf(header), /dkim=pass \(\d+ octets of the body are not signed\)/);
});

test('a client that goes away in the middle leaves nothing behind', async () => {
  const desk = accessDesk({ names: names('reject') });
  const tap = createTap();
  assert.equal(tap.write(Buffer.alloc(1000)), undefined);
  const waits = tap.write(Buffer.alloc(300_000));
  assert.ok(waits instanceof Promise, 'a reader that is slow makes the writer wait');
  tap.close();
  await waits;
  assert.equal(tap.write(Buffer.alloc(300_000)), undefined, 'nobody reads any more: nobody waits');
  for await (const _ of tap) assert.fail('nothing is left');
  assert.equal((await desk.say({ content: good, origin: stranger, variables: { DMARC: 'record' } })).answer, 'queued');
});

test('whose field it is: the first word, behind comments, in any case', () => {
  const rows: readonly [string, string][] = [
    [' mx.here.example; spf=pass', 'mx.here.example'], ['MX.Here.Example.;none', 'mx.here.example'], [' (a (b) \\) c) "mx.here.example" 1; none', 'mx.here.example'],
    ['\n mx.here.example\n ; none', 'mx.here.example'], ['', ''], ['(open', ''], [' mx.here.example.evil; none', 'mx.here.example.evil'],
  ];
  for (const [value, id] of rows) assert.equal(authServId(value), id, value);
});

test('others may not write our fields: those that claim our name, or all of them, become Old-', () => {
  const header = 'authentication-results : MX.here.example; dkim=pass\r\n\theader.d=bank.example\r\nAuthentication-Results: other.example; spf=fail\r\nReceived-SPF: pass\r\nSubject: x\r\n\r\n';
  const ours = { authServId: 'mx.here.example', allResults: false, receivedSpf: false };
  const apply = (own: Partial<typeof ours>) => applyHeaderRules(header, { address: null, despiteSignature: false, ours: { ...ours, ...own } });
  assert.equal(apply({}), header.replace('authentication-results', 'Old-authentication-results'));
  assert.equal(apply({ allResults: true, receivedSpf: true }), header.replace('authentication-results', 'Old-authentication-results').replace('\nAuth', '\nOld-Auth').replace('Received-SPF', 'Old-Received-SPF'));
  assert.equal(applyHeaderRules(header, { address: null, despiteSignature: false }), header);
});

test('a field of ours cannot be broken by what strangers chose', () => {
  const text = formatAuthenticationResults('mx.here.example', [{ method: 'dkim', result: 'fail', comment: 'bad (\r\nX: y)', properties: [['header.d', 'a"b\r\nc'], ['header.i', '@a.example'], ['header.s', ''], ['smtp.mailfrom', 'x y@a.example']] }]);
  assert.equal(text, 'mx.here.example;\r\n  dkim=fail (bad ___X: y_) header.d="a\\"b__c" header.i=@a.example smtp.mailfrom="x y@a.example"');
  assert.equal(formatAuthenticationResults('mx.here.example', []), 'mx.here.example; none');
});
