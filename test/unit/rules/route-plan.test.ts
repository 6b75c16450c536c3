/** Which next hop everybody's mail has, and which that of virtual hosts with routes and logins of their own. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Address, Recipient, RecipientId } from '../../../src/core/envelope.ts';
import { silent } from '../../../src/core/log.ts';
import { parseAddress } from '../../../src/grammar/address.ts';
import { parseOwnWay, placeOf } from '../../../src/grammar/next-hop.ts';
import type { Resolver } from '../../../src/kit/dns/resolver.ts';
import { createRoutePlan } from '../../../src/gateway/ways-out/route-plan.ts';
import { compileRules } from '../../../src/gateway/rules.ts';
import { openSmarthosts } from '../../../src/gateway/ways-out/smarthosts.ts';
import { createHandClock, noChance } from '../../props/hand-clock.ts';
import { scratchFor } from '../../props/scratch.ts';
import { folderOf } from '../config/folder-props.ts';

const none = { kind: 'none', noSuchDomain: false, authentic: false } as const;
const resolver = {
  mx: () => Promise.resolve(none), aaaa: () => Promise.resolve(none),
  a: () => Promise.resolve({ kind: 'found', records: ['192.0.2.1'], ttl: 60, authentic: false }),
} as unknown as Resolver;

function planOf(t: TestContext, files: Readonly<Record<string, string>>) {
  const rules = compileRules(folderOf(t, { me: 'here.example\n', 'vhost.second.example': '', ...files }).read(), { find: () => ({ kind: 'none' }) }, silent);
  const plan = createRoutePlan(rules, resolver, noChance);
  async function way(login: string, domain: string) {
    const origin = { source: 'submission', protocol: 'ESMTPA', at: 0, login } as const;
    const address = parseAddress(`bob@${domain}`);
    assert.ok(address !== null);
    const route = await plan.routerOf(rules.of(origin)).route({ id: 0 as RecipientId, address } satisfies Recipient, { reversePath: null, body: '7bit', smtputf8: false, origin });
    assert.ok(route.kind === 'route');
    const found = await plan.destinations.find(route.nexthop, new AbortController().signal);
    assert.ok(found.kind === 'destination');
    return [route.nexthop, `${found.relays[0]?.host}:${found.relays[0]?.port}`, found.tls.kind, found.auth?.login ?? '-'].join(' | ');
  }
  /** As mail goes: by the smarthosts' desk, with whose login at which relay. */
  async function logins(login: string, domain: string) {
    const origin = { source: 'submission', protocol: 'ESMTPA', at: 0, login } as const;
    const { signal } = new AbortController();
    const smarthosts = openSmarthosts({ plan: () => plan.smarthosts, client: () => rules.configuration.client, stateFolder: scratchFor(t, 'plan'), clock: createHandClock(), log: silent, found: nexthop => plan.destinations.find(nexthop, signal) });
    t.after(() => smarthosts.close());
    const route = await plan.routerOf(rules.of(origin)).route({ id: 0 as RecipientId, address: parseAddress(`bob@${domain}`) as Address }, { reversePath: null, body: '7bit', smtputf8: false, origin });
    assert.ok(route.kind === 'route');
    const found = await smarthosts.find(route.nexthop, signal);
    assert.ok(found.kind === 'destination');
    return found.relays.map(({ host, auth }) => `${host} ${(auth === undefined ? found.auth : auth)?.login ?? '-'}`).join(', ');
  }
  return { logins, first: (domain: string) => way('ann@first.example', domain), second: (domain: string) => way('bob@second.example', domain) };
}

test('flags of a virtual host\'s esmtproutes hold for its mail alone, beside the common line for the same domain', async (t) => {
  const { first, second } = planOf(t, {
    esmtproutes: 'strict.example: /SECURITY=REQUIRED\nboth.example: /SECURITY=REQUIRED\n',
    'esmtproutes.second.example': 'own.example: /SECURITY=REQUIRED\nboth.example: /SECURITY=REQUIRED\n',
  });
  assert.equal(await first('own.example'), 'own.example | own.example:25 | opportunistic | -');
  assert.equal(await second('own.example'), 'own.example for second.example | own.example:25 | required | -');
  assert.equal(await first('strict.example'), 'strict.example | strict.example:25 | required | -');
  assert.equal(await second('strict.example'), 'strict.example for second.example | strict.example:25 | opportunistic | -', 'its file stands in the place of the common one');
  assert.equal(await second('both.example'), await first('both.example'), 'the same way is the same lane');
  assert.equal(await second('plain.example'), await first('plain.example'));
});

test('a virtual host that goes by MX never shows the common smarthost\'s login to strangers', async (t) => {
  const { first, second } = planOf(t, {
    esmtproutes: ':smart.example,587 /SECURITY=REQUIRED\n', esmtpauthclient: 'smart.example,587 box secret\n', 'esmtproutes.second.example': '# by MX\n',
  });
  assert.equal(await first('there.example'), 'smart.example,587 required as box | smart.example:587 | required | box');
  assert.equal(await second('there.example'), 'there.example for second.example | there.example:25 | opportunistic | -');
});

test('a virtual host has its own login at a domain, and at the relay that others use too', async (t) => {
  const { first, second } = planOf(t, {
    esmtproutes: 'relayed.example:smart.example,587\n', esmtpauthclient: 'smart.example,587 box secret\n',
    'esmtpauthclient.second.example': 'smart.example,587 ours secret\ndirect.example us secret\n',
  });
  assert.equal(await first('relayed.example'), 'smart.example,587 as box | smart.example:587 | opportunistic | box');
  assert.equal(await second('relayed.example'), 'smart.example,587 as ours | smart.example:587 | opportunistic | ours');
  assert.equal(await first('direct.example'), 'direct.example | direct.example:25 | opportunistic | -');
  assert.equal(await second('direct.example'), 'direct.example for second.example | direct.example:25 | opportunistic | us');
});

test('at a smarthost and who stands in for it, each virtual host has its own login or none, never another\'s', async (t) => {
  const { logins } = planOf(t, {
    'vhost.third.example': '', esmtproutes: ':smart.example,587\n', smarthosts: 'smart.example,587 mechanisms=plain backup=other.example,587\ndirect.example mechanisms=login\n',
    esmtpauthclient: 'smart.example,587 box secret\nother.example,587 spare secret\ndirect.example us secret\n',
    'esmtpauthclient.second.example': 'smart.example,587 ours secret\nother.example,587 ours-too secret\n',
    'esmtpauthclient.third.example': '# none\n', 'esmtproutes.third.example': 'there.example:smart.example,587\n',
  });
  assert.equal(await logins('ann@first.example', 'there.example'), 'smart.example box, other.example spare');
  assert.equal(await logins('ann@second.example', 'there.example'), 'smart.example ours, other.example ours-too');
  assert.equal(await logins('ann@third.example', 'there.example'), 'smart.example -, other.example -');
  assert.equal(await logins('ann@third.example', 'direct.example'), 'direct.example -');
});

const places: readonly (readonly [string, string, string, boolean, string | null])[] = [
  ['there.example', 'there.example', 'there.example', false, null],
  ['there.example for second.example', 'there.example', 'there.example', false, 'second.example'],
  ['[IPv6:2001:db8::1] for 192.0.2.1', '[IPv6:2001:db8::1]', '[IPv6:2001:db8::1]', false, '192.0.2.1'],
  ['relay.example,587 required as box', 'relay.example,587', 'relay.example', true, null],
  ['relay.example,587 for x', 'relay.example,587', 'relay.example', true, null],
];
for (const [nexthop, text, host, relayed, own] of places) {
  test(`the name of a next hop: ${nexthop}`, () => {
    assert.deepEqual(placeOf(nexthop), { text, host, relayed });
    assert.equal(parseOwnWay(nexthop)?.host ?? null, own);
  });
}
