import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Envelope, Recipient, RecipientId } from '../../../src/core/envelope.ts';
import { createRouteTable, type EsmtpRoute } from '../../../src/flow/route/index.ts';
import { createRouteFinder } from '../../../src/flow/route/table.ts';
import { parseAddress } from '../../../src/grammar/address.ts';
import fc from '../../props/fast-check.ts';

const tls = { kind: 'opportunistic', verify: false } as const;
const relay = (host: string, port = 25, literal = false) => ({ host, port, literal });
const envelope = {} as Envelope; // no route depends on it

function nexthopOf(routes: readonly EsmtpRoute[], address: string, transportOf: (domain: string) => string | null = () => null): string {
  const table = createRouteTable({ routes, transportOf, defaultDomain: 'here.example' });
  const parsed = parseAddress(address);
  assert.ok(parsed !== null);
  const route = table.route({ id: 0 as RecipientId, address: parsed } satisfies Recipient, envelope);
  assert.ok(!(route instanceof Promise) && route.kind === 'route');
  return `${route.transport} ${route.nexthop}`;
}

const routes: readonly EsmtpRoute[] = [
  { match: 'direct.example', tls },
  { match: '.example.org', relay: relay('below.example', 587), tls },
  { match: 'example.org', relay: relay('192.0.2.1', 25, true), tls },
  { match: 'a.example.org', relay: relay('never.example'), tls },
  { match: '', relay: relay('smart.example', 587), tls: { kind: 'required', verify: false }, auth: { login: 'box', password: 'x' } },
  { match: 'late.example', relay: relay('never.example'), tls },
];
const rows: readonly (readonly [string, string, string])[] = [
  ['a route without a relay keeps the domain', 'x@direct.example', 'esmtp direct.example'],
  ['.dom is for what lies below', 'x@a.example.org', 'esmtp below.example,587'],
  ['… at any depth', 'x@a.b.example.org', 'esmtp below.example,587'],
  ['… and not for the domain itself', 'x@example.org', 'esmtp [192.0.2.1],25'],
  ['… nor for a longer name', 'x@badexample.org', 'esmtp smart.example,587 required as box'],
  ['the empty pattern is for the rest, and hides what follows it', 'x@late.example', 'esmtp smart.example,587 required as box'],
  ['a recipient without a domain has the default one', 'postmaster', 'esmtp smart.example,587 required as box'],
  ['address literals match nothing but the empty pattern', 'x@[192.0.2.7]', 'esmtp smart.example,587 required as box'],
];
for (const [name, address, wanted] of rows) test(`esmtproutes: ${name}`, () => assert.equal(nexthopOf(routes, address), wanted));

test('without routes the next hop is the domain, also a literal or an international one', () => {
  for (const domain of ['there.example', '[192.0.2.7]', '[IPv6:2001:db8::1]', 'bücher.example']) assert.equal(nexthopOf([], `x@${domain}`), `esmtp ${domain}`);
});

test('domains of other transports never reach the table', () => {
  const transportOf = (domain: string) => (domain === 'direct.example' ? 'local' : null);
  assert.equal(nexthopOf(routes, 'x@direct.example', transportOf), 'local x@direct.example');
  assert.equal(nexthopOf(routes, 'postmaster', domain => (domain === 'here.example' ? 'local' : null)), 'local postmaster');
});

test('routes to one relay that differ in TLS, proxy or login are different next hops', () => {
  const one = { match: '', relay: relay('smart.example', 587), tls };
  const proxy = { host: 'proxy.example', port: 1080, resolve: 'proxy' } as const;
  const all = [one, { ...one, tls: { kind: 'required', verify: true } as const }, { ...one, auth: { login: 'a', password: 'b' } }, { ...one, proxy }, { ...one, families: 'ipv4' as const }];
  assert.equal(new Set(all.map(route => nexthopOf([route], 'x@there.example'))).size, all.length);
});

test('the finder agrees with reading the lines from the top', () => {
  const label = fc.constantFrom('a', 'b', 'c', 'example');
  const domain = fc.array(label, { minLength: 1, maxLength: 4 }).map(labels => labels.join('.'));
  const pattern = fc.oneof({ arbitrary: domain, weight: 4 }, { arbitrary: domain.map(name => `.${name}`), weight: 4 }, fc.constant(''));
  fc.assert(fc.property(fc.array(pattern, { maxLength: 12 }), domain, (patterns, name) => {
    const table = patterns.map(match => ({ match, tls }));
    const fits = (match: string) => match === '' || match === name || (match.startsWith('.') && name.endsWith(match));
    assert.equal(createRouteFinder(table)(name), table.find(({ match }) => fits(match)) ?? null);
  }));
});
