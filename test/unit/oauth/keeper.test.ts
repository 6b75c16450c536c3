/** Tokens of providers: got once by a person, fresh ever after, never lost, never shown to the wrong one. */
import assert from 'node:assert/strict';
import { chownSync, readFileSync, statSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import type { LogFields } from '../../../src/core/log.ts';
import type { TokenAnswer } from '../../../src/core/tokens.ts';
import { openHttpClient } from '../../../src/kit/net/http-client.ts';
import { createTokenFiles, logInByBrowser, logInByDevice, openTokenKeeper, type Account, type DeviceCode } from '../../../src/service/oauth/index.ts';
import { createFailingDisk } from '../../props/failing-disk.ts';
import { createHandClock } from '../../props/hand-clock.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';
import { openTokenServer, type TokenServerOptions } from '../../props/token-server.ts';
import { eventually } from '../../props/within.ts';

const MINUTE = 60_000;

async function stage(t: TestContext, options: TokenServerOptions = {}) {
  const server = await openTokenServer(options);
  const clock = createHandClock();
  const http = openHttpClient({ clock });
  const disk = createFailingDisk();
  const folder = scratchFolder('oauth');
  const files = createTokenFiles(folder, disk);
  const events: { readonly event: string; readonly fields: LogFields }[] = [];
  const note = (event: string, fields: LogFields = {}) => void events.push({ event, fields });
  const log = { info: note, warn: note, error: note };
  const account: Account = { name: 'office', login: 'scanner@example.com', client: 'the-client', scope: 'smtp', grant: 'user', deviceUrl: `${server.url}/device`, authorizeUrl: `${server.url}/authorize`, tokenUrl: `${server.url}/token` };
  let accounts: readonly Account[] = [account];
  const open = () => openTokenKeeper({ accounts: () => accounts, files, http: () => http, clock, log });
  let keeper: ReturnType<typeof open> | null = null;
  t.after(async () => {
    await keeper?.close();
    await http.close();
    await server.close();
  });
  const driven = async <T>(work: Promise<T>): Promise<T> => {
    let over = false;
    const done = work.finally(() => {
      over = true;
    });
    await eventually(10_000, 'what takes time', async () => {
      await clock.runTo(clock.now() + 1000);
      return over;
    });
    return done;
  };
  return {
    server, clock, disk, folder, files, events, account, http, driven,
    use(next: readonly Account[]) { accounts = next; },
    login: () => driven(logInByDevice(account, { files, http, clock }, async () => server.approve(), new AbortController().signal)),
    get keeper() { return keeper ??= open(); },
    async reopen() {
      await keeper?.close();
      keeper = open();
      return keeper;
    },
    find: (): Promise<TokenAnswer> => (keeper ??= open()).find('office', new AbortController().signal),
    alarms: () => events.filter(({ event }) => event === 'alarm').map(({ fields }) => fields['state']),
    refreshes: () => server.asked.filter(({ form }) => form.get('grant_type') === 'refresh_token').length,
  };
}

test('the device flow: a code to type, patience as the provider asks for it, then a token for the mail', async t => {
  const { server, clock, driven, files, http, account, find, folder } = await stage(t);
  const shown: DeviceCode[] = [];
  const polls: number[] = [];
  server.obey(({ form }) => {
    if (form.get('grant_type')?.endsWith('device_code') !== true) return undefined;
    polls.push(clock.now());
    if (polls.length === 4) server.approve();
    return polls.length === 2 ? { status: 400, body: { error: 'slow_down' } } : polls.length === 3 ? null : undefined;
  });
  const result = await driven(logInByDevice(account, { files, http, clock }, code => { shown.push(code); return Promise.resolve(); }, new AbortController().signal));
  assert.equal(result.kind, 'in');
  assert.deepEqual(shown.map(({ userCode, url }) => [userCode, url]), [['ABCD-EFGH', `${server.url}/activate`]]);
  const waits = polls.slice(1).map((at, n) => at - (polls[n] ?? 0));
  assert.ok((waits[0] ?? 0) >= 5000 && (waits[1] ?? 0) >= 10_000 && (waits[2] ?? 0) >= 10_000, `slower when told so (RFC 8628 §3.5): ${waits.join()}`);
  assert.deepEqual(await find(), { kind: 'token', token: 'access-1', login: 'scanner@example.com' });
  assert.equal(statSync(`${folder}/oauth/office.json`).mode & 0o777, 0o600);
  assert.equal(statSync(`${folder}/oauth`).mode & 0o777, 0o700);
});

test('the device flow ends: denied, too late, given up', async t => {
  for (const [error, why] of [['access_denied', /access_denied/], ['expired_token', /expired_token/]] as const) {
    const { server, driven, files, http, clock, account } = await stage(t);
    server.obey(({ path }) => (path === '/token' ? { status: 400, body: { error } } : undefined));
    const result = await driven(logInByDevice(account, { files, http, clock }, () => Promise.resolve(), new AbortController().signal));
    assert.ok(result.kind === 'denied' && why.test(result.why));
    assert.equal(await files.read(account), null);
  }
  const late = await stage(t);
  late.server.obey(({ path }) => (path === '/device' ? { status: 200, body: { device_code: 'dev-1', user_code: 'X', verification_url: 'http://x/', expires_in: '20', interval: '5' } } : undefined));
  const result = await late.driven(logInByDevice(late.account, late, () => Promise.resolve(), new AbortController().signal));
  assert.ok(result.kind === 'denied' && result.why.includes('in time'));
  assert.ok(late.server.asked.length <= 6);
});

test('the browser flow: only the answer to our own question counts, and only we can use it (PKCE)', async t => {
  const { server, files, http, clock, account } = await stage(t);
  const login = logInByBrowser(account, { files, http, clock });
  assert.ok(login !== null);
  const back = server.browse(login.url);
  const signal = new AbortController().signal;
  for (const [address, why] of [['nonsense', /no code/], [back.replace(/state=.*/, 'state=other'), /another login/], ['http://127.0.0.1:8400/?error=access_denied', /access_denied/]] as const) {
    const refused = await login.finish(address, signal);
    assert.ok(refused.kind === 'denied' && why.test(refused.why), address);
  }
  assert.equal(server.asked.length, 0);
  assert.equal((await login.finish(`  ${back}\n`, signal)).kind, 'in');
  const thief = logInByBrowser(account, { files, http, clock });
  assert.equal((await thief?.finish(back.replace(/state=.*/, `state=${new URL(thief.url).searchParams.get('state')}`), signal))?.kind, 'denied', 'his verifier is another');
});

test('a token is refreshed before it ends, without mail waiting for it', async t => {
  const { clock, login, find, refreshes } = await stage(t);
  await login();
  const first = clock.now();
  assert.deepEqual(await find(), { kind: 'token', token: 'access-1', login: 'scanner@example.com' });
  await clock.runTo(first + 54 * MINUTE);
  assert.equal(refreshes(), 0);
  await clock.runTo(first + 56 * MINUTE);
  await eventually(5000, 'the refresh', () => Promise.resolve(refreshes() === 1));
  await eventually(5000, 'the new token', async () => { const answer = await find(); return answer.kind === 'token' && answer.token === 'access-2'; });
  assert.equal(refreshes(), 1);
});

test('ten connections that find an old token make one refresh; the rotated one is on disk before it is shown', async t => {
  const { clock, disk, login, find, refreshes, files, account } = await stage(t);
  await login();
  assert.equal((await find()).kind, 'token');
  clock.jump(clock.now() + 120 * MINUTE);
  const answers = await Promise.all(Array.from({ length: 10 }, find));
  assert.deepEqual([...new Set(answers.map(answer => answer.kind === 'token' && answer.token))], ['access-2']);
  assert.equal(refreshes(), 1);

  clock.jump(clock.now() + 120 * MINUTE);
  disk.fail = step => (step === 'rename' ? 'ENOSPC' : null);
  assert.equal((await find()).kind, 'unavailable', 'brought, and not shown');
  assert.equal((await files.read(account))?.refresh, 'refresh-2');
  disk.fail = () => null;
  const kept = await find();
  assert.ok(kept.kind === 'token' && kept.token === 'access-3');
  assert.equal((await files.read(account))?.refresh, 'refresh-3');
  assert.equal(refreshes(), 2, 'the one that was brought was not asked for again: the provider would not give it twice');
});

test('a provider that does not rotate: the first refresh token stays', async t => {
  const { clock, login, find, files, account } = await stage(t, { rotates: false });
  await login();
  clock.jump(clock.now() + 120 * MINUTE);
  assert.equal((await find()).kind, 'token');
  const kept = await files.read(account);
  assert.deepEqual([kept?.access, kept?.refresh], ['access-2', 'refresh-1']);
});

test('withdrawn: an alarm, no more questions, also after a restart; a new login ends it', async t => {
  const { server, clock, login, find, refreshes, alarms, reopen, keeper } = await stage(t);
  await login();
  server.revoke();
  clock.jump(clock.now() + 120 * MINUTE);
  const answer = await find();
  assert.ok(answer.kind === 'none' && answer.why.includes('posthorn oauth login office') && answer.why.includes('invalid_grant'));
  assert.equal((await find()).kind, 'none');
  assert.equal(refreshes(), 1);
  assert.deepEqual(alarms(), ['raised']);
  assert.equal(keeper.troubles().length, 1);
  const next = await reopen();
  assert.equal((await find()).kind, 'none');
  assert.equal(refreshes(), 1);
  await login();
  assert.equal((await find()).kind, 'token');
  await clock.runTo(clock.now() + MINUTE);
  await eventually(5000, 'the end of the alarm', () => Promise.resolve(next.troubles().length === 0));
  assert.deepEqual(alarms(), ['raised', 'raised', 'cleared']);
});

test('a provider that is away, or speaks nonsense: good until the end, then mail waits, and it is asked ever more seldom', async t => {
  for (const said of [null, { status: 503, body: 'busy' }, { status: 200, body: '<html>' }, { status: 200, body: { access_token: 'two\r\nlines' } }, { status: 200, body: { access_token: 'x', token_type: 'mac' } }, { status: 400, body: { error: 'temporarily_unavailable' } }, { status: 401, body: { error: 'invalid_client' } }]) {
    const { server, clock, login, find, refreshes, files, account } = await stage(t);
    await login();
    server.obey(({ form }) => (form.get('grant_type') === 'refresh_token' ? said : undefined));
    const start = clock.now();
    clock.jump(start + 57 * MINUTE);
    assert.equal((await find()).kind, 'token', JSON.stringify(said));
    clock.jump(start + 70 * MINUTE);
    await eventually(5000, 'it to be over', async () => (await find()).kind === 'unavailable');
    const before = refreshes();
    for (let n = 0; n < 20; n++) await find();
    assert.equal(refreshes(), before, 'it rests');
    assert.equal((await files.read(account))?.refresh, 'refresh-1', 'nothing is thrown away');
    server.obey(() => undefined);
    clock.jump(start + 90 * MINUTE);
    await eventually(5000, 'a token', async () => (await find()).kind === 'token');
  }
});

test('a relay that refuses a token gets another, once; one that refuses fresh ones is an alarm', async t => {
  const { clock, login, find, keeper, refreshes, alarms } = await stage(t);
  await login();
  await find();
  keeper.refused('office', 'access-0', 'some other one');
  assert.equal(keeper.troubles().length, 0);
  clock.jump(clock.now() + 20 * MINUTE);
  keeper.refused('office', 'access-1', '535 5.7.8');
  const second = await find();
  assert.ok(second.kind === 'token' && second.token === 'access-2');
  keeper.refused('office', 'access-2', '535 5.7.139 SmtpClientAuthentication is disabled');
  keeper.refused('office', 'access-2', '535 5.7.139 SmtpClientAuthentication is disabled');
  assert.deepEqual([(await find()).kind, refreshes(), alarms()], ['token', 1, ['raised']]);
  assert.match(keeper.troubles()[0] ?? '', /fresh, and is not taken.*5\.7\.139/);
  // Neither time nor another token of ours says that it would be taken now.
  await clock.runTo(clock.now() + 5 * MINUTE);
  assert.deepEqual(alarms(), ['raised']);
  clock.jump(clock.now() + 90 * MINUTE);
  const third = await find();
  assert.ok(third.kind === 'token' && third.token === 'access-3');
  assert.deepEqual(alarms(), ['raised']);
  keeper.accepted('office', 'access-2');
  assert.deepEqual(alarms(), ['raised']);
  keeper.accepted('office', 'access-3');
  keeper.accepted('office', 'access-3');
  assert.deepEqual([alarms(), keeper.troubles()], [['raised', 'cleared'], []]);
});

test('a login that comes while a refresh is under way is not overwritten by it', async t => {
  const { server, clock, login, find, files, account } = await stage(t);
  await login();
  clock.jump(clock.now() + 120 * MINUTE);
  let release = (): void => undefined;
  const held = new Promise<void>(resolve => { release = resolve; });
  server.obey(async ({ form }) => {
    if (form.get('grant_type') === 'refresh_token') await held;
    return undefined;
  });
  const waiting = find();
  await eventually(5000, 'the refresh to be asked', () => Promise.resolve(server.asked.some(({ form }) => form.get('grant_type') === 'refresh_token')));
  await login();
  const kept = await files.read(account);
  release();
  const answer = await waiting;
  assert.equal((await files.read(account))?.loginAt, kept?.loginAt);
  assert.ok(answer.kind === 'token' && answer.token === kept?.access);
});

test('tokens of one client at one provider are nothing to another', async t => {
  const { server, account, login, find, use } = await stage(t);
  await login();
  const before = server.asked.length;
  for (const other of [{ ...account, client: 'another' }, { ...account, tokenUrl: `${server.url}/elsewhere` }]) {
    use([other]);
    assert.equal((await find()).kind, 'none');
  }
  use([]);
  assert.equal((await find()).kind, 'none');
  assert.equal(server.asked.length, before);
});

test('a program that is let in itself needs nobody to log in', async t => {
  const { account, find, use, files, alarms } = await stage(t);
  const service: Account = { ...account, grant: 'client', secret: 'hush' };
  use([service]);
  assert.deepEqual(await find(), { kind: 'token', token: 'access-1', login: 'scanner@example.com' });
  assert.equal((await files.read(service))?.access, 'access-1');
  assert.deepEqual(alarms(), []);
});

test('a damaged file is no login; nobody\'s secret is in the log', async t => {
  const { disk, folder, files, account, login, find, events } = await stage(t);
  await login();
  const path = `${folder}/oauth/office.json`;
  const whole = readFileSync(path);
  for (const text of ['', '{', '[]', '{"version":2}', whole.toString().replace('"expiresAt":', '"expires":')]) {
    const file = await disk.open(`${path}.new`, 'new');
    await file.write([Buffer.from(text)]);
    await file.close();
    await disk.rename(`${path}.new`, path);
    assert.equal(await files.read(account), null, text);
    assert.equal((await find()).kind, 'none', text);
  }
  assert.doesNotMatch(JSON.stringify(events), /access-1|refresh-1/);
});

test('root logs in for a service that is somebody else', { skip: process.getuid?.() === 0 ? false : 'only root can give files away' }, async t => {
  const { folder, login } = await stage(t);
  chownSync(folder, 65_534, 65_534);
  await login();
  for (const path of [`${folder}/oauth`, `${folder}/oauth/office.json`]) assert.deepEqual([statSync(path).uid, statSync(path).gid], [65_534, 65_534], path);
});
