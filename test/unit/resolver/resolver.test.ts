import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { openResolver, type Resolver, type ResolverSettings } from '../../../src/kit/dns/resolver.ts';
import { openDnsServer, soa, type DnsQuestion, type DnsReply, type DnsServer } from '../../props/dns-server.ts';
import { createHandClock, type HandClock } from '../../props/hand-clock.ts';
import { eventually } from '../../props/within.ts';

type Answering = (question: DnsQuestion) => DnsReply | readonly DnsReply[];

async function set(t: TestContext, answers: readonly Answering[], own: Partial<ResolverSettings> = {}): Promise<{ resolver: Resolver; servers: DnsServer[]; clock: HandClock }> {
  const servers = await Promise.all(answers.map(answer => openDnsServer(answer)));
  const clock = createHandClock();
  const resolver = openResolver({ servers, clock, ...own });
  t.after(async () => {
    resolver.close();
    for (const server of servers) await server.close();
  });
  return { resolver, servers, clock };
}

const a = (name: string, data: string, ttl = 300) => ({ type: 'A' as const, name, ttl, class: 'IN' as const, data });
const cname = (name: string, data: string, ttl = 300) => ({ type: 'CNAME' as const, name, ttl, class: 'IN' as const, data });
const mx = (name: string, preference: number, exchange: string) => ({ type: 'MX' as const, name, ttl: 300, class: 'IN' as const, data: { preference, exchange } });

test('each kind of record comes back as plain values', async t => {
  const { resolver } = await set(t, [({ name, type }) => {
    switch (type) {
      case 'MX': return { answers: [mx(name, 10, 'MX.Example.'), mx(name, 0, '.')] };
      case 'AAAA': return { answers: [{ type, name, ttl: 60, data: '2001:db8::1' }] };
      case 'TXT': return { answers: [{ type, name, ttl: 60, data: ['v=spf1 ', '-all'] }] };
      case 'PTR': return { answers: [{ type, name, ttl: 60, data: `${name.split('.').length}.Example.` }] };
      case 'TLSA': return { answers: [{ type, name, ttl: 60, data: { usage: 3, selector: 1, matchingType: 1, certificate: Buffer.from([1, 2]) } }] };
      default: return { answers: [a(name, '192.0.2.1')] };
    }
  }]);
  assert.deepEqual(await resolver.mx('d.example'), { kind: 'found', records: [{ preference: 10, exchange: 'mx.example' }, { preference: 0, exchange: '' }], ttl: 300, authentic: false });
  assert.deepEqual(await resolver.a('d.example'), { kind: 'found', records: ['192.0.2.1'], ttl: 300, authentic: false });
  assert.deepEqual((await resolver.aaaa('d.example') as { records: unknown }).records, ['2001:db8::1']);
  assert.deepEqual((await resolver.txt('d.example') as { records: unknown }).records, ['v=spf1 -all']);
  assert.deepEqual((await resolver.tlsa('_25._tcp.d.example') as { records: unknown }).records, [{ usage: 3, selector: 1, matchingType: 1, association: Buffer.from([1, 2]) }]);
  assert.deepEqual((await resolver.ptr('192.0.2.77') as { records: unknown }).records, ['6.example']);
});

test('reverse names are right for both families', async t => {
  const { resolver, servers } = await set(t, [() => ({ rcode: 3 })]);
  await resolver.ptr('192.0.2.77');
  await resolver.ptr('2001:db8::1:2');
  assert.deepEqual(servers[0]?.asked.map(({ name }) => name), [
    '77.2.0.192.in-addr.arpa',
    '2.0.0.0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa',
  ]);
});

test('none is told apart from no such domain, and both from trouble', async t => {
  const { resolver } = await set(t, [({ name }) => {
    if (name === 'absent.example') return { rcode: 3, authorities: [soa('example', 60)] };
    if (name === 'empty.example') return { authorities: [soa('example', 60)] };
    return { rcode: 2 };
  }]);
  assert.deepEqual(await resolver.mx('absent.example'), { kind: 'none', noSuchDomain: true, authentic: false });
  assert.deepEqual(await resolver.mx('empty.example'), { kind: 'none', noSuchDomain: false, authentic: false });
  assert.deepEqual(await resolver.mx('broken.example'), { kind: 'unavailable', why: 'MX broken.example: 127.0.0.1: SERVFAIL' });
});

test('an answer is kept as long as its TTL says, a negative one as long as the SOA says', async t => {
  const { resolver, servers, clock } = await set(t, [({ name }) => (name === 'no.example' ? { rcode: 3, authorities: [soa('example', 30)] } : { answers: [a(name, '192.0.2.1', 100)] })]);
  const asked = () => servers[0]?.asked.length;
  await resolver.a('yes.example');
  await resolver.a('YES.example.');
  await resolver.a('no.example');
  await resolver.a('no.example');
  assert.equal(asked(), 2);
  await clock.runTo(clock.now() + 40_000);
  assert.equal((await resolver.a('yes.example') as { ttl: number }).ttl, 60);
  await resolver.a('no.example');
  assert.equal(asked(), 3);
  await clock.runTo(clock.now() + 60_000);
  await resolver.a('yes.example');
  assert.equal(asked(), 4);
});

test('a negative answer without SOA is not kept; trouble is, for seconds', async t => {
  const { resolver, servers, clock } = await set(t, [({ name }) => ({ rcode: name === 'bad.example' ? 5 : 3 })], { attempts: 1 });
  await resolver.a('no.example');
  await resolver.a('no.example');
  assert.equal(servers[0]?.asked.length, 2);
  await resolver.a('bad.example');
  await resolver.a('bad.example');
  assert.equal(servers[0]?.asked.length, 3);
  await clock.runTo(clock.now() + 5001);
  await resolver.a('bad.example');
  assert.equal(servers[0]?.asked.length, 4);
});

test('the cache has an end', async t => {
  const { resolver, servers } = await set(t, [({ name }) => ({ answers: [a(name, '192.0.2.1')] })], { entries: 2 });
  for (const name of ['a.example', 'b.example', 'a.example', 'c.example', 'a.example', 'b.example']) await resolver.a(name);
  assert.deepEqual(servers[0]?.asked.map(({ name }) => name), ['a.example', 'b.example', 'c.example', 'b.example']);
});

test('many who want the same ask once', async t => {
  const { resolver, servers } = await set(t, [({ name }) => ({ answers: [a(name, '192.0.2.1')] })]);
  const answers = await Promise.all(Array.from({ length: 20 }, () => resolver.a('d.example')));
  assert.equal(servers[0]?.asked.length, 1);
  assert.equal(new Set(answers.map(({ kind }) => kind)).size, 1);
});

test('a truncated answer is asked again by TCP', async t => {
  const { resolver, servers } = await set(t, [({ name, transport }) => (transport === 'udp' ? { tc: true } : { answers: [a(name, '192.0.2.9')] })]);
  assert.deepEqual((await resolver.a('big.example') as { records: unknown }).records, ['192.0.2.9']);
  assert.deepEqual(servers[0]?.asked.map(({ transport }) => transport), ['udp', 'tcp']);
});

test('a silent server costs its time and the next one answers; that one is asked first from then on', async t => {
  const { resolver, servers, clock } = await set(t, [() => null, ({ name }) => ({ answers: [a(name, '192.0.2.1', 0)] })]);
  const answer = resolver.a('d.example');
  await until(() => servers[0]?.asked.length === 1);
  await clock.runTo(clock.now() + 3000);
  assert.equal((await answer).kind, 'found');
  await resolver.a('other.example');
  assert.equal(servers[0]?.asked.length, 1);
  assert.equal(servers[1]?.asked.length, 2);
});

test('when no server answers the domain is unavailable, never absent', async t => {
  const { resolver, servers, clock } = await set(t, [() => null], { attempts: 2 });
  const answer = resolver.mx('d.example');
  for (const n of [1, 2]) {
    await until(() => servers[0]?.asked.length === n);
    await clock.runTo(clock.now() + 3000);
  }
  assert.deepEqual(await answer, { kind: 'unavailable', why: 'MX d.example: 127.0.0.1: no answer' });
});

test('forgeries are ignored: another id, another question, a query, noise', async t => {
  const good = { answers: [a('d.example', '192.0.2.1')] };
  const { resolver } = await set(t, [({ id }) => [
    { ...good, id: id ^ 1, answers: [a('d.example', '203.0.113.6')] },
    { answers: [a('d.example', '203.0.113.6')], question: { name: 'other.example', type: 'A' } },
    { answers: [a('d.example', '203.0.113.6')], question: { name: 'd.example', type: 'MX' } },
    { raw: Buffer.from('noise') },
    good,
  ]]);
  assert.deepEqual((await resolver.a('d.example') as { records: unknown }).records, ['192.0.2.1']);
});

test('records of other names in the answer are not ours', async t => {
  const { resolver } = await set(t, [() => ({ answers: [a('evil.example', '203.0.113.6')] })]);
  assert.equal((await resolver.a('d.example')).kind, 'none');
});

test('aliases are followed within the answer and across answers, to the shortest TTL, and not for ever', async t => {
  const { resolver } = await set(t, [({ name }) => {
    switch (name) {
      case 'one.example': return { answers: [cname(name, 'two.example', 50), cname('two.example', 'three.example'), a('three.example', '192.0.2.3')] };
      case 'far.example': return { answers: [cname(name, 'end.example', 20)] };
      case 'end.example': return { answers: [a(name, '192.0.2.4', 90)] };
      case 'gone.example': return { rcode: 3, answers: [cname(name, 'nowhere.example')], authorities: [soa('example', 10)] };
      case 'loop.example': return { answers: [cname(name, 'pool.example'), cname('pool.example', name)] };
      case 'ping.example': return { answers: [cname(name, 'pong.example')] };
      default: return { answers: [cname(name, 'ping.example')] };
    }
  }]);
  assert.deepEqual(await resolver.a('one.example'), { kind: 'found', records: ['192.0.2.3'], ttl: 50, authentic: false, owner: 'three.example' });
  assert.deepEqual(await resolver.a('far.example'), { kind: 'found', records: ['192.0.2.4'], ttl: 20, authentic: false, owner: 'end.example' });
  assert.deepEqual(await resolver.a('gone.example'), { kind: 'none', noSuchDomain: true, authentic: false });
  for (const name of ['loop.example', 'ping.example']) {
    const answer = await resolver.a(name);
    assert.ok(answer.kind === 'unavailable' && answer.broken === true, 'the zone is wrong, and waiting does not mend it');
  }
});

test('the AD bit is wanted, and kept from a server on this host', async t => {
  const { resolver, servers } = await set(t, [({ name }) => ({ ad: true, answers: [a(name, '192.0.2.1')] })]);
  assert.equal((await resolver.a('signed.example') as { authentic: boolean }).authentic, true);
  assert.equal(servers[0]?.asked[0]?.adWanted, true);
});

test('a server from before EDNS is asked without it', async t => {
  const { resolver, servers } = await set(t, [({ name, edns }) => (edns ? { rcode: 1 } : { answers: [a(name, '192.0.2.1')] })]);
  assert.equal((await resolver.a('old.example')).kind, 'found');
  assert.deepEqual(servers[0]?.asked.map(({ edns }) => edns), [true, false]);
});

test('names that DNS cannot carry do not exist; others are asked in A-labels', async t => {
  const { resolver, servers } = await set(t, [({ name }) => ({ answers: [a(name, '192.0.2.1')] })]);
  for (const name of ['', 'a..example', `${'x'.repeat(64)}.example`, `${'abcdefgh.'.repeat(40)}example`]) {
    assert.deepEqual(await resolver.a(name), { kind: 'none', noSuchDomain: true, authentic: false }, name);
  }
  await resolver.a('bücher.example');
  assert.deepEqual(servers[0]?.asked.map(({ name }) => name), ['xn--bcher-kva.example']);
});

test('closing ends what is being asked', async t => {
  const { resolver, servers } = await set(t, [() => null]);
  const answer = resolver.a('d.example');
  await until(() => servers[0]?.asked.length === 1);
  resolver.close();
  assert.equal((await answer).kind, 'unavailable');
});

function until(seen: () => boolean): Promise<void> {
  return eventually(10_000, 'a question at the server', seen);
}
