/** What is said on the wire when all goes well, and in which order. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { at, letter, openEsmtpBox, TEXT, type EsmtpBox, type Places } from '../../props/esmtp-box.ts';
import { openScriptedPeer, say, type PeerOptions, type ScriptedPeer } from '../../props/scripted-peer.ts';
import type { EsmtpSettings } from '../../../src/flow/transport/esmtp/index.ts';

async function set(t: TestContext, options: PeerOptions = {}, own: Partial<EsmtpSettings> = {}, places?: (peer: ScriptedPeer) => Places): Promise<{ peer: ScriptedPeer; box: EsmtpBox }> {
  const peer = await openScriptedPeer(options);
  const box = openEsmtpBox(places?.(peer) ?? at(peer), own);
  t.after(async () => {
    await peer.close();
    await box.close();
  });
  return { peer, box };
}

test('a message arrives to the octet, and its outcome has the peer\'s words', async t => {
  const { peer, box } = await set(t);
  const outcome = await box.deliverOne(letter({ text: 'Subject: dots\r\n\r\n.\r\n..two\r\nend' }));
  assert.deepEqual(outcome, {
    kind: 'relayed',
    status: '2.0.0',
    said: { type: 'smtp', text: '250 2.0.0 Taken as 4711', remoteMta: 'peer.example [127.0.0.1]', command: 'DATA' },
  });
  assert.equal(peer.messages[0]?.wire, 'Subject: dots\r\n\r\n..\r\n...two\r\nend\r\n');
  assert.deepEqual(peer.lines, ['EHLO posthorn.example', 'MAIL FROM:<ada@sender.example> BODY=7BIT', 'RCPT TO:<bob@there.example>', 'DATA']);
});

test('with PIPELINING the envelope is one segment; without, a command waits for its answer', async t => {
  const { peer, box } = await set(t);
  await box.deliver(letter({ to: ['a@there.example', 'b@there.example'] }));
  assert.equal(peer.segments[1], 'MAIL FROM:<ada@sender.example> BODY=7BIT\r\nRCPT TO:<a@there.example>\r\nRCPT TO:<b@there.example>\r\nDATA\r\n');

  const plain = await set(t, { extensions: [] });
  await plain.box.deliver(letter({ to: ['a@there.example', 'b@there.example'] }));
  assert.deepEqual(plain.peer.segments, [
    'EHLO posthorn.example\r\n', 'MAIL FROM:<ada@sender.example>\r\n', 'RCPT TO:<a@there.example>\r\n', 'RCPT TO:<b@there.example>\r\n', 'DATA\r\n', `${TEXT}.\r\n`,
  ]);
});

test('the next message\'s envelope leaves with this message\'s content when one connection has both', async t => {
  const { peer, box } = await set(t, {}, { limits: { recipients: 100, connectionsPerNexthop: 1, deliveriesInAll: 40, idle: 10 } });
  const [one, two, three] = await Promise.all([1, 2, 3].map(n => box.deliverOne(letter({ to: [`n${n}@there.example`] }))));
  for (const outcome of [one, two, three]) assert.equal(outcome?.kind, 'relayed');
  assert.equal(peer.connections, 1);
  assert.ok(peer.segments.includes(`${TEXT}.\r\nMAIL FROM:<ada@sender.example> BODY=7BIT\r\nRCPT TO:<n2@there.example>\r\nDATA\r\n`));
  assert.deepEqual(peer.messages.map(message => message.rcpts), [['RCPT TO:<n1@there.example>'], ['RCPT TO:<n2@there.example>'], ['RCPT TO:<n3@there.example>']]);
});

test('a connection serves the next message of its next hop, and leaves with QUIT when it was idle long enough', async t => {
  const { peer, box } = await set(t);
  await box.deliverOne();
  await box.deliverOne();
  assert.equal(peer.connections, 1);
  await box.clock.runTo(box.clock.now() + 60_000);
  await peer.until('QUIT', () => peer.lines.includes('QUIT'));
  await peer.until('the connection to close', () => peer.open === 0);
  await box.deliverOne();
  assert.equal(peer.connections, 2);
});

test('replies that come an octet at a time are read all the same', async t => {
  const { peer, box } = await set(t, { octetByOctet: true });
  assert.equal((await box.deliverOne()).kind, 'relayed');
  assert.equal(peer.messages.length, 1);
});

test('a host that does not know EHLO is greeted with HELO', async t => {
  const { peer, box } = await set(t, { act: ({ step }) => (step === 'ehlo' ? say('502 5.5.1 What?') : undefined) });
  assert.equal((await box.deliverOne()).kind, 'relayed');
  assert.deepEqual(peer.lines.slice(0, 3), ['EHLO posthorn.example', 'HELO posthorn.example', 'MAIL FROM:<ada@sender.example>']);
});
