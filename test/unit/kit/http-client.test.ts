import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import type { Clock } from '../../../src/core/clock.ts';
import { openHttpClient, type HttpAnswer, type HttpClientOptions, type HttpFailure } from '../../../src/kit/net/http-client.ts';
import { isPublicAddress } from '../../../src/kit/net/public-address.ts';
import { createSystemClock } from '../../../src/kit/system-clock.ts';
import { createCertificate } from '../../props/certificate.ts';
import { createFakeClock } from '../../props/fake-clock.ts';
import { openSocksProxy } from '../../props/socks-proxy.ts';

async function listen(t: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  const hold = (socket: Socket) => sockets.add(socket.on('error', () => undefined));
  server.on('connection', hold);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listen(t, createServer(listener))}`;
}

function open(t: TestContext, options: Partial<HttpClientOptions> & { readonly clock?: Clock } = {}) {
  const client = openHttpClient({ clock: createSystemClock(), ...options });
  t.after(() => client.close());
  return client;
}

function answered(answer: HttpAnswer | HttpFailure): HttpAnswer {
  if (answer.kind !== 'answer') assert.fail(`${answer.kind}: ${answer.why}`);
  return answer;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString();
}

describe('HTTP client', () => {
  it('sends method, headers and each form of body, and gives status, headers and body back', async t => {
    const seen: unknown[] = [];
    const url = await serve(t, (request, response) => {
      void textOf(request).then(text => {
        seen.push([request.method, request.url, request.headers['x-one'], request.headers['content-length'], text]);
        response.writeHead(201, { 'X-Two': 'b', 'set-cookie': ['a=1', 'b=2'] }).end('made');
      });
    });
    const client = open(t);
    async function* stream() {
      yield Buffer.from('in ');
      yield Buffer.from('pieces');
    }
    for (const body of ['text', Buffer.from('octets'), [Buffer.from('two '), Buffer.from('parts')], stream()]) {
      const answer = answered(await client.request({ method: 'POST', url: `${url}/a?b=c`, headers: { 'x-one': 'a' }, body }));
      assert.deepEqual([answer.status, answer.headers.get('x-two'), answer.headers.get('set-cookie'), answer.body.toString()], [201, 'b', 'a=1, b=2', 'made']);
    }
    assert.deepEqual(seen, [
      ['POST', '/a?b=c', 'a', '4', 'text'],
      ['POST', '/a?b=c', 'a', '6', 'octets'],
      ['POST', '/a?b=c', 'a', '9', 'two parts'],
      ['POST', '/a?b=c', 'a', undefined, 'in pieces'],
    ]);
  });

  it('ends an answer that is longer than wanted, said before or not', async t => {
    const url = await serve(t, (request, response) => {
      if (request.url === '/said') response.writeHead(200, { 'content-length': '1000000' });
      const pour = (): void => { if (!response.destroyed) response.write(Buffer.alloc(4096), () => setImmediate(pour)); };
      pour();
    });
    const client = open(t);
    for (const path of ['/said', '/unsaid']) {
      assert.equal((await client.request({ url: `${url}${path}`, limitOctets: 10_000 })).kind, 'too-large');
    }
    const fits = await serve(t, (_request, response) => response.end(Buffer.alloc(10_000)));
    assert.equal(answered(await client.request({ url: fits, limitOctets: 10_000 })).body.length, 10_000);
  });

  it('gives up at the deadline: before the answer, inside it, and while it connects', async t => {
    const reached: (() => void)[] = [];
    const url = await serve(t, (request, response) => {
      if (request.url === '/half') response.writeHead(200, { 'content-length': '100' }).write('half');
      reached.shift()?.();
    });
    const silent = await listen(t, createTcpServer(() => reached.shift()?.()));
    const clock = createFakeClock();
    const client = open(t, { clock });
    for (const target of [`${url}/nothing`, `${url}/half`, `https://127.0.0.1:${silent}/`]) {
      const there = new Promise<void>(resolve => reached.push(resolve));
      const asked = client.request({ url: target, timeoutMs: 2000 });
      await there;
      await clock.advance(2001);
      assert.deepEqual(await asked, { kind: 'timeout', why: 'no answer within 2 s' }, target);
    }
  });

  it('stops when the caller or the client gives up', async t => {
    let reached = Promise.withResolvers<void>();
    const url = await serve(t, () => reached.resolve());
    const client = open(t);
    const stop = new AbortController();
    const first = client.request({ url, signal: stop.signal });
    await reached.promise;
    stop.abort();
    assert.equal((await first).kind, 'aborted');
    assert.equal((await client.request({ url, signal: stop.signal })).kind, 'aborted');
    reached = Promise.withResolvers();
    const second = client.request({ url });
    await reached.promise;
    await client.close();
    assert.equal((await second).kind, 'aborted');
    assert.equal((await client.request({ url })).kind, 'aborted');
  });

  it('names what went wrong', async t => {
    const closed = createTcpServer();
    await new Promise<void>(resolve => closed.listen(0, '127.0.0.1', resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise(resolve => closed.close(resolve));
    const notHttp = await listen(t, createTcpServer(socket => void socket.end('220 mail.example.com ESMTP\r\n')));
    const lost = await listen(t, createTcpServer(socket => void socket.once('data', () => socket.destroy())));
    const client = open(t, { lookUp: () => Promise.resolve(null) });
    const rows: readonly (readonly [string, HttpFailure['kind']])[] = [
      [`http://127.0.0.1:${port}/`, 'refused'],
      [`http://127.0.0.1:${notHttp}/`, 'broken'],
      [`http://127.0.0.1:${lost}/`, 'broken'],
      ['http://nowhere.example/', 'unreachable'],
      ['gopher://example.com/', 'forbidden'],
      ['http://name:secret@example.com/', 'forbidden'],
      ['/relative', 'forbidden'],
    ];
    for (const [url, kind] of rows) assert.equal((await client.request({ url })).kind, kind, url);
    const url = await serve(t, (_request, response) => response.end());
    assert.equal((await client.request({ url, headers: { 'x-broken': 'a\r\nb: c' } })).kind, 'forbidden');
    async function* failing() {
      yield Buffer.from('a');
      throw new Error('the disk is gone');
    }
    assert.deepEqual(await client.request({ method: 'POST', url, body: failing() }), { kind: 'broken', why: 'the disk is gone' });
  });

  it('follows as many redirects as allowed, keeps secrets at home and never leaves TLS', async t => {
    const authorizations: unknown[] = [];
    const other = await serve(t, (request, response) => {
      authorizations.push(request.headers.authorization, request.headers['x-plain']);
      response.end('arrived');
    });
    const url = await serve(t, (request, response) => {
      const step = Number(request.url?.slice(1));
      response.writeHead(302, { location: step > 0 ? `/${step - 1}` : other }).end();
    });
    const client = open(t);
    const headers = { authorization: 'Bearer a', 'x-plain': 'b' };
    assert.equal(answered(await client.request({ url: `${url}/1` })).status, 302);
    const arrived = answered(await client.request({ url: `${url}/1`, headers, redirects: 2 }));
    assert.deepEqual([arrived.body.toString(), arrived.url, authorizations], ['arrived', `${other}/`, [undefined, 'b']]);
    assert.equal((await client.request({ url: `${url}/2`, redirects: 2 })).kind, 'forbidden');
    assert.equal((await client.request({ method: 'POST', url: `${url}/0`, redirects: 2 })).kind, 'forbidden');
    const { context, pem } = createCertificate('127.0.0.1.example');
    const secure = createSecureServer({ SNICallback: (_name, done) => done(null, context) }, (_request, response) => response.writeHead(301, { location: other }).end());
    const port = await listen(t, secure);
    const trusting = open(t, { ca: [pem], lookUp: () => Promise.resolve(['127.0.0.1']) });
    assert.deepEqual(await trusting.request({ url: `https://127.0.0.1.example:${port}/`, redirects: 5 }), { kind: 'forbidden', why: 'redirected from https to http' });
    assert.equal((await client.request({ url: `https://127.0.0.1:${port}/` })).kind, 'tls', 'an unknown certificate');
    assert.equal((await trusting.request({ url: `https://other.example:${port}/` })).kind, 'tls', 'a certificate of another name');
  });

  it('goes through the proxy with the name unresolved, and never around it', async t => {
    const url = await serve(t, (_request, response) => response.end('through'));
    const { port } = new URL(url);
    const proxy = await openSocksProxy({ credentials: { login: 'a', password: 'b' } });
    t.after(() => proxy.close());
    let password = 'b';
    const client = open(t, { proxy: () => ({ host: '127.0.0.1', port: proxy.port, login: 'a', password }), privateAddresses: 'refused', lookUp: () => assert.fail('the proxy looks up') });
    assert.equal(answered(await client.request({ url: `http://hooks.example:${port}/` })).body.toString(), 'through');
    assert.deepEqual(proxy.requests.map(({ host, kind }) => [host, kind]), [['hooks.example', 'name']]);
    password = 'wrong';
    assert.equal((await client.request({ url: `http://else.example:${port}/` })).kind, 'proxy');
    assert.equal((await client.request({ url: `http://127.0.0.1:${port}/` })).kind, 'forbidden', 'a private address is refused before the proxy is asked');
  });

  it('refuses private addresses by number and by name, and dials what it has looked at', async t => {
    let asked = 0;
    const url = await serve(t, (_request, response) => {
      asked++;
      response.end();
    });
    const { port } = new URL(url);
    const client = open(t, { privateAddresses: 'refused', lookUp: host => Promise.resolve(host === 'mixed.example' ? ['10.0.0.1', '::ffff:127.0.0.1'] : ['127.0.0.1']) });
    for (const host of ['127.0.0.1', '2130706433', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]', '[64:ff9b::7f00:1]', 'localhost', 'rebinding.example', 'mixed.example', '169.254.169.254']) {
      assert.equal((await client.request({ url: `http://${host}:${port}/` })).kind, 'forbidden', host);
    }
    assert.equal(asked, 0);
  });
});

describe('public addresses', () => {
  it('knows the Internet from the rest', () => {
    for (const address of ['1.1.1.1', '8.8.8.8', '172.32.0.1', '100.128.0.1', '223.255.255.255', '2606:4700::1111', '2a00:1450::1']) assert.equal(isPublicAddress(address), true, address);
    for (const address of [
      '0.0.0.0', '10.1.2.3', '100.64.0.1', '127.255.255.255', '169.254.169.254', '172.16.0.1', '172.31.255.255', '192.168.0.1', '192.0.2.1', '198.18.0.1', '224.0.0.1',
      '255.255.255.255', '::', '::1', '::ffff:10.0.0.1', '::ffff:8.8.8.8', 'fe80::1%eth0', 'fd00::1', 'ff02::1', '2002:7f00:1::', '2001::1', '2001:db8::1', '64:ff9b::7f00:1', '', 'localhost', '1.1.1.1.1',
    ]) assert.equal(isPublicAddress(address), false, address);
  });
});
