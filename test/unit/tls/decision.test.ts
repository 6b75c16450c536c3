/** What a next hop's TLS comes to, from records that a test writes down. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TlsSession } from '../../../src/core/tls.ts';
import type { Destination } from '../../../src/core/transport.ts';
import { createTlsDecision, type StsFound, type TlsDomainRule } from '../../../src/flow/tls/index.ts';
import { parseStsPolicy } from '../../../src/grammar/mta-sts.ts';
import type { Answer } from '../../../src/kit/dns/resolver.ts';

/** `MX there.example` → answer; absent: signed, and no such record. */
type Names = Readonly<Record<string, Answer<unknown>>>;

const key = { usage: 3, selector: 1, matchingType: 1, association: new Uint8Array(32).fill(7) };
const signed = (...records: readonly unknown[]): Answer<unknown> => ({ kind: 'found', records, ttl: 60, authentic: true });
const unsigned = (...records: readonly unknown[]): Answer<unknown> => ({ kind: 'found', records, ttl: 60, authentic: false });
const broken: Answer<unknown> = { kind: 'unavailable', why: 'SERVFAIL' };
const two = [{ preference: 10, exchange: 'mx1.there.example' }, { preference: 20, exchange: 'mx2.there.example' }];
const safe: Names = { 'MX there.example': signed(...two), 'A mx1.there.example': signed('192.0.2.1'), 'A mx2.there.example': signed('192.0.2.2'), 'TLSA _25._tcp.mx1.there.example': signed(key) };

interface World {
  readonly names?: Names;
  readonly sts?: StsFound;
  readonly rule?: TlsDomainRule;
  readonly tls?: Destination['tls'];
  readonly nexthop?: string;
  readonly hosts?: readonly string[];
  readonly port?: number;
  /** Names go to a proxy as names. */
  readonly named?: boolean;
}

async function decide({ names = {}, sts = { kind: 'none', why: 'none' }, rule, tls, nexthop = 'there.example', hosts = ['mx1.there.example', 'mx2.there.example'], port = 25, named = false }: World) {
  const asked: string[] = [];
  const noted: TlsSession[] = [];
  const steps: string[] = [];
  const ask = (kind: string) => (name: string) => {
    asked.push(`${kind} ${name}`);
    return Promise.resolve((names[`${kind} ${name}`] ?? { kind: 'none', noSuchDomain: false, authentic: true }) as Answer<never>);
  };
  const stsAsked: string[] = [];
  const decision = createTlsDecision({
    resolver: { mx: ask('MX'), a: ask('A'), aaaa: ask('AAAA'), tlsa: ask('TLSA') },
    sts: { find: domain => { stsAsked.push(domain); return Promise.resolve(sts); } },
    ruleOf: () => rule ?? null,
    journal: { note: session => void noted.push(session) },
  });
  const found = await decision.apply(nexthop, {
    kind: 'destination', tls: tls ?? { kind: 'opportunistic', verify: false },
    relays: hosts.map((host, n) => ({ host, port, ...(named ? {} : { address: `192.0.2.${n + 1}` }) })),
  }, step => steps.push(step));
  const fates = found.kind === 'settled' ? found : found.relays.map(relay => {
    const { kind, verify, by, dane, forbidden } = relay.tls ?? found.tls;
    if (forbidden !== undefined) return `${relay.host} forbidden (${by}): ${forbidden}`;
    return `${relay.host} ${kind}${verify ? ' verify' : ''}${dane === undefined ? '' : ` dane ${dane.base} for ${dane.names.join(' ')}`}${by === undefined ? '' : ` (${by})`}`;
  });
  return { found, fates, asked, noted, steps, stsAsked };
}

test('a domain that publishes nothing: opportunistic, and no TLSA is asked for where addresses are not signed', async () => {
  const { fates, asked, stsAsked, found } = await decide({ names: { 'MX there.example': unsigned(...two) } });
  assert.deepEqual(fates, ['mx1.there.example opportunistic', 'mx2.there.example opportunistic']);
  assert.deepEqual(asked, ['MX there.example']);
  assert.deepEqual(stsAsked, ['there.example']);
  assert.ok(found.kind === 'destination');
  assert.equal(found.relays[0]?.tls?.published?.kind, 'no-policy-found');
  const addresses = await decide({ names: { 'MX there.example': signed(...two), 'A mx1.there.example': unsigned('192.0.2.1'), 'A mx2.there.example': unsigned('192.0.2.2') } });
  assert.ok(!addresses.asked.some(question => question.startsWith('TLSA')));
});

test('DANE for the host that has it, MTA-STS or nothing for the other', async () => {
  const { fates, steps } = await decide({ names: safe });
  assert.deepEqual(fates, ['mx1.there.example required dane mx1.there.example for mx1.there.example there.example (DANE)', 'mx2.there.example opportunistic']);
  assert.ok(steps.some(step => step.startsWith('mx1.there.example: DANE, certificate by 3 1 1 0707')), steps.join('\n'));
  const enforced = await decide({ names: safe, sts: policy('enforce', 'mx2.there.example') });
  // The policy does not name mx1, and DANE is stronger than any policy.
  assert.deepEqual(enforced.fates, ['mx1.there.example required dane mx1.there.example for mx1.there.example there.example (DANE)', 'mx2.there.example required verify (MTA-STS)']);
  assert.deepEqual((await decide({ names: { ...safe, 'TLSA _25._tcp.mx2.there.example': signed(key) } })).stsAsked, [], 'DANE everywhere: nobody asks for a policy');
});

test('TLSA records that nobody vouches for are not believed', async () => {
  for (const names of [
    { ...safe, 'TLSA _25._tcp.mx1.there.example': unsigned(key) },
    { ...safe, 'MX there.example': unsigned(...two) },
    { ...safe, 'A mx1.there.example': unsigned('192.0.2.1') },
  ]) assert.deepEqual((await decide({ names, hosts: ['mx1.there.example'] })).fates, ['mx1.there.example opportunistic']);
});

test('a host whose TLSA records cannot be looked up is not used; when none is left the mail waits', async () => {
  const names = { ...safe, 'TLSA _25._tcp.mx1.there.example': broken };
  const other = await decide({ names });
  assert.deepEqual(other.fates, ['mx2.there.example opportunistic']);
  assert.deepEqual(other.noted.map(({ published, relay }) => [relay.host, published.flaw?.type]), [['mx1.there.example', 'dnssec-invalid']]);
  const none = await decide({ names, hosts: ['mx1.there.example'] });
  assert.deepEqual(none.fates, ['mx1.there.example forbidden (DANE): its TLSA records cannot be looked up (SERVFAIL)']);
  const blind = await decide({ names: { 'MX there.example': broken } });
  assert.ok(blind.found.kind === 'settled' && blind.found.outcome.status === '4.4.3', 'unknown now is not unsigned');
  const half = await decide({ names: { 'MX there.example': signed(...two), 'A mx1.there.example': broken, 'AAAA mx1.there.example': broken }, hosts: ['mx1.there.example'] });
  assert.deepEqual(half.fates, ['mx1.there.example forbidden (DANE): its addresses cannot be looked up (SERVFAIL)'], 'that were known a moment ago');
});

test('records of no use: TLS with anybody, never in clear', async () => {
  const { fates } = await decide({ names: { ...safe, 'TLSA _25._tcp.mx1.there.example': signed({ ...key, usage: 1 }) }, hosts: ['mx1.there.example'] });
  assert.deepEqual(fates, ['mx1.there.example required (DANE without usable records)']);
});

test('an alias: its target is asked first, then the name itself', async () => {
  const alias: Answer<unknown> = { kind: 'found', records: ['192.0.2.1'], ttl: 60, authentic: true, owner: 'host.provider.example' };
  const names = { 'MX there.example': signed(...two), 'A mx1.there.example': alias };
  const target = await decide({ names: { ...names, 'TLSA _25._tcp.host.provider.example': signed(key) }, hosts: ['mx1.there.example'] });
  assert.deepEqual(target.fates, ['mx1.there.example required dane host.provider.example for host.provider.example mx1.there.example there.example (DANE)']);
  const own = await decide({ names: { ...names, 'TLSA _25._tcp.mx1.there.example': signed(key) }, hosts: ['mx1.there.example'] });
  assert.deepEqual(own.fates, ['mx1.there.example required dane mx1.there.example for mx1.there.example there.example (DANE)']);
});

test('without MX the domain is the host; a relay is looked up by its own name and port; a proxy does the addresses', async () => {
  const implicit = await decide({ hosts: ['there.example'], names: { 'A there.example': signed('192.0.2.1'), 'TLSA _25._tcp.there.example': signed(key) } });
  assert.deepEqual(implicit.fates, ['there.example required dane there.example for there.example (DANE)']);
  const relay = await decide({ nexthop: 'relay.example,587 ipv4', hosts: ['relay.example'], port: 587, names: { 'A relay.example': signed('192.0.2.1'), 'TLSA _587._tcp.relay.example': signed(key) }, sts: policy('enforce', 'no.example') });
  assert.deepEqual([relay.fates, relay.stsAsked], [['relay.example required dane relay.example for relay.example (DANE)'], []]);
  const proxied = await decide({ named: true, names: { 'MX there.example': signed(...two), 'TLSA _25._tcp.mx1.there.example': signed(key) }, hosts: ['mx1.there.example'] });
  assert.deepEqual(proxied.fates, ['mx1.there.example required dane mx1.there.example for mx1.there.example there.example (DANE)']);
});

function policy(mode: string, ...mx: readonly string[]): StsFound {
  const parsed = parseStsPolicy(`version: STSv1\nmode: ${mode}\n${mx.map(one => `mx: ${one}\n`).join('')}max_age: 86400\n`);
  assert.ok(parsed.kind === 'read');
  return { kind: 'policy', policy: parsed.policy, id: '1' };
}

test('MTA-STS: enforced, only watched, switched off, out of reach', async () => {
  const enforced = await decide({ sts: policy('enforce', 'mx1.there.example') });
  assert.deepEqual(enforced.fates, ['mx1.there.example required verify (MTA-STS)']);
  assert.deepEqual(enforced.noted.map(({ published, relay }) => [published.kind, relay.host, published.flaw?.type]), [['sts', 'mx2.there.example', 'validation-failure']]);
  const strangers = await decide({ sts: policy('enforce', '*.elsewhere.example') });
  assert.deepEqual(strangers.fates, ['mx1.there.example', 'mx2.there.example'].map(host => `${host} forbidden (MTA-STS): the MTA-STS policy of there.example does not name it`));
  const testing = await decide({ sts: policy('testing', 'mx1.there.example') });
  assert.deepEqual(testing.fates, ['mx1.there.example opportunistic (MTA-STS testing)', 'mx2.there.example opportunistic (MTA-STS testing)']);
  assert.ok(testing.found.kind === 'destination');
  assert.deepEqual(testing.found.relays.map(({ tls }) => [tls?.published?.testing, tls?.published?.flaw?.type]), [[true, undefined], [true, 'validation-failure']]);
  assert.deepEqual((await decide({ sts: policy('none') })).fates, ['mx1.there.example opportunistic', 'mx2.there.example opportunistic']);
  const away = await decide({ sts: { kind: 'trouble', fault: 'sts-policy-fetch-error', why: 'timeout' } });
  assert.deepEqual(away.fates, ['mx1.there.example opportunistic', 'mx2.there.example opportunistic']);
  assert.ok(away.found.kind === 'destination');
  assert.equal(away.found.relays[0]?.tls?.published?.flaw?.type, 'sts-policy-fetch-error');
});

test('an operator\'s word stands above what a domain publishes, and a route\'s above both', async () => {
  const world = { names: safe, sts: policy('enforce', 'mx2.there.example'), hosts: ['mx1.there.example'] };
  for (const [rule, fate] of [
    [{ policy: 'none', names: [] }, 'none'],
    [{ policy: 'opportunistic', names: [] }, 'opportunistic'],
    [{ policy: 'required', names: [] }, 'required'],
    [{ policy: 'verified', names: ['there.example'] }, 'required verify'],
    [{ policy: 'private', names: [], authorities: ['PEM'] }, 'required verify'],
  ] as const) {
    const { found, asked, stsAsked } = await decide({ ...world, rule });
    assert.ok(found.kind === 'destination');
    assert.equal(`${found.tls.kind}${found.tls.verify ? ' verify' : ''}`, fate);
    assert.equal(found.tls.by, 'tlspolicy');
    assert.deepEqual([asked, stsAsked], [[], []]);
    if (rule.policy === 'verified') assert.deepEqual(found.tls.names, ['there.example']);
    if (rule.policy === 'private') assert.deepEqual(found.tls.authorities, ['PEM']);
  }
  const routed = await decide({ ...world, rule: { policy: 'none', names: [] }, tls: { kind: 'required', verify: true } });
  assert.ok(routed.found.kind === 'destination');
  assert.deepEqual(routed.found.tls, { kind: 'required', verify: true, by: 'esmtproutes' });
  const off = await decide({ ...world, tls: { kind: 'none', verify: false } });
  assert.ok(off.found.kind === 'destination' && off.found.tls.kind === 'none', 'ESMTP_USE_STARTTLS=0');
});

test('dane asks no policy; dane-only waits where there is no DANE', async () => {
  const soft = await decide({ rule: { policy: 'dane', names: [] }, sts: policy('enforce', 'no.example') });
  assert.deepEqual([soft.fates, soft.stsAsked], [['mx1.there.example opportunistic', 'mx2.there.example opportunistic'], []]);
  const strict = await decide({ names: safe, rule: { policy: 'dane-only', names: [] } });
  assert.deepEqual(strict.fates, ['mx1.there.example required dane mx1.there.example for mx1.there.example there.example (DANE)']);
  const nothing = await decide({ rule: { policy: 'dane-only', names: [] } });
  assert.deepEqual(nothing.fates, ['mx1.there.example', 'mx2.there.example'].map(host => `${host} forbidden (tlspolicy): tlspolicy wants DANE, and the MX is not signed`));
  const useless = await decide({ names: { ...safe, 'TLSA _25._tcp.mx1.there.example': signed({ ...key, usage: 0 }) }, hosts: ['mx1.there.example'], rule: { policy: 'dane-only', names: [] } });
  assert.deepEqual(useless.fates, ['mx1.there.example forbidden (tlspolicy): tlspolicy wants DANE, and no TLSA record is usable']);
});
