import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { request } from 'node:http';
import type { PageRequest } from '../../../src/core/pages.ts';
import { silent } from '../../../src/core/log.ts';
import { openHttpServer, type HttpAccess, type HttpOptions } from '../../../src/front/http/index.ts';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

async function open(t: TestContext, access: HttpAccess = { names: new Set(['gateway.example']) }, more: Partial<HttpOptions> = {}) {
  const seen: PageRequest[] = [];
  const server = await openHttpServer({
    host: '127.0.0.1', port: 0, access: () => access, log: silent,
    open: { answer: ({ path }) => (path[0] === 'health' ? { status: 200, type: 'application/json', body: '{}' } : null) },
    guarded: {
      answer(asked) {
        seen.push(asked);
        if (asked.path[0] === 'broken') throw new Error('on purpose');
        return asked.path[0] === 'none' ? null : { status: 200, type: 'text/html', body: '<p>ä</p>' };
      },
    },
    ...more,
  });
  t.after(() => server.close());
  const ask = (path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): Promise<Answer> => new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port: server.address.port, path, method, headers, agent: false }, response => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part)).on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts).toString() }));
    }).on('error', reject).end();
  });
  return { seen, ask, port: server.address.port };
}

describe('HTTP port', () => {
  it('answers to addresses and to its own names only: a name of somebody else is a rebound page', async t => {
    const { ask, seen } = await open(t);
    for (const host of ['127.0.0.1', '127.0.0.1:2580', '[::1]:2580', 'localhost', 'LOCALHOST:1', 'gateway.example', 'Gateway.Example.:2580', '192.168.1.5']) assert.equal((await ask('/', { host })).status, 200, host);
    const before = seen.length;
    for (const host of ['evil.example', '127.0.0.1.evil.example', 'gateway.example.evil.example', 'localhost.evil.example', 'gateway.example@evil.example', '127.0.0.1:2580:1', 'a b']) {
      assert.equal((await ask('/', { host })).status, 421, host);
      assert.equal((await ask('/health', { host })).status, 421, host);
    }
    assert.equal(seen.length, before);
  });

  it('keeps pages for the token, and /health open', async t => {
    const token = 'a-token-of-some-length';
    const { ask, seen } = await open(t, { names: new Set(), token });
    const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
    for (const authorization of ['', 'Bearer wrong', `Bearer ${token}x`, `Bearer ${token.slice(0, -1)}`, basic(token), basic('name:wrong'), basic('name:'), 'Basic !!!', `Digest ${token}`, token]) {
      const { status, headers } = await ask('/', authorization === '' ? {} : { authorization });
      assert.deepEqual([status, headers['www-authenticate']], [401, 'Basic realm="Posthorn", charset="UTF-8"'], authorization);
    }
    assert.equal(seen.length, 0);
    for (const authorization of [`Bearer ${token}`, `bearer ${token}`, basic(`name:${token}`), basic(`:${token}`)]) assert.equal((await ask('/', { authorization })).status, 200, authorization);
    assert.equal((await ask('/health')).status, 200);
  });

  it('shows no pages beyond this box without a token', async t => {
    const { ask, seen } = await open(t, { names: new Set() }, { host: '0.0.0.0' });
    assert.deepEqual([(await ask('/')).status, (await ask('/health')).status, seen.length], [403, 200, 0]);
    const guarded = await open(t, { names: new Set(), token: 'a-token-of-some-length' }, { host: '0.0.0.0' });
    assert.equal((await guarded.ask('/', { authorization: 'Bearer a-token-of-some-length' })).status, 200);
  });

  it('gives pages parts and fields, and refuses what is no path and no question', async t => {
    const { ask, seen } = await open(t);
    await ask('/message/A%2FB/?q=a%20b&q=second&empty');
    assert.deepEqual(seen.at(-1), { path: ['message', 'A/B'], query: new Map([['empty', ''], ['q', 'a b']]) });
    for (const path of ['/%', '/%ff', '//evil.example/', 'http://evil.example/', '*']) assert.equal((await ask(path)).status, 400, path);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE']) {
      const { status, headers } = await ask('/', {}, method);
      assert.deepEqual([status, headers['allow']], [405, 'GET, HEAD'], method);
    }
    assert.deepEqual([(await ask('/none')).status, (await ask('/broken')).status], [404, 500]);
    assert.doesNotMatch((await ask('/broken')).body, /on purpose/);
    const head = await ask('/', {}, 'HEAD');
    assert.deepEqual([head.status, head.headers['content-length'], head.body], [200, '9', '']);
  });

  it('without pages for people says what there is', async t => {
    const server = await openHttpServer({ host: '127.0.0.1', port: 0, access: () => ({ names: new Set() }), log: silent, open: { answer: () => null } });
    t.after(() => server.close());
    const answer = await fetch(`http://127.0.0.1:${server.address.port}/`);
    assert.deepEqual([answer.status, await answer.text()], [404, 'Here are /health and /metrics.\n']);
  });

  it('lets no page load, frame, guess or keep anything', async t => {
    const { ask } = await open(t);
    for (const path of ['/', '/health', '/none']) {
      const { headers } = await ask(path);
      assert.match(String(headers['content-security-policy']), /^default-src 'none'; .*frame-ancestors 'none'/);
      assert.doesNotMatch(String(headers['content-security-policy']), /unsafe|\*|https?:/);
      assert.deepEqual([headers['x-content-type-options'], headers['cache-control'], headers['referrer-policy'], headers['access-control-allow-origin']], ['nosniff', 'no-store', 'no-referrer', undefined]);
    }
  });

  it('survives octets that are not HTTP, and fields without end', async t => {
    const { ask, port } = await open(t);
    for (const octets of ['\x16\x03\x01\x02\x00\x01', 'GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n', `GET / HTTP/1.1\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`, 'GET / HTTP/1.1\r\n\r\n', 'GET / HTTP/1.1\r\nHost:\r\n\r\n']) {
      const said = await new Promise<string>(resolve => {
        const socket = connect(port, '127.0.0.1', () => socket.write(octets));
        let text = '';
        socket.on('data', chunk => {
          text += chunk.toString();
          socket.end();
        }).on('close', () => resolve(text)).on('error', () => undefined);
      });
      assert.match(said, /^HTTP\/1\.1 4\d\d /, octets.slice(0, 40));
    }
    assert.equal((await ask('/health')).status, 200);
  });
});
