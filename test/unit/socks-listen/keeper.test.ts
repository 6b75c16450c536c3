import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { LogFields } from '../../../src/core/log.ts';
import { openSocksListener, type OutsidePeer, type SocksListenerSettings } from '../../../src/flow/socks-listen/index.ts';
import type { Accepted, BindRequest, Bound } from '../../../src/kit/net/socks-bind.ts';
import { createHandClock, noChance } from '../../props/hand-clock.ts';

interface Asked {
  readonly request: BindRequest;
  answer(bound: Bound): void;
}

function set(t: TestContext, own: Partial<SocksListenerSettings> = {}) {
  const clock = createHandClock();
  const asked: Asked[] = [];
  const peers: OutsidePeer[] = [];
  const logged: [string, LogFields][] = [];
  const note = (level: string) => (_event: string, fields: LogFields = {}) => void logged.push([level, fields]);
  const listener = openSocksListener({
    name: 'esmtpd', proxy: { host: 'wall.example', port: 1080 }, from: '0.0.0.0', port: 0, reserve: 1, privatePeers: false, clock, chance: noChance,
    log: { info: note('info'), warn: note('warn'), error: note('error') },
    bind: request => new Promise(resolve => {
      request.signal?.addEventListener('abort', () => resolve({ kind: 'aborted', why: 'we gave up' }));
      asked.push({ request, answer: resolve });
    }),
    taken: (_socket, peer) => void peers.push(peer),
    ...own,
  });
  t.after(() => listener.close());
  return { clock, asked, peers, logged, listener };
}

function bound(port = 4000): { readonly bound: Bound; come(accepted: Accepted): void; readonly closed: () => boolean } {
  const { promise, resolve } = Promise.withResolvers<Accepted>();
  let closed = false;
  return {
    bound: { kind: 'bound', host: '198.51.100.7', port, proxyAddress: '203.0.113.1', accepted: promise, close: () => { closed = true; resolve({ kind: 'lost', why: 'closed' }); } },
    come: resolve,
    closed: () => closed,
  };
}

const came = (host: string): Accepted => ({ kind: 'accepted', socket: new Socket(), host, port: 5555 });

test('bound, shown, taken, and asked again at once', async t => {
  const { asked, clock, listener, peers, logged } = set(t);
  await clock.settle();
  assert.equal(listener.trouble(), 'not yet');
  const one = bound();
  asked[0]?.answer(one.bound);
  await clock.settle();
  assert.deepEqual([listener.addresses(), listener.trouble()], [[{ host: '198.51.100.7', port: 4000 }], null]);
  assert.deepEqual(logged, [['info', { listener: 'esmtpd', proxy: 'wall.example:1080', outside: '198.51.100.7:4000' }]]);
  one.come(came('8.8.4.4'));
  await clock.settle();
  assert.deepEqual(peers, [{ remoteAddress: '8.8.4.4', remotePort: 5555, localAddress: '198.51.100.7', localPort: 4000 }]);
  assert.equal(asked.length, 2);
  assert.deepEqual(listener.addresses(), []);
});

test('an address that the proxy could have invented is nobody\'s', async t => {
  const { asked, clock, peers } = set(t);
  const strangers = ['203.0.113.1', '198.51.100.7', '0.0.0.0', '::', '127.0.0.1', '10.0.0.1', '192.168.1.1', '::1', 'fd00::1', 'name.example', ''];
  for (const [n, host] of strangers.entries()) {
    await clock.settle();
    const one = bound();
    asked[n]?.answer(one.bound);
    one.come(came(host));
  }
  await clock.settle();
  assert.deepEqual(peers.map(({ remoteAddress }) => remoteAddress), strangers.map(() => '0.0.0.0'));
  const trusting = set(t, { privatePeers: true });
  for (const [n, host] of ['10.0.0.1', '203.0.113.1', '0.0.0.0'].entries()) {
    await trusting.clock.settle();
    const one = bound();
    trusting.asked[n]?.answer(one.bound);
    one.come(came(host));
  }
  await trusting.clock.settle();
  assert.deepEqual(trusting.peers.map(({ remoteAddress }) => remoteAddress), ['10.0.0.1', '0.0.0.0', '0.0.0.0'], 'its own address never');
});

test('a dead proxy is asked later and later, up to five minutes, and complained about', async t => {
  const { asked, clock, listener, logged } = set(t);
  const gaps: number[] = [];
  for (let n = 0; n < 12; n++) {
    await clock.settle();
    const since = clock.now();
    asked[n]?.answer({ kind: 'failed', why: 'proxy wall.example:1080: connection refused' });
    while (asked.length <= n + 1) await clock.runTo(clock.now() + 500);
    gaps.push(Math.round((clock.now() - since) / 1000));
  }
  assert.deepEqual(gaps, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
  assert.equal(listener.trouble(), 'proxy wall.example:1080: connection refused');
  assert.equal(logged[0]?.[0], 'warn');
  const one = bound();
  asked[12]?.answer(one.bound);
  await clock.settle();
  assert.equal(listener.trouble(), null);
  // It lived long: the next is asked for at once.
  await clock.runTo(clock.now() + 60_000);
  one.come({ kind: 'lost', why: 'proxy wall.example:1080: closed the connection' });
  await clock.settle();
  assert.equal(asked.length, 14);
});

test('several in reserve; that the proxy allows only one is no trouble', async t => {
  const { asked, clock, listener, logged } = set(t, { reserve: 3, from: '192.0.2.25', port: 2525 });
  await clock.settle();
  assert.deepEqual(asked.map(({ request }) => [request.from, request.port]), Array.from({ length: 3 }, () => ['192.0.2.25', 2525]));
  asked[0]?.answer(bound(1).bound);
  await clock.settle();
  asked[1]?.answer(bound(2).bound);
  asked[2]?.answer({ kind: 'failed', why: 'proxy: not allowed' });
  await clock.settle();
  assert.deepEqual([listener.addresses().map(({ port }) => port), listener.trouble()], [[1, 2], null]);
  assert.ok(!logged.some(([level]) => level === 'warn'));
});

test('closing ends what waits, and nothing is asked again', async t => {
  const { asked, clock, listener } = set(t, { reserve: 2 });
  await clock.settle();
  const one = bound();
  asked[0]?.answer(one.bound);
  await clock.settle();
  await listener.close();
  assert.ok(one.closed());
  assert.equal(asked.length, 2);
});
