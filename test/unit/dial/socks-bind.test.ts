/** BIND, octet for octet (RFC 1928 §6): both replies in every form, and each way in which a proxy says no. */
import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { openDeadlines } from '../../../src/kit/deadlines.ts';
import { createDial } from '../../../src/kit/net/dial.ts';
import { bindThrough, type BindRequest } from '../../../src/kit/net/socks-bind.ts';
import { createSystemClock } from '../../../src/kit/system-clock.ts';
import { createHandClock } from '../../props/hand-clock.ts';
import { freePorts, listen } from '../../props/ports.ts';

/** A proxy that answers as the script says: each entry is sent when so many octets more have come. */
async function open(t: TestContext, script: readonly (readonly [after: number, say: readonly number[] | 'end'])[], octetByOctet = false) {
  const heard: number[] = [];
  const sockets = new Set<Socket>();
  const server = createServer(socket => {
    sockets.add(socket);
    let wanted = 0;
    let step = 0;
    socket.on('error', () => undefined).on('data', chunk => {
      heard.push(...chunk);
      for (; step < script.length; step++) {
        const [after, say] = script[step] as (typeof script)[number];
        if (heard.length < wanted + after) return;
        wanted += after;
        if (say === 'end') socket.end();
        else if (octetByOctet) for (const octet of say) socket.write(Buffer.of(octet));
        else socket.write(Buffer.from(say));
      }
    });
  });
  const port = await listen(server);
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const deadlines = openDeadlines(createSystemClock());
  t.after(() => deadlines.close());
  const bind = (own: Partial<BindRequest> = {}) => bindThrough(createDial(deadlines), deadlines, { proxy: { host: '127.0.0.1', port }, from: '0.0.0.0', port: 0, timeoutMs: 10_000, ...own });
  return { heard, port, bind };
}

const REQUEST = 10;
const first = [5, 0, 0, 1, 198, 51, 100, 7, 0x9c, 0x40];
const hello = [...Buffer.from('EHLO early')];

test('two replies, cut anywhere, and what the peer said behind them', async t => {
  for (const octetByOctet of [false, true]) {
    const { bind, heard } = await open(t, [[3, [5, 0]], [REQUEST, [...first, 5, 0, 0, 1, 192, 0, 2, 25, 0, 99, ...hello]]], octetByOctet);
    const bound = await bind({ from: '192.0.2.25', port: 2525 });
    assert.ok(bound.kind === 'bound', JSON.stringify(bound));
    assert.deepEqual([bound.host, bound.port, bound.proxyAddress], ['198.51.100.7', 40_000, '127.0.0.1']);
    const came = await bound.accepted;
    assert.ok(came.kind === 'accepted');
    assert.deepEqual([came.host, came.port], ['192.0.2.25', 99]);
    assert.deepEqual(heard, [5, 1, 0, 5, 2, 0, 1, 192, 0, 2, 25, 9, 221]);
    let said = '';
    for await (const chunk of came.socket as AsyncIterable<Buffer>) {
      said += chunk.toString();
      if (said.length >= hello.length) break;
    }
    assert.equal(said, 'EHLO early');
  }
});

test('IPv6, names, mapped addresses; user and password', async t => {
  const six = [0x20, 0x01, 0x0d, 0xb8, ...Array<number>(11).fill(0), 1];
  const mapped = [...Array<number>(10).fill(0), 255, 255, 192, 0, 2, 1];
  const { bind, heard, port } = await open(t, [[4, [5, 2]], [7, [1, 0]], [22, [5, 0, 0, 4, ...six, 0, 25, 5, 0, 0, 4, ...mapped, 1, 0]]]);
  const bound = await bind({ proxy: { host: '127.0.0.1', port, login: 'me', password: 'pw' }, from: '2001:db8::1' });
  assert.ok(bound.kind === 'bound', JSON.stringify(bound));
  assert.equal(bound.host, '2001:db8::1');
  const came = await bound.accepted;
  assert.ok(came.kind === 'accepted');
  assert.equal(came.host, '192.0.2.1');
  came.socket.destroy();
  assert.deepEqual(heard.slice(0, 11), [5, 2, 0, 2, 1, 2, 109, 101, 2, 112, 119]);
  assert.deepEqual(heard.slice(11), [5, 2, 0, 4, ...six, 0, 0]);
  const named = await open(t, [[3, [5, 0]], [REQUEST, [5, 0, 0, 3, 9, ...Buffer.from('outer.lan'), 0, 25]]]);
  const other = await named.bind();
  assert.ok(other.kind === 'bound');
  assert.equal(other.host, 'outer.lan');
  other.close();
  assert.equal((await other.accepted).kind, 'lost');
});

test('each no has its words; after the first reply too', async t => {
  const login = { login: 'me', password: 'pw' };
  for (const [script, words, credentials] of [
    [[[3, [5, 255]]], /wants a login and has been given none$/, {}],
    [[[4, [5, 255]]], /accepts no way of logging in that we know$/, login],
    [[[4, [5, 2]], [7, [1, 1]]], /refused login or password$/, login],
    [[[3, [4, 0]]], /does not speak SOCKSv5$/, {}],
    [[[3, [5, 0]], [REQUEST, [5, 7, 0, 1, 0, 0, 0, 0, 0, 0]]], /command not supported \(SOCKS reply 7\)$/, {}],
    [[[3, [5, 0]], [REQUEST, [5, 2, 0, 1, 0, 0, 0, 0, 0, 0]]], /not allowed by its rules \(SOCKS reply 2\)$/, {}],
    [[[3, [5, 0]], [REQUEST, [5, 0, 0, 9, 0, 0, 0, 0, 0, 0]]], /sent a broken reply$/, {}],
    [[[3, [5, 0]], [REQUEST, 'end']], /closed the connection$/, {}],
  ] as const) {
    const { bind, port } = await open(t, script);
    const bound = await bind({ proxy: { host: '127.0.0.1', port, ...credentials } });
    assert.ok(bound.kind === 'failed', JSON.stringify(bound));
    assert.match(bound.why, words);
    assert.match(bound.why, /^proxy 127\.0\.0\.1:\d+: /);
  }
  for (const [second, words] of [[[5, 6, 0, 1, 0, 0, 0, 0, 0, 0], /time to live expired/], ['end', /closed the connection/]] as const) {
    const { bind } = await open(t, [[3, [5, 0]], [REQUEST, first], [0, second]]);
    const bound = await bind();
    assert.ok(bound.kind === 'bound');
    const came = await bound.accepted;
    assert.ok(came.kind === 'lost');
    assert.match(came.why, words);
  }
});

test('a dead proxy, a silent one, and one that is given up', async t => {
  const [closed = 0] = await freePorts(1);
  const { bind } = await open(t, []);
  const dead = await bind({ proxy: { host: '127.0.0.1', port: closed } });
  assert.deepEqual(dead, { kind: 'failed', why: `proxy 127.0.0.1:${closed}: connection refused` });
  const silent = await open(t, []);
  const clock = createHandClock();
  const deadlines = openDeadlines(clock);
  t.after(() => deadlines.close());
  const asking = bindThrough(createDial(deadlines), deadlines, { proxy: { host: '127.0.0.1', port: silent.port }, from: '0.0.0.0', port: 0, timeoutMs: 5000 });
  while (silent.heard.length < 3) await new Promise(resolve => setImmediate(resolve));
  await clock.runTo(clock.now() + 5001);
  const late = await asking;
  assert.ok(late.kind === 'failed');
  assert.match(late.why, /no answer within 5 s$/);
  const giving = new AbortController();
  const given = bind({ signal: giving.signal });
  giving.abort();
  assert.equal((await given).kind, 'aborted');
});

test('who closes before anybody came is lost at once', async t => {
  const { bind } = await open(t, [[3, [5, 0]], [REQUEST, first]]);
  const bound = await bind();
  assert.ok(bound.kind === 'bound');
  bound.close();
  assert.equal((await bound.accepted).kind, 'lost');
});
