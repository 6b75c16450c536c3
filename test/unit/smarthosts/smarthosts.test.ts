/** Whose login goes where (courier-core 5.4), who stands in for whom, and when somebody is told of a refused login. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { LogFields } from '../../../src/core/log.ts';
import type { Destination, Settled } from '../../../src/core/transport.ts';
import { relayKey, type EsmtpRoute } from '../../../src/flow/route/index.ts';
import { openSmarthosts, planSmarthosts } from '../../../src/gateway/ways-out/smarthosts.ts';
import { createHandClock } from '../../props/hand-clock.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';
import { folderOf } from '../config/folder-props.ts';

const signal = new AbortController().signal;

function desk(t: TestContext, files: Readonly<Record<string, string>>, settled: readonly string[] = []) {
  const { client } = folderOf(t, files).read();
  const logins = new Map(client.logins.map(({ relay, login, password }) => [relay, { login, password }]));
  const authOf = (text: string | undefined) => {
    const auth = logins.get(text ?? '');
    return auth === undefined ? {} : { auth };
  };
  const routes = client.routes.map(({ domain, relay, security }): EsmtpRoute => ({
    ...authOf(relay?.text),
    match: domain, tls: { kind: security === 'smtps' ? 'smtps' : security === 'required' ? 'required' : 'opportunistic', verify: false },
    ...(relay === undefined ? {} : { relay: { host: relay.host, literal: relay.literal, port: relay.port ?? 25 } }),
  }));
  const plan = planSmarthosts(client, routes.map((route, n) => ({ route, text: client.routes[n]?.relay?.text, logins })));
  const ways = new Map([...routes, ...plan.routes].map(route => [relayKey(route), route]));
  const asked: string[] = [];
  const alarms: LogFields[] = [];
  const note = (event: string, fields: LogFields = {}) => { if (event === 'alarm') alarms.push(fields); };
  const smarthosts = openSmarthosts({
    plan: () => plan, client: () => client, stateFolder: scratchFolder('smarthosts'), clock: createHandClock(), log: { info: note, warn: note, error: note },
    found(nexthop: string): Promise<Destination | Settled> {
      asked.push(nexthop);
      const host = /^\[?([^\],]+)/.exec(nexthop)?.[1] ?? nexthop;
      if (settled.includes(host)) return Promise.resolve({ kind: 'settled', outcome: { kind: 'deferred', status: '4.4.3', blame: 'nexthop' } });
      const way = ways.get(nexthop);
      return Promise.resolve({ kind: 'destination', ...(way?.auth === undefined ? {} : { auth: way.auth }), tls: way?.tls ?? { kind: 'opportunistic', verify: false }, relays: [{ host, address: '192.0.2.1', port: way?.relay?.port ?? 25 }] });
    },
  });
  t.after(() => smarthosts.close());
  return { smarthosts, asked, alarms, keyOf: (n: number) => relayKey(routes[n] as EsmtpRoute) ?? '' };
}

test('a login is found by the route\'s text with its port, in any case, or by the recipient\'s domain where no route names a relay', async t => {
  const { smarthosts, keyOf } = desk(t, {
    esmtproutes: 'a.example:Relay.Example.com,587\nb.example:relay.example.com\nc.example:[192.0.2.7],26\nd.example: /SECURITY=REQUIRED\n',
    esmtpauthclient: 'relay.EXAMPLE.com,587 one pw1\n[192.0.2.7],26 two pw2\nd.example three pw3\nDirect.example four pw4\n',
    smarthosts: 'relay.example.com,587 mechanisms=plain clear=yes\ndirect.example mechanisms=login\n[192.0.2.7],26\n',
  });
  const loginAt = async (nexthop: string) => {
    const found = await smarthosts.find(nexthop, signal);
    return found.kind === 'destination' ? found.auth : null;
  };
  assert.deepEqual(await loginAt(keyOf(0)), { login: 'one', password: 'pw1', mechanisms: ['PLAIN'], inClear: true });
  assert.equal(await loginAt(keyOf(1)), undefined, 'the port is part of the key');
  assert.deepEqual(await loginAt(keyOf(2)), { login: 'two', password: 'pw2' });
  assert.deepEqual(await loginAt('d.example'), { login: 'three', password: 'pw3' });
  assert.deepEqual(await loginAt('direct.example'), { login: 'four', password: 'pw4', mechanisms: ['LOGIN'] });
  assert.equal(await loginAt('elsewhere.example'), undefined);
});

test('stand-ins come behind the first, with their own login and no weaker TLS; one that DNS does not know is left out', async t => {
  const files = {
    esmtproutes: ':one.example,465 /SECURITY=SMTPS\n', esmtpauthclient: 'one.example,465 a first\nthree.example,587 c third\n',
    smarthosts: 'one.example,465 backup=two.example,465 backup=three.example,587 backup=gone.example,587\n',
  };
  const { smarthosts, keyOf } = desk(t, files, ['gone.example']);
  const found = await smarthosts.find(keyOf(0), signal);
  assert.ok(found.kind === 'destination');
  assert.deepEqual([found.failover, found.auth, found.relays.map(({ host, port, tls, auth }) => [host, port, tls?.kind, auth === undefined || auth === null ? auth : auth.login])], [
    true, { login: 'a', password: 'first' }, [['one.example', 465, undefined, undefined], ['two.example', 465, 'smtps', null], ['three.example', 587, 'required', 'c']],
  ]);
  const without = desk(t, files, ['one.example', 'gone.example']);
  const rest = await without.smarthosts.find(without.keyOf(0), signal);
  assert.ok(rest.kind === 'destination');
  assert.deepEqual(rest.relays.map(({ host, auth }) => [host, auth?.login]), [['two.example', undefined], ['three.example', 'c']]);
  const none = desk(t, files, ['one.example', 'two.example', 'three.example', 'gone.example']);
  assert.equal((await none.smarthosts.find(none.keyOf(0), signal)).kind, 'settled');
});

test('an account that nobody is logged in to defers, and asks for a person; a stand-in takes over meanwhile', async t => {
  const oauth = 'office microsoft login=scan@example.com client=abc\n';
  const alone = desk(t, { esmtproutes: ':one.example,587\n', oauth, smarthosts: 'one.example,587 oauth=office\n' });
  const found = await alone.smarthosts.find(alone.keyOf(0), signal);
  assert.ok(found.kind === 'settled' && found.outcome.kind === 'deferred' && found.outcome.status === '4.7.8' && found.outcome.said?.text.includes('posthorn oauth login office') === true);
  assert.deepEqual(alone.asked, [], 'nobody is looked up for it');
  assert.equal(alone.smarthosts.troubles().length, 1);
  const helped = desk(t, { esmtproutes: ':one.example,587\n', oauth, smarthosts: 'one.example,587 oauth=office backup=two.example,587\n' });
  const rest = await helped.smarthosts.find(helped.keyOf(0), signal);
  assert.ok(rest.kind === 'destination');
  assert.deepEqual(rest.relays.map(({ host }) => host), ['two.example']);
});

test('a refused login is one alarm, however often it is refused, until it is accepted', async t => {
  const { smarthosts, alarms, keyOf } = desk(t, { esmtproutes: ':one.example,587\n', esmtpauthclient: 'one.example,587 a pw\n' });
  const auth = { login: 'a', password: 'pw' };
  assert.equal((await smarthosts.find(keyOf(0), signal)).kind, 'destination');
  for (let n = 0; n < 3; n++) smarthosts.loggedIn?.(auth, { kind: 'refused', why: 'one.example: 535 5.7.8 No' });
  assert.deepEqual(smarthosts.troubles(), ['one.example: 535 5.7.8 No']);
  smarthosts.loggedIn?.({ ...auth }, { kind: 'accepted' });
  assert.deepEqual([smarthosts.troubles(), alarms.map(({ state }) => state)], [[], ['raised', 'cleared']]);
});
