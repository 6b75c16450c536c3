import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Chance } from '../../../src/core/clock.ts';
import type { Destination, Settled } from '../../../src/core/transport.ts';
import { createDestinations, relayKey, type DestinationSettings, type EsmtpRoute } from '../../../src/flow/route/index.ts';
import type { Answer } from '../../../src/kit/dns/resolver.ts';
import { noChance } from '../../props/hand-clock.ts';

/** `MX d: 10 mx1, 20 mx2` · `A h: 192.0.2.1` · `MX d: ?` unavailable · `MX d: !` no such domain. Absent: none. */
type Zone = Readonly<Record<string, string>>;

function resolverOf(zone: Zone): DestinationSettings['resolver'] & { readonly asked: string[] } {
  const asked: string[] = [];
  function look<T>(key: string, read: (one: string) => T): Promise<Answer<T>> {
    asked.push(key);
    const text = zone[key];
    if (text === '?') return Promise.resolve({ kind: 'unavailable', why: `${key}: no answer` });
    if (text === '!' || text === undefined) return Promise.resolve({ kind: 'none', noSuchDomain: text === '!', authentic: false });
    return Promise.resolve({ kind: 'found', records: text.split(', ').map(read), ttl: 60, authentic: false });
  }
  return {
    asked,
    mx: name => look(`MX ${name}`, one => ({ preference: Number(one.split(' ')[0]), exchange: one.split(' ')[1] ?? '' })),
    a: name => look(`A ${name}`, String),
    aaaa: name => look(`AAAA ${name}`, String),
  };
}

const tls = { kind: 'opportunistic', verify: false } as const;

function find(zone: Zone, nexthop: string, own: Partial<DestinationSettings> = {}): Promise<Destination | Settled> {
  const destinations = createDestinations({
    routes: [],
    resolver: resolverOf(zone),
    chance: noChance,
    usual: { tls },
    port: 25,
    preferIpv6: true,
    isOwnName: host => host === 'me.example',
    isOwnAddress: address => address === '192.0.2.250',
    ...own,
  });
  return destinations.find(nexthop, new AbortController().signal);
}

/** `host address:port` for each relay in order, or the outcome in short. */
function short(found: Destination | Settled): string {
  if (found.kind === 'destination') return found.relays.map(({ host, address, port }) => `${host} ${address ?? '-'}:${port}`).join(', ');
  return `${found.outcome.kind} ${found.outcome.status}`;
}

const rows: readonly (readonly [string, Zone, string])[] = [
  ['mail exchangers by preference', { 'MX d.example': '20 b.example, 10 a.example', 'A a.example': '192.0.2.1', 'A b.example': '192.0.2.2' }, 'a.example 192.0.2.1:25, b.example 192.0.2.2:25'],
  ['all addresses of a host, IPv6 first', { 'MX d.example': '10 a.example', 'A a.example': '192.0.2.1', 'AAAA a.example': '2001:db8::1' }, 'a.example 2001:db8::1:25, a.example 192.0.2.1:25'],
  ['without MX the domain is the host', { 'A d.example': '192.0.2.1' }, 'd.example 192.0.2.1:25'],
  ['null MX', { 'MX d.example': '0 ' }, 'failed 5.1.10'],
  ['null MX beside others is ignored', { 'MX d.example': '0 , 10 a.example', 'A a.example': '192.0.2.1' }, 'a.example 192.0.2.1:25'],
  ['no such domain', { 'MX d.example': '!' }, 'failed 5.1.2'],
  ['DNS trouble', { 'MX d.example': '?' }, 'deferred 4.4.3'],
  ['no address anywhere', { 'MX d.example': '10 a.example' }, 'failed 5.4.4'],
  ['no MX and no address', {}, 'failed 5.4.4'],
  ['an address that cannot be looked up is no address that is not there', { 'MX d.example': '10 a.example', 'A a.example': '?' }, 'deferred 4.4.3'],
  ['… but others are used', { 'MX d.example': '10 a.example, 20 b.example', 'A a.example': '?', 'A b.example': '192.0.2.2' }, 'b.example 192.0.2.2:25'],
  ['… and so is the other family', { 'MX d.example': '10 a.example', 'AAAA a.example': '?', 'A a.example': '192.0.2.1' }, 'a.example 192.0.2.1:25'],
  ['an MX that is an address spoils the list', { 'MX d.example': '10 a.example, 20 192.0.2.9', 'A a.example': '192.0.2.1' }, 'failed 5.4.4'],
  ['we are the best MX', { 'MX d.example': '10 me.example, 20 b.example', 'A b.example': '192.0.2.2' }, 'failed 5.4.6'],
  ['we share the best preference', { 'MX d.example': '10 a.example, 10 me.example', 'A a.example': '192.0.2.1' }, 'failed 5.4.6'],
  ['only better ones than we are', { 'MX d.example': '10 a.example, 20 me.example, 20 b.example, 30 c.example', 'A a.example': '192.0.2.1', 'A b.example': '192.0.2.2', 'A c.example': '192.0.2.3' }, 'a.example 192.0.2.1:25'],
  ['we are behind another name', { 'MX d.example': '10 a.example, 20 alias.example, 30 c.example', 'A a.example': '192.0.2.1', 'A alias.example': '192.0.2.250', 'A c.example': '192.0.2.3' }, 'a.example 192.0.2.1:25'],
  ['… of the same preference as another', { 'MX d.example': '10 a.example, 10 alias.example', 'A a.example': '192.0.2.1', 'A alias.example': '192.0.2.250' }, 'failed 5.4.6'],
  ['… and the best', { 'A d.example': '192.0.2.250' }, 'failed 5.4.6'],
];
for (const [name, zone, wanted] of rows) {
  test(`destinations of d.example: ${name}`, async () => assert.equal(short(await find(zone, 'd.example')), wanted));
}

test('a domain that is us and has no MX loops', async () => {
  assert.equal(short(await find({ 'A me.example': '192.0.2.1' }, 'me.example')), 'failed 5.4.6');
});

test('address literals are connected to as they are; a bare address is no domain', async () => {
  assert.equal(short(await find({}, '[192.0.2.7]')), '192.0.2.7 192.0.2.7:25');
  assert.equal(short(await find({}, '[IPv6:2001:db8::7]')), '2001:db8::7 2001:db8::7:25');
  assert.equal(short(await find({}, '[192.0.2.250]')), 'failed 5.4.6');
  assert.equal(short(await find({}, '192.0.2.7')), 'failed 5.1.2');
});

test('international domains are looked up in A-labels', async () => {
  assert.equal(short(await find({ 'A xn--bcher-kva.example': '192.0.2.1' }, 'bücher.example')), 'xn--bcher-kva.example 192.0.2.1:25');
});

test('IPv4 first where it is preferred, and alone where the route says so', async () => {
  const zone = { 'A d.example': '192.0.2.1', 'AAAA d.example': '2001:db8::1' };
  assert.equal(short(await find(zone, 'd.example', { preferIpv6: false })), 'd.example 192.0.2.1:25, d.example 2001:db8::1:25');
  assert.equal(short(await find(zone, 'd.example', { routes: [{ match: '', tls, families: 'ipv4' }] })), 'd.example 192.0.2.1:25');
  assert.equal(short(await find(zone, 'd.example', { routes: [{ match: '', tls, families: 'ipv6' }] })), 'd.example 2001:db8::1:25');
});

test('hosts of one preference are shuffled, and only among themselves', async () => {
  const zone: Zone = { 'MX d.example': '10 a.example, 10 b.example, 20 c.example', 'A a.example': '192.0.2.1', 'A b.example': '192.0.2.2', 'A c.example': '192.0.2.3' };
  const seen = new Set<string>();
  for (const chance of [{ between: (low: number) => low }, { between: (_: number, high: number) => high }] satisfies Chance[]) seen.add(short(await find(zone, 'd.example', { chance })));
  assert.deepEqual([...seen].toSorted(), [
    'a.example 192.0.2.1:25, b.example 192.0.2.2:25, c.example 192.0.2.3:25',
    'b.example 192.0.2.2:25, a.example 192.0.2.1:25, c.example 192.0.2.3:25',
  ]);
});

test('a relay is looked up as MX and as host, on its own port, and its troubles never return mail', async () => {
  const route: EsmtpRoute = { match: '', relay: { host: 'smart.example', port: 587, literal: false }, tls: { kind: 'required', verify: true }, auth: { login: 'box', password: 'x' } };
  const via = (zone: Zone) => find(zone, relayKey(route) ?? '', { routes: [route] });
  const found = await via({ 'A smart.example': '192.0.2.5' });
  assert.deepEqual(found, {
    kind: 'destination',
    relays: [{ host: 'smart.example', address: '192.0.2.5', port: 587 }],
    tls: { kind: 'required', verify: true },
    auth: { login: 'box', password: 'x' },
    known: true,
  });
  assert.equal(short(await via({ 'MX smart.example': '10 a.example', 'A a.example': '192.0.2.6' })), 'a.example 192.0.2.6:587');
  assert.equal(short(await via({ 'MX smart.example': '!' })), 'deferred 4.4.4');
  assert.equal(short(await via({ 'MX smart.example': '0 ' })), 'deferred 4.4.4');
  assert.equal(short(await via({})), 'deferred 4.4.4');
  // We may well be our own relay on another port.
  assert.equal(short(await via({ 'A smart.example': '192.0.2.250' })), 'smart.example 192.0.2.250:587');
});

test('a literal relay asks nothing', async () => {
  const route: EsmtpRoute = { match: 'd.example', relay: { host: '2001:db8::5', port: 25, literal: true }, tls };
  assert.equal(short(await find({}, relayKey(route) ?? '', { routes: [route] })), '2001:db8::5 2001:db8::5:25');
});

test('a route without relay keeps the domain\'s own exchangers and says how to use them', async () => {
  const found = await find({ 'A d.example': '192.0.2.1' }, 'd.example', { routes: [{ match: 'd.example', tls: { kind: 'required', verify: false } }] });
  assert.ok(found.kind === 'destination');
  assert.equal(found.tls.kind, 'required');
});

test('a proxy that resolves gets the MX host\'s name; the MX itself is looked up here', async () => {
  const proxy = { host: 'proxy.example', port: 1080, login: 'u', password: 'p' };
  const zone = { 'MX d.example': '10 a.example, 20 b.example' };
  const resolver = resolverOf(zone);
  const remote = await find(zone, 'd.example', { resolver, usual: { tls, proxy: { ...proxy, resolve: 'proxy' } } });
  assert.deepEqual(remote, { kind: 'destination', relays: [{ host: 'a.example', port: 25 }, { host: 'b.example', port: 25 }], tls, proxy });
  assert.deepEqual(resolver.asked, ['MX d.example']);

  const local = await find({ ...zone, 'A a.example': '192.0.2.1' }, 'd.example', { usual: { tls, proxy: { ...proxy, resolve: 'local' } } });
  assert.ok(local.kind === 'destination');
  assert.deepEqual([short(local), local.proxy], ['a.example 192.0.2.1:25', proxy]);
});

test('whose name nobody can forge is known: a relay of ours, the domain itself, signed MX; unsigned MX are not', async () => {
  const known = async (zone: Zone, nexthop = 'there.example', own = {}) => {
    const found = await find(zone, nexthop, own);
    return found.kind === 'destination' && found.known === true;
  };
  assert.equal(await known({ 'MX there.example': '10 a.example', 'A a.example': '192.0.2.6' }), false);
  assert.equal(await known({ 'A there.example': '192.0.2.6' }), true);
  assert.equal(await known({}, '[192.0.2.9]'), true);
});

test('a domain that a virtual host reaches otherwise has its own TLS, proxy and login; another host\'s, or everybody\'s, it never gets', async () => {
  const zone = { 'MX there.example': '10 mx.there.example', 'A mx.there.example': '192.0.2.1' };
  const own = {
    routes: [{ match: '', relay: { host: 'smart.example', port: 587, literal: false }, tls: { kind: 'required', verify: true }, auth: { login: 'box', password: 'secret' } } satisfies EsmtpRoute],
    ownWay: (domain: string, host: string) => (host === 'second.example' ? { tls: { kind: 'none', verify: false } as const, auth: { login: `us-at-${domain}`, password: 'x' } } : null),
  };
  const found = async (nexthop: string) => {
    const answer = await find(zone, nexthop, own);
    return answer.kind === 'destination' ? [short(answer), answer.tls.kind, answer.auth?.login] : short(answer);
  };
  assert.deepEqual(await found('there.example for second.example'), ['mx.there.example 192.0.2.1:25', 'none', 'us-at-there.example']);
  assert.deepEqual(await found('there.example for gone.example'), ['mx.there.example 192.0.2.1:25', 'required', undefined], 'a host that is gone');
  assert.deepEqual(await found('there.example'), ['mx.there.example 192.0.2.1:25', 'required', undefined], 'the login of a relay is said to that relay alone');
});
