/** DNS over HTTPS (RFC 8484): the exchange on a real connection through a proxy, and when the resolver takes that way. */
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import { decode, encode } from 'dns-packet';
import { test, type TestContext } from 'node:test';
import { createHttpsUpstream, type HttpsUpstream } from '../../../src/kit/dns/https.ts';
import type { Exchanged } from '../../../src/kit/dns/exchange.ts';
import { openHttpClient } from '../../../src/kit/net/http-client.ts';
import { openResolver } from '../../../src/kit/dns/resolver.ts';
import { createSystemClock } from '../../../src/kit/system-clock.ts';
import { createAuthority } from '../../props/authority.ts';
import { openDnsServer } from '../../props/dns-server.ts';
import { createHandClock } from '../../props/hand-clock.ts';
import { listen } from '../../props/ports.ts';
import { openSocksProxy } from '../../props/socks-proxy.ts';

/** An address for every name, signed. */
function reply(query: Buffer): Buffer {
  const { id = 0, questions = [] } = decode(query);
  const octets = encode({ type: 'response', id, questions, answers: [{ type: 'A', name: questions[0]?.name ?? '', ttl: 60, data: '192.0.2.7' }] });
  octets.writeUInt16BE(0x81a0, 2);
  return octets;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

test('a question in a POST, through a SOCKS proxy that finds the host; AD only where somebody vouches', async t => {
  const authority = createAuthority();
  const site = authority.issue('dns.example');
  const asked: unknown[] = [];
  const web = createServer({ key: site.key, cert: site.pem }, (request, response) => {
    void bodyOf(request).then(query => {
      asked.push([request.method, request.url, request.headers['content-type'], query.readUInt16BE(0)]);
      response.writeHead(200, { 'content-type': 'application/dns-message' }).end(reply(query));
    });
  });
  const port = await listen(web);
  const proxy = await openSocksProxy({ lead: ({ host }) => (host === 'dns.example' ? port : null) });
  const clock = createSystemClock();
  const http = openHttpClient({ clock, proxy: () => ({ host: '127.0.0.1', port: proxy.port }), ca: [authority.pem] });
  const trusting = openResolver({ servers: [], https: [createHttpsUpstream(http, 'https://dns.example/dns-query', true)], clock });
  const doubting = openResolver({ servers: [], https: [createHttpsUpstream(http, 'https://dns.example/dns-query', false)], clock });
  t.after(async () => {
    trusting.close();
    doubting.close();
    await http.close();
    await proxy.close();
    web.closeAllConnections();
    web.close();
  });
  const found = await trusting.a('mx.there.example');
  assert.ok(found.kind === 'found');
  assert.deepEqual([found.records, found.authentic], [['192.0.2.7'], true]);
  assert.deepEqual(asked, [['POST', '/dns-query', 'application/dns-message', 0]]);
  assert.deepEqual(proxy.requests, [{ host: 'dns.example', port: 443, kind: 'name' }]);
  assert.equal((await doubting.a('mx.there.example') as { authentic: boolean }).authentic, false);
});

test('what is no DNS answer is a reason, not an answer', async t => {
  const clock = createHandClock();
  for (const [answer, why] of [
    [{ status: 403, type: 'text/plain', body: Buffer.from('no') }, /dns\.example: HTTP status 403/],
    [{ status: 200, type: 'text/html', body: Buffer.from('<html>') }, /no DNS message but text\/html/],
    [{ status: 200, type: 'application/dns-message', body: Buffer.from('short') }, /an answer to something else/],
  ] as const) {
    const http = { request: () => Promise.resolve({ kind: 'answer' as const, status: answer.status, headers: new Map([['content-type', answer.type]]), body: answer.body, url: '' }) };
    const resolver = openResolver({ servers: [], https: [createHttpsUpstream(http, 'https://dns.example/', true)], clock });
    t.after(() => resolver.close());
    const found = await resolver.a('mx.there.example');
    assert.ok(found.kind === 'unavailable');
    assert.match(found.why, why);
  }
});

function counted(answer: (query: Buffer) => Exchanged<Buffer>): HttpsUpstream & { asked: number } {
  const upstream = { name: 'dns.example', trustAd: false, asked: 0, ask: (query: Buffer) => { upstream.asked++; return Promise.resolve(answer(query)); } };
  return upstream;
}

async function set(t: TestContext, upstream: HttpsUpstream) {
  const state = { silent: true };
  const server = await openDnsServer(({ name }) => (state.silent ? { rcode: 2 } : { answers: [{ type: 'A', name, ttl: 60, data: '192.0.2.1' }] }));
  const clock = createHandClock();
  const resolver = openResolver({ servers: [server], https: [upstream], clock });
  t.after(async () => {
    resolver.close();
    await server.close();
  });
  return { server, clock, resolver, state };
}

test('HTTPS only when nobody else answers; then first for a minute, and not for ever', async t => {
  const upstream = counted(query => ({ kind: 'answered', value: reply(query) }));
  const { server, clock, resolver, state } = await set(t, upstream);
  assert.deepEqual((await resolver.a('a.example') as { records: unknown }).records, ['192.0.2.7']);
  assert.deepEqual([server.asked.length, upstream.asked], [2, 1], 'both rounds, then HTTPS');
  await resolver.a('b.example');
  assert.deepEqual([server.asked.length, upstream.asked], [2, 2], 'nobody waits for the silent one again');
  state.silent = false;
  await clock.runTo(clock.now() + 61_000);
  assert.deepEqual((await resolver.a('c.example') as { records: unknown }).records, ['192.0.2.1']);
  assert.equal(upstream.asked, 2);
});

test('when HTTPS dies on the detour, the others are asked again', async t => {
  let dead = false;
  const upstream = counted(query => (dead ? { kind: 'silent', why: 'proxy 127.0.0.1:1: connection refused' } : { kind: 'answered', value: reply(query) }));
  const { resolver, state } = await set(t, upstream);
  await resolver.a('a.example');
  dead = true;
  state.silent = false;
  assert.deepEqual((await resolver.a('b.example') as { records: unknown }).records, ['192.0.2.1']);
  state.silent = true;
  const none = await resolver.a('c.example');
  assert.ok(none.kind === 'unavailable');
  assert.match(none.why, /127\.0\.0\.1: SERVFAIL; dns\.example: proxy 127\.0\.0\.1:1: connection refused/);
});
