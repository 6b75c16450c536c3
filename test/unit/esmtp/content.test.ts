/** The message itself: large ones flow, broken ones never end with a dot, 8-bit ones are converted where needed. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { EsmtpSettings } from '../../../src/flow/transport/esmtp/index.ts';
import { at, letter, openEsmtpBox, type EsmtpBox } from '../../props/esmtp-box.ts';
import { openScriptedPeer, say, type PeerOptions, type ScriptedPeer } from '../../props/scripted-peer.ts';

async function set(t: TestContext, options: PeerOptions = {}, own: Partial<EsmtpSettings> = {}): Promise<{ peer: ScriptedPeer; box: EsmtpBox }> {
  const peer = await openScriptedPeer(options);
  const box = openEsmtpBox(at(peer), own);
  t.after(async () => {
    await peer.close();
    await box.close();
  });
  return { peer, box };
}

const header = 'Subject: large\r\n\r\n';
const block = Buffer.from('.a line that begins with a dot and goes on and on\r\n'.repeat(1300)); // 64 KiB

test('a large message flows in pieces, to the octet, and the connection serves on', async t => {
  const { peer, box } = await set(t);
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(header);
    for (let n = 0; n < 30; n++) yield await Promise.resolve(block);
  }
  const [large, small] = await Promise.all([
    box.deliverOne(letter({ pieces, sizeOctets: header.length + 30 * block.length })),
    box.deliverOne(),
  ]);
  assert.equal(large?.kind, 'relayed');
  assert.equal(small?.kind, 'relayed');
  const wire = peer.messages.find(message => message.wire.startsWith(header))?.wire;
  assert.equal(wire, header + block.toString().replaceAll(/^\./gm, '..').repeat(30));
});

test('a large message in memory waits for the socket as well', async t => {
  const { peer, box } = await set(t);
  const pieces = [Buffer.from(header), ...Array.from({ length: 30 }, () => block)];
  assert.equal((await box.deliverOne(letter({ pieces: () => pieces, sizeOctets: header.length + 30 * block.length }))).kind, 'relayed');
  assert.equal(peer.messages[0]?.wire.length, header.length + 30 * (block.length + 1300));
});

test('content that breaks off is never ended with a dot: deferred, our fault, logged', async t => {
  const { peer, box } = await set(t);
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(Buffer.from(header));
    throw new Error('digest does not match');
  }
  const outcome = await box.deliverOne(letter({ pieces }));
  assert.ok(outcome.kind === 'deferred' && outcome.status === '4.3.0' && outcome.blame === 'message' && outcome.uncertain !== true);
  await peer.until('the end', () => peer.open === 0);
  assert.equal(peer.messages.length, 0);
  assert.ok(!peer.segments.some(segment => segment.includes('.\r\n')));
  assert.deepEqual(box.logged.map(({ event }) => event), ['content']);
});

test('content that cannot even be opened: the same', async t => {
  const { peer, box } = await set(t);
  const outcome = await box.deliverOne(letter({ pieces: () => {
    throw new Error('gone');
  } }));
  assert.ok(outcome.kind === 'deferred' && outcome.status === '4.3.0');
  assert.equal(peer.messages.length, 0);
});

test('a peer that refuses in the middle of the content is believed, and not sent the rest', async t => {
  const { peer, box } = await set(t, { act: ({ step, before }) => (step === 'content' && before === 0 ? say('552 5.3.4 Too large') : undefined) });
  let sent = 0;
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (; sent < 2000; sent++) {
      yield block;
      await new Promise(setImmediate);
    }
  }
  const outcome = await box.deliverOne(letter({ pieces, sizeOctets: 2000 * block.length }));
  assert.ok(outcome.kind === 'failed' && outcome.status === '5.3.4');
  assert.ok(sent < 2000);
  assert.equal(peer.messages.length, 0);
});

test('8-bit content goes as it is to a peer with 8BITMIME, and converted to one without', async t => {
  const text = 'Subject: x\r\n\r\nGrüße\r\n';
  const convert = { toSevenBit: () => [Buffer.from('Subject: x\r\n\r\nGr=C3=BC=C3=9Fe\r\n')] };
  const eight = await set(t, {}, { convert });
  await eight.box.deliverOne(letter({ text }));
  assert.equal(Buffer.from(eight.peer.messages[0]?.wire ?? '', 'latin1').toString(), text);
  assert.ok(eight.peer.messages[0]?.mail.endsWith(' BODY=8BITMIME'));

  const seven = await set(t, { extensions: ['PIPELINING', 'SIZE 100000'] }, { convert });
  await seven.box.deliverOne(letter({ text }));
  assert.equal(seven.peer.messages[0]?.wire, 'Subject: x\r\n\r\nGr=C3=BC=C3=9Fe\r\n');
  assert.match(seven.peer.messages[0]?.mail ?? '', /^MAIL FROM:<ada@sender.example> SIZE=\d+$/);

  const unable = await set(t, { extensions: [] });
  const outcome = await unable.box.deliverOne(letter({ text }));
  assert.ok(outcome.kind === 'deferred' && outcome.status === '4.6.3' && outcome.blame === 'message');
});

test('recipients who want no report go in a transaction of their own where DSN is missing', async t => {
  const { peer, box } = await set(t);
  const outcomes = await box.deliver(letter({ to: ['a@d.example', { address: 'b@d.example', notify: 'never' }] }));
  assert.deepEqual([...outcomes.values()].map(({ kind }) => kind), ['relayed', 'relayed']);
  assert.deepEqual(peer.messages.map(({ mail, rcpts }) => [mail, ...rcpts]), [
    ['MAIL FROM:<ada@sender.example> BODY=7BIT', 'RCPT TO:<a@d.example>'],
    ['MAIL FROM:<> BODY=7BIT', 'RCPT TO:<b@d.example>'],
  ]);
  assert.equal(peer.connections, 1);
});
