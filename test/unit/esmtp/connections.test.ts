/** Which connection a message takes, what happens when one goes, and when nobody can be reached. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { Destination } from '../../../src/core/transport.ts';
import type { EsmtpSettings } from '../../../src/flow/transport/esmtp/index.ts';
import { at, letter, openEsmtpBox, TEXT, type EsmtpBox, type Places } from '../../props/esmtp-box.ts';
import { listen } from '../../props/ports.ts';
import { openSocksProxy } from '../../props/socks-proxy.ts';
import { drop, last, openScriptedPeer, say, silence, type PeerOptions, type ScriptedPeer } from '../../props/scripted-peer.ts';

async function peerFor(t: TestContext, options: PeerOptions = {}): Promise<ScriptedPeer> {
  const peer = await openScriptedPeer(options);
  t.after(() => peer.close());
  return peer;
}

function boxFor(t: TestContext, places: Places, own: Partial<EsmtpSettings> = {}): EsmtpBox {
  const box = openEsmtpBox(places, own);
  t.after(() => void box.close());
  return box;
}

/** A port on which nobody listens. */
async function nobody(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise(gone => server.close(gone));
  return port;
}

const relays = (...peers: readonly { readonly host: string; readonly port: number }[]): Destination => ({
  ...at(peers[0] ?? { host: '127.0.0.1', port: 1 }),
  relays: peers.map(({ host, port }, n) => ({ host: `mx${n + 1}.example`, address: host, port })),
});
const oneConnection = { limits: { recipients: 100, connectionsPerNexthop: 1, deliveriesInAll: 40, idle: 10 } };

test('the next relay is tried when one refuses the connection, drops it, is silent or talks nonsense', async t => {
  const good = await peerFor(t);
  const dropping = await peerFor(t, { act: ({ step }) => (step === 'connect' ? drop : undefined) });
  const noisy = await peerFor(t, { act: ({ step }) => (step === 'ehlo' ? { kind: 'garbage' } : undefined) });
  const box = boxFor(t, relays({ host: '127.0.0.1', port: await nobody() }, dropping, noisy, good));
  const outcome = await box.deliverOne();
  assert.equal(outcome.kind, 'relayed');
  assert.equal(outcome.said?.remoteMta, 'mx4.example [127.0.0.1]');
});

test('an address that the proxy does not go to is no reason to keep the mail: another one may do, and the log hears of it', async t => {
  const good = await peerFor(t);
  for (const code of [2, 8]) {
    const proxy = await openSocksProxy({ refuse: ({ kind }) => (kind === 'ipv6' ? code : 0) });
    t.after(() => proxy.close());
    const through = { proxy: { host: '127.0.0.1', port: proxy.port } };
    const box = boxFor(t, { ...relays({ host: '2001:db8::1', port: 25 }, good), ...through });
    assert.equal((await box.deliverOne()).said?.remoteMta, 'mx2.example [127.0.0.1]', `reply ${code}`);
    assert.match(String(box.logged[0]?.fields['why']), new RegExp(`SOCKS reply ${code}`));
    const nowhere = boxFor(t, { ...relays({ host: '2001:db8::1', port: 25 }), ...through });
    const outcome = await nowhere.deliverOne();
    assert.ok(outcome.kind === 'deferred' && outcome.blame === 'nexthop');
    assert.match(outcome.said?.text ?? '', new RegExp(`^proxy 127\\.0\\.0\\.1:${proxy.port}: .*SOCKS reply ${code}`));
  }
});

test('a relay that is reached without the proxy is', async t => {
  const peer = await peerFor(t);
  const box = boxFor(t, { ...at(peer), relays: [{ host: 'near.example', address: peer.host, port: peer.port, direct: true }], proxy: { host: '127.0.0.1', port: await nobody() } });
  assert.equal((await box.deliverOne()).kind, 'relayed');
});

test('the next relay is not tried when one answers with 4yz, 421 or 5yz: it speaks for the domain', async t => {
  for (const [act, kind] of [[say('450 4.3.2 Busy'), 'deferred'], [last('421 4.3.2 Busy'), 'deferred'], [say('554 5.7.1 Go away'), 'failed']] as const) {
    const refusing = await peerFor(t, { act: ({ step }) => (step === 'connect' ? act : undefined) });
    const good = await peerFor(t);
    assert.equal((await boxFor(t, relays(refusing, good)).deliverOne()).kind, kind);
    assert.equal(good.connections, 0);
  }
});

test('several messages at once for a next hop that refuses: all are deferred, and each connection was tried once', async t => {
  const port = await nobody();
  let lookUps = 0;
  const box = boxFor(t, () => {
    lookUps++;
    return relays({ host: '127.0.0.1', port });
  });
  const outcomes = await Promise.all(Array.from({ length: 6 }, () => box.deliverOne()));
  for (const outcome of outcomes) assert.deepEqual([outcome.kind, outcome.status], ['deferred', '4.4.1']);
  assert.ok(lookUps <= 4, `${lookUps} tries`);
});

test('what DNS settled is the outcome, and nothing is connected', async t => {
  const settled = { kind: 'failed', status: '5.1.2', said: { type: 'x-gateway', text: 'no such domain' } } as const;
  const box = boxFor(t, { kind: 'settled', outcome: settled });
  assert.deepEqual(await box.deliverOne(), settled);
});

test('when no relay was reached all wait a while without a try, and then one is made', async t => {
  const peer = await peerFor(t);
  const port = await nobody();
  let reachable = false;
  const box = boxFor(t, () => (reachable ? at(peer) : relays({ host: '127.0.0.1', port })), { delayMs: 300_000 });
  const first = await box.deliverOne();
  assert.deepEqual(first, { kind: 'deferred', status: '4.4.1', blame: 'nexthop', said: { type: 'x-gateway', text: 'connection refused', remoteMta: 'mx1.example [127.0.0.1]' } });
  reachable = true;
  const began = box.clock.now();
  assert.deepEqual(await box.deliverOne(), { ...first, notBefore: began + 300_000 });
  assert.equal(peer.connections, 0);
  assert.equal((await box.deliverOne(letter({ nexthop: 'elsewhere.example' }))).kind, 'relayed', 'another next hop is not concerned');
  await box.clock.runTo(began + 300_000);
  assert.equal((await box.deliverOne()).kind, 'relayed');
});

test('a refusal at the greeting is an answer, and no reason to stop trying', async t => {
  const peer = await peerFor(t, { act: ({ step, before }) => (step === 'connect' && before === 0 ? say('450 4.3.2 Busy') : undefined) });
  const box = boxFor(t, at(peer), { delayMs: 300_000 });
  assert.equal((await box.deliverOne()).kind, 'deferred');
  assert.equal((await box.deliverOne()).kind, 'relayed');
});

test('a kept connection that turns out dead costs the next message nothing', async t => {
  for (const act of [drop, last('421 4.4.2 Idle too long')]) {
    const peer = await peerFor(t, { act: ({ step, before }) => (step === 'mail' && before === 1 ? act : undefined) });
    const box = boxFor(t, at(peer));
    assert.equal((await box.deliverOne()).kind, 'relayed');
    assert.equal((await box.deliverOne()).kind, 'relayed');
    assert.equal(peer.connections, 2);
  }
});

test('a peer that closes an idle connection, or says 421 on it, is connected to again', async t => {
  const peer = await peerFor(t, { act: ({ step, before }) => (step === 'dot' && before === 0 ? last('250 2.0.0 Taken, and bye') : undefined) });
  const box = boxFor(t, at(peer));
  await box.deliverOne();
  await peer.until('the end', () => peer.open === 0);
  assert.equal((await box.deliverOne()).kind, 'relayed');
  assert.equal(peer.connections, 2);
});

test('lost after the dot: uncertain for this message; the one whose envelope was sent ahead goes elsewhere', async t => {
  const peer = await peerFor(t, { act: ({ step, before }) => (step === 'dot' && before === 0 ? drop : undefined) });
  const box = boxFor(t, at(peer), oneConnection);
  const [first, second] = await Promise.all([box.deliverOne(), box.deliverOne()]);
  assert.ok(first?.kind === 'deferred' && first.uncertain === true);
  assert.equal(second?.kind, 'relayed');
  assert.equal(peer.connections, 2);
});

test('a peer that drops every connection at MAIL does not keep us busy for ever', async t => {
  const peer = await peerFor(t, { act: ({ step }) => (step === 'mail' ? drop : undefined) });
  const box = boxFor(t, at(peer), oneConnection);
  const outcomes = await Promise.all(Array.from({ length: 5 }, () => box.deliverOne()));
  assert.ok(outcomes.every(({ kind, status }) => kind === 'deferred' && status === '4.4.2'));
  assert.ok(peer.connections <= 10, `${peer.connections} connections for 5 messages`);
});

test('a transport that another one replaces delivers all that it was given, though nobody is connected yet, and keeps no connection', async t => {
  const peer = await peerFor(t);
  for (const earlier of [0, 2]) {
    const box = boxFor(t, at(peer), oneConnection);
    for (let n = 0; n < earlier; n++) await box.deliverOne();
    const all = Promise.all(Array.from({ length: 3 }, () => box.deliverOne()));
    const over = box.transport.retire();
    assert.deepEqual((await all).map(({ kind }) => kind), ['relayed', 'relayed', 'relayed']);
    await over;
    await peer.until('no connection', () => peer.open === 0);
  }
  const idle = boxFor(t, at(peer), oneConnection);
  await idle.deliverOne();
  await idle.transport.retire();
  await peer.until('no connection', () => peer.open === 0);
});

test('a peer that keeps three connections and turns the fourth away is not asked for more with each message', async t => {
  const peer = await peerFor(t, { act: ({ step }) => (step === 'connect' && peer.open > 3 ? say('421 4.7.0 Too many connections') : undefined) });
  const box = boxFor(t, at(peer), { limits: { recipients: 100, connectionsPerNexthop: 20, deliveriesInAll: 200, idle: 20 } });
  const batch = async () => (await Promise.all(Array.from({ length: 40 }, () => box.deliverOne()))).every(({ kind }) => kind === 'relayed');
  assert.ok(await batch());
  const asked = peer.connections;
  for (let n = 0; n < 5; n++) assert.ok(await batch());
  assert.equal(peer.connections, asked);
  box.clock.jump(box.clock.now() + 61_000);
  assert.ok(await batch());
  assert.ok(peer.connections > asked, 'after a while it is asked again');
});

test('as many connections as allowed, and no more', async t => {
  const peer = await peerFor(t);
  const box = boxFor(t, at(peer), { limits: { recipients: 100, connectionsPerNexthop: 3, deliveriesInAll: 40, idle: 10 } });
  await Promise.all(Array.from({ length: 20 }, () => box.deliverOne()));
  assert.equal(peer.messages.length, 20);
  assert.equal(peer.connections, 3);
});

test('idle connections have a limit in all; the longest idle leaves', async t => {
  const peer = await peerFor(t);
  const box = boxFor(t, at(peer), { limits: { recipients: 100, connectionsPerNexthop: 3, deliveriesInAll: 40, idle: 2 } });
  for (const nexthop of ['a.example', 'b.example', 'c.example']) await box.deliverOne(letter({ nexthop }));
  await peer.until('one connection less', () => peer.open === 2);
  await box.deliverOne(letter({ nexthop: 'c.example' }));
  assert.equal(peer.connections, 3);
  await box.deliverOne(letter({ nexthop: 'a.example' }));
  assert.equal(peer.connections, 4);
});

test('an idle connection is kept warm with RSET where configured, and used all the same', async t => {
  const peer = await peerFor(t);
  const box = boxFor(t, at(peer), { timeouts: { connectMs: 60_000, heloMs: 300_000, commandMs: 600_000, contentMs: 300_000, quitMs: 10_000, keepaliveMs: 60_000, keepalivePingMs: 25_000 } });
  await box.deliverOne();
  const began = box.clock.now();
  await box.clock.runTo(began + 26_000);
  await peer.until('RSET', () => peer.lines.includes('RSET'));
  for (let n = 0; n < 20; n++) await box.clock.settle();
  assert.equal((await box.deliverOne()).kind, 'relayed');
  assert.equal(peer.connections, 1);
});

test('giving up: what waits is deferred at once, what was not yet sent is taken back, what was sent is uncertain', async t => {
  let holdAt = 'rcpt';
  const peer = await peerFor(t, { act: ({ step }) => (step === holdAt ? silence : undefined) });
  const box = boxFor(t, at(peer), oneConnection);
  const giveUp = new AbortController();
  const [onWire, waiting] = [box.deliver(letter(), giveUp.signal), box.deliver(letter(), giveUp.signal)];
  await peer.until('RCPT', () => peer.lines.some(line => line.startsWith('RCPT')));
  giveUp.abort();
  for (const outcomes of [await onWire, await waiting]) {
    const [outcome] = outcomes.values();
    assert.ok(outcome?.kind === 'deferred' && outcome.status === '4.3.2' && outcome.uncertain !== true);
  }
  holdAt = 'dot';
  const later = new AbortController();
  const sent = box.deliver(letter(), later.signal);
  await peer.until('the content', () => peer.segments.some(segment => segment.endsWith(`${TEXT}.\r\n`)));
  later.abort();
  const [outcome] = (await sent).values();
  assert.ok(outcome?.kind === 'deferred' && outcome.uncertain === true);
});

test('giving up one message leaves the one before it alone', async t => {
  const peer = await peerFor(t, { act: ({ step, before }) => (step === 'dot' && before === 0 ? silence : undefined) });
  const box = boxFor(t, at(peer), oneConnection);
  const first = box.deliverOne();
  const giveUp = new AbortController();
  const second = box.deliver(letter(), giveUp.signal);
  await peer.until('the second envelope', () => peer.segments.some(segment => segment.includes('.\r\nMAIL')));
  giveUp.abort();
  assert.equal([...(await second).values()][0]?.kind, 'deferred');
  let ended = false;
  void first.then(() => (ended = true));
  await box.clock.settle();
  assert.equal(ended, false);
});

test('close() lets messages under way finish and leaves with QUIT', async t => {
  const peer = await peerFor(t);
  const box = openEsmtpBox(at(peer));
  await box.deliverOne();
  const outcome = box.deliverOne();
  await box.close();
  assert.equal((await outcome).kind, 'relayed');
  await peer.until('QUIT', () => peer.lines.includes('QUIT') && peer.open === 0);
  const late = await box.deliverOne();
  assert.ok(late.kind === 'deferred' && late.status === '4.3.2');
});

test('our own fault in finding the way is a deferral, and an error in the log', async t => {
  const box = boxFor(t, () => {
    throw new Error('a bug');
  });
  const outcome = await box.deliverOne();
  assert.ok(outcome.kind === 'deferred' && outcome.status === '4.3.0' && outcome.blame === 'message');
  assert.equal(box.logged[0]?.event, 'esmtp');
});
