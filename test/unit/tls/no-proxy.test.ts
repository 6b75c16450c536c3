/** `noproxy`: which relays are reached directly although a proxy stands in front of all others. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { silent } from '../../../src/core/log.ts';
import { noTlsJournal } from '../../../src/core/tls.ts';
import type { Destination } from '../../../src/core/transport.ts';
import { openTransportSecurity } from '../../../src/gateway/ways-out/transport-security.ts';
import { compileRules } from '../../../src/gateway/rules.ts';
import type { Resolver } from '../../../src/kit/dns/resolver.ts';
import { createHandClock, noChance } from '../../props/hand-clock.ts';
import { folderOf } from '../config/folder-props.ts';

const resolver = { mx: () => Promise.resolve({ kind: 'none', noSuchDomain: false, authentic: false }) } as unknown as Resolver;
const relays = ['192.0.2.7', '198.51.100.7', '2001:db8::7', '2001:db9::7'].map(address => ({ host: address, address, port: 25 }));

async function direct(t: TestContext, socksproxy: string, proxy: Destination['proxy']): Promise<readonly (string | undefined)[]> {
  const rules = compileRules(folderOf(t, { me: 'here.example\n', socksproxy, courierd: 'ESMTP_USE_STARTTLS=0\n' }).read(), { find: () => ({ kind: 'none' }) }, silent);
  const found: Destination = { kind: 'destination', relays, tls: { kind: 'none', verify: false }, ...(proxy === undefined ? {} : { proxy }) };
  const security = openTransportSecurity(() => rules, {
    destinations: { find: () => Promise.resolve(found) }, resolver, proxy: () => undefined, journal: noTlsJournal, keeps: false, clock: createHandClock(), chance: noChance, log: silent,
  });
  t.after(() => security.close());
  const answer = await security.find('there.example', new AbortController().signal);
  assert.ok(answer.kind === 'destination');
  return answer.relays.filter(relay => relay.direct === true).map(({ address }) => address);
}

test('networks of noproxy are reached without the usual proxy, of either family', async t => {
  const lines = 'default socks5://wall.example:1080\nother socks5://other.example:1080\nnoproxy 192.0.2.0/24\nnoproxy 2001:db8::/32\n';
  assert.deepEqual(await direct(t, lines, { host: 'wall.example', port: 1080 }), ['192.0.2.7', '2001:db8::7']);
  assert.deepEqual(await direct(t, lines, { host: 'other.example', port: 1080 }), [], 'a proxy that a route names is meant');
  assert.deepEqual(await direct(t, lines, undefined), []);
  assert.deepEqual(await direct(t, 'default socks5://wall.example:1080\n', { host: 'wall.example', port: 1080 }), []);
});
