/** DANE from end to end: a signed zone that unbound validates, a peer with a certificate, our client between them. */
import assert from 'node:assert/strict';
import { createHash, type X509Certificate } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { test, type TestContext } from 'node:test';
import type { TlsSession } from '../../src/core/tls.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import { createDestinations } from '../../src/flow/route/index.ts';
import { createTlsDecision } from '../../src/flow/tls/index.ts';
import { openDeadlines } from '../../src/kit/deadlines.ts';
import { openResolver, type Resolver } from '../../src/kit/dns/resolver.ts';
import { createSystemClock } from '../../src/kit/system-clock.ts';
import { createAuthority } from '../props/authority.ts';
import { letter, settingsFor } from '../props/esmtp-box.ts';
import { openEsmtpTransport } from '../../src/flow/transport/esmtp/index.ts';
import { noChance } from '../props/hand-clock.ts';
import { openScriptedPeer, type PeerOptions, type ScriptedPeer } from '../props/scripted-peer.ts';
import { openUnbound, unboundAbsent, type TestZone, type ValidatingServer } from '../props/signed-zone.ts';

const authority = createAuthority();
const good = authority.issue('mx.signed.test');
const other = createAuthority('Other').issue('mx.signed.test');
const extensions = ['PIPELINING', 'STARTTLS'];

function tlsa(usage: number, selector: number, matchingType: number, certificate: X509Certificate): string {
  const octets = selector === 0 ? certificate.raw : certificate.publicKey.export({ type: 'spki', format: 'der' });
  const association = matchingType === 0 ? octets : createHash(matchingType === 1 ? 'sha256' : 'sha512').update(octets).digest();
  return `${usage} ${selector} ${matchingType} ${association.toString('hex')}`;
}

/** Names of hosts that all are 127.0.0.1, each with its own TLSA records for the peer's port. */
function zonesFor(port: number): readonly TestZone[] {
  const hosts: Readonly<Record<string, readonly string[]>> = {
    ee: [tlsa(3, 1, 1, good.certificate)], full: [tlsa(3, 0, 0, good.certificate)], long: [tlsa(3, 0, 2, good.certificate)],
    wrong: [tlsa(3, 1, 1, other.certificate)], ta: [tlsa(2, 0, 1, authority.certificate)], mx: [tlsa(2, 1, 2, authority.certificate)],
    rolled: [tlsa(3, 1, 1, other.certificate), tlsa(3, 1, 1, good.certificate)],
    // The weak digest is the right one, and a client that knows the strong one must not look at it.
    weak: [tlsa(3, 1, 1, good.certificate), tlsa(3, 1, 2, other.certificate)],
    pkix: [tlsa(1, 1, 1, good.certificate)], none: [],
  };
  const records = Object.entries(hosts).flatMap(([host, lines]) => [
    `${host} IN A 127.0.0.1`, `for-${host} IN MX 10 ${host}`, ...lines.map(line => `_${port}._tcp.${host} IN TLSA ${line}`),
  ]);
  return [
    { name: 'signed.test', state: 'signed', records: [...records, 'alias IN CNAME ee', 'for-alias IN MX 10 alias', 'for-out IN MX 10 mx.plain.test.', 'named IN CNAME for-mx'] },
    { name: 'plain.test', state: 'unsigned', records: ['mx IN A 127.0.0.1', '@ IN MX 10 mx', `_${port}._tcp.mx IN TLSA ${tlsa(3, 1, 1, other.certificate)}`, 'to-signed IN MX 10 wrong.signed.test.'] },
    { name: 'bogus.test', state: 'bogus', records: ['mx IN A 127.0.0.1', '@ IN MX 10 mx', `_${port}._tcp.mx IN TLSA ${tlsa(3, 1, 1, good.certificate)}`] },
  ];
}

interface Way {
  readonly peer: ScriptedPeer;
  readonly server: ValidatingServer;
  readonly resolver: Resolver;
  readonly noted: readonly TlsSession[];
  send(domain: string): Promise<Outcome>;
}

async function set(t: TestContext, options: PeerOptions = { extensions, tls: good.context }, host?: string): Promise<Way> {
  const peer = await openScriptedPeer(options);
  t.after(() => peer.close());
  const server = await openUnbound(t, zonesFor(peer.port), host);
  const clock = createSystemClock();
  const resolver = openResolver({ servers: [server], clock });
  t.after(() => resolver.close());
  const noted: TlsSession[] = [];
  const journal = { note: (session: TlsSession) => void noted.push(session) };
  const decision = createTlsDecision({ resolver, sts: { find: () => Promise.resolve({ kind: 'none', why: 'not asked here' }) }, ruleOf: () => null, journal });
  const plain = createDestinations({
    routes: [], resolver, chance: noChance, usual: { tls: { kind: 'opportunistic', verify: false } }, port: peer.port, preferIpv6: false,
    isOwnName: () => false, isOwnAddress: () => false,
  });
  const deadlines = openDeadlines(clock);
  t.after(() => deadlines.close());
  const transport = openEsmtpTransport({
    ...settingsFor(clock, name => { throw new Error(name); }), tlsJournal: journal, deadlines,
    destinations: {
      async find(nexthop, signal) {
        const found = await plain.find(nexthop, signal);
        return found.kind === 'destination' ? decision.apply(nexthop, found) : found;
      },
    },
  });
  t.after(() => transport.close());
  return {
    peer, server, resolver, noted,
    async send(domain) {
      const outcomes = await transport.deliver(letter({ nexthop: domain, to: [`bob@${domain}`] }), new AbortController().signal);
      return [...outcomes.values()][0] as Outcome;
    },
  };
}

test('unbound and DANE: what matches is delivered, what does not waits, each with its reason', { skip: unboundAbsent, timeout: 60_000 }, async t => {
  const { send, peer, noted } = await set(t);
  for (const host of ['ee', 'full', 'long', 'rolled', 'alias']) {
    const outcome = await send(`for-${host}.signed.test`);
    assert.equal(outcome.kind, 'relayed', `${host}: ${JSON.stringify(outcome)}`);
    assert.match(outcome.said?.tls ?? '', /^TLSv1\.3 \S+, DANE$/);
  }
  // Under a trust anchor the name counts: the certificate is for mx.signed.test.
  assert.equal((await send('for-mx.signed.test')).kind, 'relayed');
  assert.equal((await send('named.signed.test')).kind, 'relayed', 'the next hop itself is an alias');
  const taken = peer.messages.length;
  for (const [host, text] of [['wrong', /matches none of 1 TLSA records/], ['weak', /matches none of 1 TLSA records/], ['ta', /names none of ta\.signed\.test, for-ta\.signed\.test/]] as const) {
    const outcome = await send(`for-${host}.signed.test`);
    assert.ok(outcome.kind === 'deferred', `${host}: ${JSON.stringify(outcome)}`);
    assert.deepEqual([outcome.status, outcome.blame], ['4.7.5', 'nexthop']);
    assert.match(outcome.said?.text ?? '', text);
  }
  assert.equal(peer.messages.length, taken, 'not a word of a message went out');
  assert.deepEqual(noted.filter(({ failure }) => failure !== undefined).map(({ failure }) => failure?.type), ['validation-failure', 'validation-failure', 'certificate-host-mismatch']);
  // No TLSA record, or none of use.
  assert.match((await send('for-none.signed.test')).said?.tls ?? '', /, unverified$/);
  assert.match((await send('for-pkix.signed.test')).said?.tls ?? '', /DANE without usable records, unverified$/);
});

test('unbound and DANE: a peer whose STARTTLS was taken away gets nothing', { skip: unboundAbsent, timeout: 60_000 }, async t => {
  const { send, peer } = await set(t, { extensions: ['PIPELINING'] });
  for (const host of ['ee', 'pkix']) {
    const outcome = await send(`for-${host}.signed.test`);
    assert.ok(outcome.kind === 'deferred' && outcome.status === '4.7.4', JSON.stringify(outcome));
  }
  assert.equal((await send('for-none.signed.test')).kind, 'relayed', 'nobody asked for TLS there');
  assert.equal(peer.messages.length, 1);
});

test('unbound and DANE: unsigned answers carry no weight, broken signatures stop the mail', { skip: unboundAbsent, timeout: 60_000 }, async t => {
  const { send, resolver } = await set(t);
  // Its TLSA record is wrong, and nobody vouches for it.
  assert.equal((await send('plain.test')).kind, 'relayed');
  // A signed domain whose exchanger is not: what holds is the exchanger's.
  assert.equal((await send('for-out.signed.test')).kind, 'relayed');
  // The MX could be forged, so the TLSA behind it proves nothing: encrypted with anybody.
  const forgeable = await send('to-signed.plain.test');
  assert.equal(forgeable.kind, 'relayed', JSON.stringify(forgeable));
  const bogus = await send('bogus.test');
  assert.ok(bogus.kind === 'deferred' && bogus.status === '4.4.3', JSON.stringify(bogus));
  assert.equal((await resolver.mx('for-ee.signed.test') as { authentic: boolean }).authentic, true);
  assert.equal((await resolver.mx('plain.test') as { authentic: boolean }).authentic, false);
});

const outside = Object.values(networkInterfaces()).flat().find(one => one !== undefined && !one.internal && one.family === 'IPv4')?.address;

test('the AD bit of a resolver on another address is not believed, until somebody vouches for it', { skip: unboundAbsent !== false ? unboundAbsent : outside === undefined ? 'no address but loopback' : false, timeout: 60_000 }, async t => {
  const { send, resolver, server } = await set(t, { extensions, tls: good.context }, outside);
  assert.equal((await resolver.mx('for-wrong.signed.test') as { authentic: boolean }).authentic, false);
  const outcome = await send('for-wrong.signed.test');
  assert.equal(outcome.kind, 'relayed', 'DANE would have stopped it');
  const trusting = openResolver({ servers: [server], clock: createSystemClock(), trustAd: true });
  t.after(() => trusting.close());
  assert.equal((await trusting.mx('for-wrong.signed.test') as { authentic: boolean }).authentic, true);
});
