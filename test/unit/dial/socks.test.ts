import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test, type TestContext } from 'node:test';
import { openDeadlines } from '../../../src/kit/deadlines.ts';
import { createDial, type Dialled, type Target } from '../../../src/kit/net/dial.ts';
import { createHandClock, type HandClock } from '../../props/hand-clock.ts';
import { listen } from '../../props/ports.ts';
import { openScriptedProxy, replied, type ProxyScript, type ScriptedProxy } from '../../props/scripted-proxy.ts';
import { within } from '../../props/within.ts';

interface Dialling {
  readonly proxy: ScriptedProxy;
  readonly clock: HandClock;
  readonly dial: (target?: Partial<Target>) => Promise<Dialled>;
}

async function set(t: TestContext, script: ProxyScript = {}, credentials: { readonly login?: string; readonly password?: string } = {}): Promise<Dialling> {
  const proxy = await openScriptedProxy(script);
  const clock = createHandClock();
  const dial = createDial(openDeadlines(clock));
  t.after(() => proxy.close());
  return {
    proxy,
    clock,
    dial: target => dial({ host: 'mx.example', port: 25, timeoutMs: 60_000, proxy: { host: proxy.host, port: proxy.port, ...credentials }, ...target }),
  };
}

/** Reads until the text is there, beginning late: nobody listened for a while. */
async function readLate(dialled: Dialled, wanted: string): Promise<string> {
  assert.equal(dialled.kind, 'connected');
  if (dialled.kind !== 'connected') return '';
  for (let n = 0; n < 20; n++) await new Promise(setImmediate);
  let text = '';
  dialled.socket.on('data', chunk => (text += chunk.toString()));
  dialled.socket.resume();
  while (text.length < wanted.length) await within(2000, JSON.stringify(wanted), once(dialled.socket, 'data'));
  dialled.socket.destroy();
  return text;
}

const greeting = '220 mx.example ESMTP\r\n';

test('a name goes to the proxy as a name, addresses as what they are', async t => {
  for (const [target, request] of [
    [{}, '3 mx.example:25'],
    [{ address: '192.0.2.1' }, '1 c0000201:25'],
    [{ address: '2001:db8::1' }, '4 20010db8000000000000000000000001:25'],
  ] as const) {
    const { dial, proxy } = await set(t);
    const dialled = await dial(target);
    assert.equal(dialled.kind, 'connected');
    assert.equal(proxy.request, request);
    assert.deepEqual(proxy.methods, [0]);
    if (dialled.kind === 'connected') dialled.socket.destroy();
  }
});

test('a greeting in the same segment as the reply is not lost, however late it is read', async t => {
  const { dial } = await set(t, { behind: greeting });
  assert.equal(await readLate(await dial(), greeting), greeting);
});

test('replies in pieces, with addresses of every type, and the greeting behind them', async t => {
  const bound = [Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]), Buffer.from([5, 0, 0, 3, 3, 0x61, 0x2e, 0x62, 0, 1]), Buffer.concat([Buffer.from([5, 0, 0, 4]), Buffer.alloc(18, 7)])];
  for (const reply of bound) {
    for (const split of [true, false]) {
      const { dial } = await set(t, { reply, split, behind: greeting }, { login: 'u', password: 'p' });
      assert.equal(await readLate(await dial(), greeting), greeting);
    }
  }
});

test('login and password are sent when the proxy asks; without them only method 0 is offered', async t => {
  const { dial, proxy } = await set(t, {}, { login: 'post', password: 'hörn' });
  assert.equal((await dial()).kind, 'connected');
  assert.equal(proxy.login, 'post:hörn');
  assert.deepEqual(proxy.methods, [0, 2]);
});

const rows: readonly (readonly [string, ProxyScript, Dialled['kind'], boolean])[] = [
  ['reply 1, general failure', { reply: replied(1) }, 'unreachable', false],
  ['reply 2, not allowed', { reply: replied(2) }, 'unreachable', true],
  ['reply 3, network unreachable', { reply: replied(3) }, 'unreachable', false],
  ['reply 4, host unreachable', { reply: replied(4) }, 'unreachable', false],
  ['reply 4 with a name in it', { reply: Buffer.from([5, 4, 0, 3, 1, 0x78, 0, 0]) }, 'unreachable', false],
  ['reply 5, refused', { reply: replied(5) }, 'refused', false],
  ['reply 6, TTL expired', { reply: replied(6) }, 'unreachable', false],
  ['reply 7, command not supported', { reply: replied(7) }, 'proxy', true],
  ['reply 8, address type not supported', { reply: replied(8) }, 'unreachable', true],
  ['a reply of another world', { reply: replied(0xf3) }, 'unreachable', false],
  ['no method is acceptable', { method: 0xff }, 'proxy', true],
  ['a method we did not offer', { method: 1 }, 'proxy', true],
  ['the wrong password', { authStatus: 1 }, 'proxy', true],
  ['hanging up at the methods', { closeAt: 'method' }, 'proxy', false],
  ['hanging up at the login', { closeAt: 'auth' }, 'proxy', false],
  ['hanging up at the request', { closeAt: 'reply' }, 'proxy', false],
];
for (const [name, script, kind, ours] of rows) {
  for (const split of [false, true]) {
    test(`proxy: ${name}${split ? ', in pieces' : ''}`, async t => {
      const { dial } = await set(t, { ...script, split }, { login: 'u', password: 'p' });
      const dialled = await dial();
      assert.ok(dialled.kind !== 'connected');
      assert.deepEqual([dialled.kind, dialled.ours === true], [kind, ours], dialled.why);
      assert.match(dialled.why, /^proxy 127\.0\.0\.1:\d+: /);
    });
  }
}

test('a proxy that falls silent anywhere costs the time allowed, no more', async t => {
  for (const silentAt of ['method', 'auth', 'reply'] as const) {
    const { dial, clock, proxy } = await set(t, { silentAt }, { login: 'u', password: 'p' });
    const dialled = dial();
    const heard = { method: () => proxy.methods.length > 0, auth: () => proxy.login !== '', reply: () => proxy.request !== '' }[silentAt];
    for (let n = 0; n < 200 && !heard(); n++) await clock.settle();
    await clock.runTo(clock.now() + 60_000);
    assert.equal((await dialled).kind, 'timeout');
  }
});

test('something that is not a proxy is our configuration', async t => {
  const server = createServer(socket => void socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  const port = await listen(server);
  t.after(() => server.close());
  const dialled = await createDial(openDeadlines(createHandClock()))({ host: 'mx.example', port: 25, timeoutMs: 60_000, proxy: { host: '127.0.0.1', port } });
  assert.ok(dialled.kind === 'proxy' && dialled.ours === true);
});

test('a proxy that is down is never gone round', async t => {
  let direct = 0;
  const target = createServer(socket => {
    direct++;
    socket.destroy();
  });
  const port = await listen(target);
  t.after(() => target.close());
  const gone = await openScriptedProxy();
  await gone.close();
  const dialled = await createDial(openDeadlines(createHandClock()))({ host: 'mx.example', address: '127.0.0.1', port, timeoutMs: 60_000, proxy: { host: '127.0.0.1', port: gone.port } });
  assert.ok(dialled.kind === 'proxy' && dialled.ours !== true);
  assert.match(dialled.why, /connection refused$/);
  assert.equal(direct, 0);
});

test('a login that SOCKS cannot carry is said, not sent', async t => {
  const { dial } = await set(t, {}, { login: 'x'.repeat(256), password: 'p' });
  const dialled = await dial();
  assert.ok(dialled.kind === 'proxy' && dialled.ours === true);
});

test('giving up while the proxy thinks', async t => {
  const { dial, proxy, clock } = await set(t, { silentAt: 'reply' });
  const giveUp = new AbortController();
  const dialled = dial({ signal: giveUp.signal });
  for (let n = 0; n < 200 && proxy.request === ''; n++) await clock.settle();
  giveUp.abort();
  assert.equal((await dialled).kind, 'aborted');
});

test('directly: connected, refused, aborted before it began', async t => {
  const server = createServer(socket => void socket.on('error', () => undefined).write(greeting));
  const port = await listen(server);
  t.after(() => server.close());
  const dial = createDial(openDeadlines(createHandClock()));
  const to = { host: 'mx.example', address: '127.0.0.1', port, timeoutMs: 60_000 };
  assert.equal(await readLate(await dial(to), greeting), greeting);
  const gone = await openScriptedProxy();
  await gone.close();
  assert.equal((await dial({ ...to, port: gone.port })).kind, 'refused');
  assert.equal((await dial({ ...to, signal: AbortSignal.abort() })).kind, 'aborted');
  // An address that is not ours to send from is our configuration.
  const foreign = await dial({ ...to, localAddress: '192.0.2.1' });
  assert.ok(foreign.kind === 'unreachable' && foreign.ours === true);
});
