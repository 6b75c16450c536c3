import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { AuthAnswer, AuthBackend } from '../../../src/core/auth.ts';
import { parseAuthTokens, type AuthTokens } from '../../../src/grammar/config/ways-in/auth-tokens.ts';
import type { HttpAnswer, HttpFailure, HttpRequest } from '../../../src/kit/net/http-client.ts';
import { createTokenBackend } from '../../../src/service/auth/tokens.ts';
import { createHandClock } from '../../props/hand-clock.ts';
import { listen } from '../../props/ports.ts';
import { openSocksProxy } from '../../props/socks-proxy.ts';
import { folderOf } from '../config/folder-props.ts';

const accounts: Pick<AuthBackend, 'find'> = {
  find: async login => (login.startsWith('tim') ? { kind: 'accepted', account: { login: 'tim@here.example', home: '/home/tim', options: new Map() } } : login === 'away@here.example' ? { kind: 'unavailable', why: 'test' } : { kind: 'rejected' }),
};
const introspection: AuthTokens = { kind: 'introspection', url: 'https://id.example/introspect', claim: 'username', rememberMs: 60_000, client: { name: 'post horn', secret: 's:1' } };
const userinfo: AuthTokens = { kind: 'userinfo', url: 'https://id.example/userinfo', claim: 'email', rememberMs: 60_000 };

function says(status: number, body: unknown): HttpAnswer {
  return { kind: 'answer', status, headers: new Map(), body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), url: '' };
}

function backend(how: AuthTokens | undefined, answer: HttpAnswer | HttpFailure) {
  const asked: HttpRequest[] = [];
  const clock = createHandClock();
  const auth = createTokenBackend({ settings: () => how, accounts, clock, ask: async request => {
    asked.push(request);
    return answer;
  } });
  const login = (name: string, token = 'good.token') => auth.verify(name, { kind: 'token', token });
  return { asked, clock, login };
}

async function kindOf(answer: Promise<AuthAnswer>): Promise<string> {
  return (await answer).kind;
}

test('the issuer says whose token it is, and the client must say the same', async () => {
  const { asked, login } = backend(introspection, says(200, { active: true, username: 'Tim@Here.example' }));
  const answer = await login('tim@here.example');
  assert.ok(answer.kind === 'accepted' && answer.account.home === '/home/tim');
  assert.equal(await kindOf(login('eve@here.example')), 'rejected');
  assert.equal(asked.length, 1, 'a good answer is remembered');
  assert.deepEqual(asked[0]?.headers?.['authorization'], `Basic ${Buffer.from('post%20horn:s%3A1').toString('base64')}`);
  assert.equal(asked[0]?.body, 'token=good.token&token_type_hint=access_token');
  const stranger = await backend(introspection, says(200, { active: true, username: 'ann@far.example' })).login('ann@far.example');
  assert.ok(stranger.kind === 'accepted' && stranger.account.home === undefined, 'an account without a mailbox');
  assert.equal(await kindOf(backend(introspection, says(200, { active: true, username: 'away@here.example' })).login('away@here.example')), 'unavailable');
});

test('userinfo', async () => {
  const { asked, login } = backend(userinfo, says(200, { email: 'tim@here.example', email_verified: true }));
  assert.equal(await kindOf(login('tim@here.example')), 'accepted');
  assert.equal(asked[0]?.headers?.['authorization'], 'Bearer good.token');
  assert.equal(await kindOf(backend(userinfo, says(200, { email: 'tim@here.example', email_verified: false })).login('tim@here.example')), 'rejected');
  for (const status of [401, 403]) assert.equal(await kindOf(backend(userinfo, says(status, '')).login('tim@here.example')), 'rejected');
});

test('only the issuer\'s no is a no', async () => {
  const rows: readonly (readonly [string, AuthTokens, HttpAnswer | HttpFailure, string])[] = [
    ['not active', introspection, says(200, { active: false }), 'rejected'],
    ['expired', introspection, says(200, { active: true, username: 'tim@here.example', exp: 1 }), 'rejected'],
    ['no login', introspection, says(200, { active: true }), 'rejected'],
    ['a login that is no text', introspection, says(200, { active: true, username: ['tim@here.example'] }), 'rejected'],
    ['another scope', { ...introspection, scope: 'mail' }, says(200, { active: true, username: 'tim@here.example', scope: 'email mailbox' }), 'rejected'],
    ['the scope', { ...introspection, scope: 'mail' }, says(200, { active: true, username: 'tim@here.example', scope: 'openid mail' }), 'accepted'],
    ['another audience', { ...introspection, audience: 'posthorn' }, says(200, { active: true, username: 'tim@here.example', aud: ['web'] }), 'rejected'],
    ['the audience', { ...introspection, audience: 'posthorn' }, says(200, { active: true, username: 'tim@here.example', aud: ['web', 'posthorn'] }), 'accepted'],
    ['silence', introspection, { kind: 'timeout', why: 'no answer' }, 'unavailable'],
    ['no way there', userinfo, { kind: 'tls', why: 'expired' }, 'unavailable'],
    ['our own name is wrong', introspection, says(401, ''), 'unavailable'],
    ['an error of theirs', userinfo, says(500, ''), 'unavailable'],
    ['somewhere else', userinfo, says(302, ''), 'unavailable'],
    ['no JSON', introspection, says(200, '<html>'), 'unavailable'],
    ['a list', introspection, says(200, [true]), 'unavailable'],
    ['neither yes nor no', introspection, says(200, { username: 'tim@here.example' }), 'unavailable'],
    ['yes as text', introspection, says(200, { active: 'true', username: 'tim@here.example' }), 'unavailable'],
  ];
  for (const [name, how, answer, kind] of rows) assert.equal(await kindOf(backend(how, answer).login('tim@here.example')), kind, name);
  assert.equal(await kindOf(backend(undefined, says(200, {})).login('tim@here.example')), 'rejected', 'nobody to ask');
});

test('what is remembered ends with the minute, with the token, and never was a no', async () => {
  const { asked, clock, login } = backend(introspection, says(200, { active: true, username: 'tim@here.example' }));
  await login('tim@here.example');
  await login('tim@here.example', 'other.token');
  assert.equal(asked.length, 2, 'another token is another question');
  clock.jump(clock.now() + 61_000);
  await login('tim@here.example');
  assert.equal(asked.length, 3);
  const refused = backend(introspection, says(200, { active: false }));
  await refused.login('tim@here.example');
  await refused.login('tim@here.example');
  assert.equal(refused.asked.length, 2);
});

test('over real HTTP', async t => {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', chunk => { body += String(chunk); }).on('end', () => response.end(JSON.stringify({ active: body.includes('token=good'), username: 'tim@here.example' })));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const settings: AuthTokens = { ...introspection, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
  const auth = createTokenBackend({ settings: () => settings, accounts, clock: createHandClock() });
  assert.equal(await kindOf(auth.verify('tim@here.example', { kind: 'token', token: 'good' })), 'accepted');
  assert.equal(await kindOf(auth.verify('tim@here.example', { kind: 'token', token: 'bad' })), 'rejected');
  await new Promise<void>(resolve => server.close(() => resolve()));
  assert.equal(await kindOf(auth.verify('tim@here.example', { kind: 'token', token: 'ugly' })), 'unavailable');
});

test('the file authtokens', () => {
  assert.deepEqual(parseAuthTokens('introspect https://id.example/introspect\nclient posthorn s3cret\nlogin email\nscope mail\nremember 30s\n'), {
    kind: 'read', value: { kind: 'introspection', url: 'https://id.example/introspect', claim: 'email', rememberMs: 30_000, client: { name: 'posthorn', secret: 's3cret' }, scope: 'mail' },
  });
  assert.deepEqual(parseAuthTokens('userinfo http://127.0.0.1:9/u\n'), { kind: 'read', value: { kind: 'userinfo', url: 'http://127.0.0.1:9/u', claim: 'email', rememberMs: 60_000 } });
  assert.deepEqual(parseAuthTokens('# nobody\n'), { kind: 'read', value: null });
  for (const bad of ['introspect http://id.example/', 'introspect ftp://id.example/', 'introspect https://u:p@id.example/', 'introspect nowhere', 'client a b', 'introspect https://a.example/\nuserinfo https://a.example/', 'userinfo https://a.example/\nscope mail', 'introspect https://a.example/\nremember 1h', 'introspect https://a.example/\nremember soon', 'ask https://a.example/', 'introspect', 'introspect https://a.example/\nclient one']) {
    assert.equal(parseAuthTokens(bad).kind, 'wrong', bad);
  }
});

test('the issuer is asked through the proxy, by name, and not directly when that is down', async t => {
  const server = createServer((_, response) => response.end(JSON.stringify({ active: true, username: 'tim@here.example' })));
  const port = await listen(server);
  t.after(() => server.close());
  const proxy = await openSocksProxy({ lead: ({ host }) => (host === 'id.example' ? port : null) });
  const settings = { ...introspection, url: `http://id.example:${port}/`, via: { host: '127.0.0.1', port: proxy.port } };
  const auth = createTokenBackend({ settings: () => settings, accounts, clock: createHandClock() });
  assert.equal(await kindOf(auth.verify('tim@here.example', { kind: 'token', token: 'good' })), 'accepted');
  assert.deepEqual(proxy.requests.map(({ host, kind }) => [host, kind]), [['id.example', 'name']]);
  await proxy.close();
  const later = createTokenBackend({ settings: () => ({ ...settings, url: `http://127.0.0.1:${port}/` }), accounts, clock: createHandClock() });
  assert.equal(await kindOf(later.verify('tim@here.example', { kind: 'token', token: 'good' })), 'unavailable');
});

test('the proxy of authtokens: the usual one, another, none; never for this machine', t => {
  const files = { socksproxy: 'default socks5://wall.example:1080\nother socks5://other.example:1080\nnoproxy 192.0.2.0/24\n' };
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['introspect https://id.example/', 'default'],
    ['introspect https://id.example/\nproxy other', 'other'],
    ['introspect https://id.example/\nproxy none', undefined],
    ['introspect https://192.0.2.7/', undefined],
    ['introspect http://127.0.0.1:9/', undefined],
    ['introspect http://[::1]:9/', undefined],
    ['introspect http://localhost:9/\nproxy other', 'other'],
  ];
  for (const [authtokens, wanted] of rows) assert.equal(folderOf(t, { ...files, authtokens: `${authtokens}\n` }).read().authTokens?.via?.name, wanted, authtokens);
  assert.deepEqual(folderOf(t, { ...files, authtokens: 'introspect https://id.example/\nproxy othre\n' }).problems(), ["authtokens: there is no proxy 'othre' in socksproxy; right would be: other"]);
});
