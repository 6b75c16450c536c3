/** Relays that stand in for one another: the next when one is down, the first again when it is back. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Destination } from '../../../src/core/transport.ts';
import { courierTimeouts } from '../../../src/flow/transport/esmtp/index.ts';
import { letter, openEsmtpBox, type EsmtpBox } from '../../props/esmtp-box.ts';
import { drop, last, openScriptedPeer, say, type PeerOptions, type ScriptedPeer } from '../../props/scripted-peer.ts';

const MINUTE = 60_000;

async function stage(t: TestContext, first: PeerOptions, second: PeerOptions, own: Partial<Destination> = {}): Promise<{ one: ScriptedPeer; two: ScriptedPeer; box: EsmtpBox }> {
  const [one, two] = [await openScriptedPeer(first), await openScriptedPeer(second)];
  const box = openEsmtpBox({
    kind: 'destination', tls: { kind: 'opportunistic', verify: false }, failover: true,
    relays: [{ host: 'one.example', address: one.host, port: one.port }, { host: 'two.example', address: two.host, port: two.port }], ...own,
  });
  t.after(async () => {
    await one.close();
    await two.close();
    await box.close();
  });
  return { one, two, box };
}

for (const [what, act] of [['hangs up', drop], ['says 421', last('421 4.3.2 Going down')], ['says 450', say('450 4.3.2 Not now')], ['says 554', say('554 5.3.2 No service')]] as const) {
  test(`the first ${what}: the next takes the mail, and is taken first for a while; then the first is back`, async t => {
    let down = true;
    const { one, two, box } = await stage(t, { act: ({ step }) => (step === 'connect' && down ? act : undefined) }, {});
    assert.equal((await box.deliverOne()).kind, 'relayed');
    assert.deepEqual([one.messages.length, two.messages.length], [0, 1]);
    const asked = one.connections;
    assert.equal((await box.deliverOne()).kind, 'relayed');
    assert.deepEqual([one.connections, two.messages.length], [asked, 2], 'on the connection there is');
    down = false;
    await box.clock.runTo(box.clock.now() + 2 * MINUTE);
    assert.equal((await box.deliverOne()).kind, 'relayed');
    assert.equal(one.messages.length, 1, 'back at the first');
  });
}

test('a stand-in that is always busy is left all the same when the first may be back', async t => {
  let down = true;
  const { one, two, box } = await stage(t, { act: ({ step }) => (step === 'connect' && down ? drop : undefined) }, {});
  await box.deliverOne();
  down = false;
  for (let n = 0; n < 8; n++) {
    await box.clock.runTo(box.clock.now() + 10_000);
    assert.equal((await box.deliverOne()).kind, 'relayed');
  }
  assert.ok(one.messages.length > 0, 'an idle connection would have been kept for 60 s after each');
  assert.ok(two.messages.length > 1);
});

test('one that stays down is asked ever more seldom', async t => {
  const { one, box } = await stage(t, { act: ({ step }) => (step === 'connect' ? drop : undefined) }, {});
  for (let n = 0; n < 120; n++) {
    assert.equal((await box.deliverOne()).kind, 'relayed');
    await box.clock.runTo(box.clock.now() + 2 * MINUTE);
  }
  assert.ok(one.connections <= 12, `${one.connections} times in four hours`);
});

test('all are down: deferred, and as long as one may be back nobody is failed for what another says', async t => {
  const both = await stage(t, { act: ({ step }) => (step === 'connect' ? drop : undefined) }, { act: ({ step }) => (step === 'connect' ? say('554 5.3.2 No service') : undefined) });
  const outcome = await both.box.deliverOne();
  assert.equal(outcome.kind, 'deferred');
});

test('mail exchangers are another matter: one that answers speaks for the domain', async t => {
  const peers = [await openScriptedPeer({ act: ({ step }) => (step === 'connect' ? say('554 5.3.2 No service') : undefined) }), await openScriptedPeer()];
  const box = openEsmtpBox({ kind: 'destination', tls: { kind: 'opportunistic', verify: false }, relays: peers.map(({ host, port }, n) => ({ host: `mx${n}.example`, address: host, port })) });
  t.after(async () => {
    for (const peer of peers) await peer.close();
    await box.close();
  });
  assert.equal((await box.deliverOne()).kind, 'failed');
  assert.equal(peers[1]?.connections, 0);
});

test('each relay has its own login, or none', async t => {
  const { one, two, box } = await stage(t, { extensions: ['AUTH PLAIN'], act: ({ step }) => (step === 'auth' ? say('535 5.7.8 No') : undefined) }, { extensions: ['AUTH PLAIN'] });
  const places: Destination = { kind: 'destination', tls: { kind: 'opportunistic', verify: false }, failover: true, auth: { login: 'a', password: 'first' }, relays: [
    { host: 'one.example', address: one.host, port: one.port }, { host: 'two.example', address: two.host, port: two.port, auth: { login: 'b', password: 'second' } },
  ] };
  const own = openEsmtpBox(places);
  t.after(() => own.close());
  assert.equal((await own.deliverOne()).kind, 'relayed');
  assert.ok(one.lines.includes(`AUTH PLAIN ${btoa('\0a\0first')}`));
  assert.ok(two.lines.includes(`AUTH PLAIN ${btoa('\0b\0second')}`));
  const none = openEsmtpBox({ ...places, relays: places.relays.map(relay => ({ ...relay, auth: null })) });
  t.after(() => none.close());
  assert.equal((await none.deliverOne()).kind, 'relayed');
  assert.equal(one.lines.filter(line => line.startsWith('AUTH')).length, 1);
  assert.equal((await box.deliverOne(letter())).kind, 'relayed');
  assert.equal(courierTimeouts.keepaliveMs, MINUTE, 'what the tests above reckon with');
});
