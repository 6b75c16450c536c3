/** BDAT: the octets as they are, in one chunk, where that spares a round trip; and what follows a refused one. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { EsmtpSettings } from '../../../src/flow/transport/esmtp/index.ts';
import { at, letter, openEsmtpBox, TEXT, type EsmtpBox } from '../../props/esmtp-box.ts';
import { drop, openScriptedPeer, say, type PeerOptions, type ScriptedPeer } from '../../props/scripted-peer.ts';

async function set(t: TestContext, options: PeerOptions, own: Partial<EsmtpSettings> = {}): Promise<{ peer: ScriptedPeer; box: EsmtpBox }> {
  const peer = await openScriptedPeer(options);
  const box = openEsmtpBox(at(peer), { limits: { recipients: 100, connectionsPerNexthop: 1, deliveriesInAll: 40, idle: 10 }, ...own });
  t.after(async () => {
    await peer.close();
    await box.close();
  });
  return { peer, box };
}

const dots = 'Subject: dots\r\n\r\n.\r\n..\r\n.leading\r\n';

const extensions = ['8BITMIME', 'CHUNKING'];

test('dots are octets like any other, and no DATA is said', async t => {
  const { peer, box } = await set(t, { extensions });
  for (const text of [dots, TEXT, `${TEXT}\r\n`]) assert.equal((await box.deliverOne(letter({ text }))).kind, 'relayed');
  assert.deepEqual(peer.messages.map(({ wire }) => wire), [dots, TEXT, `${TEXT}\r\n`]);
  assert.ok(!peer.lines.includes('DATA'));
  assert.equal(peer.connections, 1);
});

test('several at once on one connection, each whole', async t => {
  const { peer, box } = await set(t, { extensions });
  const texts = Array.from({ length: 12 }, (_, n) => `Subject: ${n}\r\n\r\n.${'x'.repeat(n * 100)}\r\n`);
  const outcomes = await Promise.all(texts.map(text => box.deliverOne(letter({ text }))));
  assert.ok(outcomes.every(({ kind }) => kind === 'relayed'));
  assert.deepEqual(peer.messages.map(({ wire }) => wire), texts);
});

test('content in pieces, cut anywhere, without a last line end, or read as it comes', async t => {
  const { peer, box } = await set(t, { extensions });
  const pieces = ['Subject: x\r\n\r\n', 'Good morning.\r', '\n'].map(text => Buffer.from(text));
  const whole = pieces.map(String).join('');
  await box.deliverOne(letter({ pieces: () => pieces, sizeOctets: whole.length }));
  await box.deliverOne(letter({ pieces: () => pieces.slice(0, 2), sizeOctets: whole.length - 1 }));
  await box.deliverOne(letter({ pieces: async function* () { yield* pieces; }, sizeOctets: whole.length }));
  assert.deepEqual(peer.messages.map(({ wire }) => wire), [whole, `${whole.slice(0, -1)}\r\n`, whole]);
});

test('nobody accepted: no chunk at all; refused: an answer, and the next begins with RSET', async t => {
  const { peer, box } = await set(t, { extensions, act: ({ step, before }) => (before > 0 ? undefined : step === 'rcpt' ? say('550 5.1.1 Who?') : step === 'dot' ? say('554 5.7.1 No') : undefined) });
  assert.equal((await box.deliverOne()).kind, 'failed');
  assert.ok(!peer.lines.some(line => line.startsWith('BDAT')));
  const outcome = await box.deliverOne();
  assert.deepEqual([outcome.kind, outcome.status, outcome.said?.command], ['failed', '5.7.1', 'BDAT']);
  assert.equal((await box.deliverOne()).kind, 'relayed');
  assert.deepEqual(peer.lines.filter(line => line === 'RSET').length, 2);
  assert.equal(peer.connections, 1);
});

test('lost after the chunk is uncertain; what cannot be read is our trouble, and no chunk is promised', async t => {
  const { box } = await set(t, { extensions, act: ({ step }) => (step === 'dot' ? drop : undefined) });
  const lost = await box.deliverOne();
  assert.ok(lost.kind === 'deferred' && lost.uncertain === true && lost.blame === 'nexthop');
  const whole = await set(t, { extensions });
  const outcome = await whole.box.deliverOne(letter({ pieces: async function* () { yield Buffer.from('Subject: x\r\n'); throw new Error('disk'); } }));
  assert.ok(outcome.kind === 'deferred' && outcome.status === '4.3.0' && outcome.blame === 'message');
  assert.ok(!whole.peer.lines.some(line => line.startsWith('BDAT')));
});

test('what is long, or must be converted, goes by DATA', async t => {
  const { peer, box } = await set(t, { extensions: ['CHUNKING'] }, { convert: { toSevenBit: content => content.read() } });
  await box.deliverOne(letter({ text: 'Subject: x\r\n\r\nGrüße\r\n' }));
  await box.deliverOne(letter({ text: `Subject: x\r\n\r\n${'long line\r\n'.repeat(30_000)}` }));
  assert.deepEqual(peer.lines.filter(line => line === 'DATA').length, 2);
  assert.equal(peer.messages.length, 2);
});

test('a peer that takes commands together has no round trip to spare: DATA', async t => {
  const { peer, box } = await set(t, { extensions: ['PIPELINING', 'CHUNKING'] });
  assert.equal((await box.deliverOne()).kind, 'relayed');
  assert.ok(peer.lines.includes('DATA'));
});

test('binary mail: by BDAT alone, announced, to its last octet, with and without PIPELINING, long or short', async t => {
  const short = 'Subject: x\r\n\r\n\n\r\0.\n';
  for (const words of [['CHUNKING', 'BINARYMIME', '8BITMIME'], ['CHUNKING', 'BINARYMIME', '8BITMIME', 'PIPELINING', 'SIZE']]) {
    const { peer, box } = await set(t, { extensions: words });
    const long = `Subject: x\r\n\r\n${'\n.\r'.repeat(200_000)}`;
    for (const text of [short, long, short]) assert.equal((await box.deliverOne(letter({ text, to: ['bob@there.example', 'eve@there.example'], envelope: { body: 'binarymime' } }))).kind, 'relayed');
    assert.deepEqual(peer.messages.map(({ wire }) => wire === long || wire), [short, true, short]);
    assert.equal((await box.deliverOne()).kind, 'relayed', 'and ordinary mail behind it');
    assert.deepEqual(peer.lines.filter(line => line.startsWith('BDAT')).slice(0, 2), [`BDAT ${short.length} LAST`, `BDAT ${long.length} LAST`]);
    assert.equal(peer.lines.filter(line => /^MAIL .* BODY=BINARYMIME\b/.test(line)).length, 3);
    assert.equal(peer.connections, 1);
  }
});

test('binary mail is not for a peer that does not say so, nor half-sent when it cannot be read', async t => {
  for (const words of [['8BITMIME', 'PIPELINING'], ['CHUNKING'], ['BINARYMIME']]) {
    const { peer, box } = await set(t, { extensions: words });
    const outcome = await box.deliverOne(letter({ envelope: { body: 'binarymime' } }));
    assert.deepEqual([outcome.kind, outcome.status], ['failed', '5.6.3'], words.join());
    assert.ok(!peer.lines.some(line => line.startsWith('MAIL')));
  }
  const { peer, box } = await set(t, { extensions: ['CHUNKING', 'BINARYMIME'] });
  const broken = await box.deliverOne(letter({ envelope: { body: 'binarymime' }, sizeOctets: 100, pieces: async function* () { yield Buffer.from('Subject: x\r\n'); } }));
  assert.ok(broken.kind === 'deferred' && broken.blame === 'message', 'fewer octets than were announced');
  assert.deepEqual(peer.messages, []);
});
