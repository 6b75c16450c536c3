/** Mail that demands TLS of every hop, and mail that would rather arrive without: what is sent where, and what fails. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Envelope } from '../../../src/core/envelope.ts';
import type { Destination } from '../../../src/core/transport.ts';
import type { EsmtpSettings } from '../../../src/flow/transport/esmtp/index.ts';
import { createCertificate } from '../../props/certificate.ts';
import { at, letter, openEsmtpBox, TEXT, type EsmtpBox } from '../../props/esmtp-box.ts';
import { drop, openScriptedPeer, say, type PeerOptions, type ScriptedPeer } from '../../props/scripted-peer.ts';

const good = createCertificate('peer.example');
const other = createCertificate('other.example');
const all = ['PIPELINING', 'STARTTLS', 'XSECURITY=NONE,STARTTLS', 'REQUIRETLS'];
const security: Partial<Envelope> = { security: 'starttls' };
const requireTls: Partial<Envelope> = { requireTls: true };
const authority = { securityCertificates: [good.pem] };
const known = { known: true } as const;

async function set(t: TestContext, options: PeerOptions, destination: Partial<Destination> = {}, own: Partial<EsmtpSettings> = {}): Promise<{ peer: ScriptedPeer; box: EsmtpBox }> {
  const peer = await openScriptedPeer(options);
  const box = openEsmtpBox(at(peer, destination), own);
  t.after(async () => {
    await peer.close();
    await box.close();
  });
  return { peer, box };
}

interface Row {
  readonly what: string;
  readonly envelope: Partial<Envelope>;
  readonly peer: PeerOptions;
  readonly destination?: Partial<Destination>;
  readonly own?: Partial<EsmtpSettings>;
  readonly outcome: string;
}

const tls = good.context;
const rows: readonly Row[] = [
  { what: 'SECURITY under the private authority', envelope: security, peer: { extensions: all, tls }, own: authority, outcome: 'relayed 2.0.0' },
  { what: 'SECURITY, and the certificate is another authority’s', envelope: security, peer: { extensions: all, tls }, own: { securityCertificates: [other.pem], trustedCertificates: [good.pem] }, outcome: 'failed 5.7.5' },
  { what: 'SECURITY, and the certificate is not the host’s', envelope: security, peer: { extensions: all, tls: other.context }, own: { securityCertificates: [other.pem] }, outcome: 'failed 5.7.5' },
  { what: 'SECURITY without a private authority', envelope: security, peer: { extensions: all, tls }, outcome: 'failed 5.7.4' },
  { what: 'SECURITY, STARTTLS not offered', envelope: security, peer: { extensions: ['PIPELINING', 'XSECURITY=NONE,STARTTLS'] }, own: authority, outcome: 'failed 5.7.4' },
  { what: 'SECURITY, XSECURITY not offered', envelope: security, peer: { extensions: ['PIPELINING', 'STARTTLS'], tls }, own: authority, outcome: 'failed 5.7.4' },
  { what: 'SECURITY, STARTTLS refused for now', envelope: security, peer: { extensions: all, act: ({ step }) => (step === 'starttls' ? say('454 4.7.0 Not now') : undefined) }, own: authority, outcome: 'deferred 4.7.4' },
  { what: 'SECURITY, STARTTLS refused for good', envelope: security, peer: { extensions: all, act: ({ step }) => (step === 'starttls' ? say('554 5.7.0 Never') : undefined) }, own: authority, outcome: 'failed 5.7.4' },
  { what: 'SECURITY, gone in the handshake', envelope: security, peer: { extensions: all, act: ({ step }) => (step === 'starttls' ? drop : undefined) }, own: authority, outcome: 'deferred 4.4.2' },
  { what: 'SECURITY, and the answer to MAIL is the peer’s', envelope: security, peer: { extensions: all, tls, act: ({ step }) => (step === 'mail' ? say('451 4.3.0 Busy') : undefined) }, own: authority, outcome: 'deferred 4.3.0' },
  { what: 'a route with SECURITY: XSECURITY is not asked for', envelope: {}, peer: { extensions: ['PIPELINING', 'STARTTLS'], tls }, destination: { security: 'starttls' }, own: authority, outcome: 'relayed 2.0.0' },
  { what: 'a route with SECURITY, and another authority: our own trouble waits', envelope: {}, peer: { extensions: all, tls }, destination: { security: 'starttls' }, own: { securityCertificates: [other.pem] }, outcome: 'deferred 4.7.5' },
  { what: 'a route with SECURITY without a private authority', envelope: {}, peer: { extensions: all, tls }, destination: { security: 'starttls' }, outcome: 'deferred 4.3.5' },
  { what: 'REQUIRETLS, all is well', envelope: requireTls, peer: { extensions: all, tls }, destination: known, own: { trustedCertificates: [good.pem] }, outcome: 'relayed 2.0.0' },
  { what: 'REQUIRETLS, a certificate that nobody vouches for', envelope: requireTls, peer: { extensions: all, tls }, destination: known, own: { trustedCertificates: [other.pem] }, outcome: 'failed 5.7.5' },
  { what: 'REQUIRETLS, a peer that does not know it', envelope: requireTls, peer: { extensions: ['STARTTLS'], tls }, destination: known, own: { trustedCertificates: [good.pem] }, outcome: 'failed 5.7.30' },
  { what: 'REQUIRETLS, and anybody could have forged the MX', envelope: requireTls, peer: { extensions: all, tls }, own: { trustedCertificates: [good.pem] }, outcome: 'failed 5.7.10' },
  { what: 'REQUIRETLS, the MX known by an enforced MTA-STS policy', envelope: requireTls, peer: { extensions: all, tls }, destination: { tls: { kind: 'required', verify: true, by: 'MTA-STS', published: { kind: 'sts', domain: 'there.example', lines: [] } } }, own: { trustedCertificates: [good.pem] }, outcome: 'relayed 2.0.0' },
];
for (const { what, envelope, peer: options, destination, own, outcome: wanted } of rows) {
  test(what, async t => {
    const { peer, box } = await set(t, options, destination, own);
    const outcome = await box.deliverOne(letter({ envelope }));
    assert.equal(`${outcome.kind} ${outcome.status}`, wanted, outcome.said?.text);
    assert.ok(peer.messages.every(({ secure }) => secure), 'never in clear');
    if (outcome.kind === 'failed') assert.ok(!peer.lines.some(line => line.startsWith('MAIL')), 'not a word of it was said');
    const mail = peer.messages[0]?.mail ?? '';
    assert.equal(mail.includes('SECURITY=STARTTLS'), envelope.security !== undefined && wanted.startsWith('relayed'));
    assert.equal(mail.includes('REQUIRETLS'), envelope.requireTls !== undefined && wanted.startsWith('relayed'));
  });
}

test('mail with a demand and mail without never share a connection', async t => {
  const { peer, box } = await set(t, { extensions: all, tls }, {}, authority);
  await box.deliver(letter());
  await box.deliver(letter({ envelope: security }));
  await box.deliver(letter());
  assert.deepEqual(peer.messages.map(({ connection }) => connection), [1, 2, 1]);
});

test('a host that lacks what is demanded is passed by; one that could not be asked keeps the mail waiting', async () => {
  const lacking = await openScriptedPeer({ extensions: ['STARTTLS'], tls });
  const able = await openScriptedPeer({ extensions: all, tls });
  const relay = ({ port }: ScriptedPeer) => ({ host: 'peer.example', address: '127.0.0.1', port });
  const destination = (...relays: ReturnType<typeof relay>[]): Destination => ({ ...at(able), relays });
  const both = openEsmtpBox(destination(relay(lacking), relay(able)), authority);
  assert.equal((await both.deliverOne(letter({ envelope: security }))).kind, 'relayed');
  await both.close();
  const port = able.port;
  await able.close();
  const gone = openEsmtpBox(destination({ host: 'peer.example', address: '127.0.0.1', port }, relay(lacking)), authority);
  assert.deepEqual([(await gone.deliverOne(letter({ envelope: security }))).kind], ['deferred']);
  await gone.close();
  await lacking.close();
});

const sts = { kind: 'required', verify: true, by: 'MTA-STS', published: { kind: 'sts', domain: 'there.example', lines: [] } } as const;

test('TLS-Required: No: a policy that the domain publishes does not keep the message, an operator’s own does, and REQUIRETLS beats it', async t => {
  const text = `TLS-Required: No\r\n${TEXT}`;
  const published = await set(t, { extensions: all, tls: other.context }, { tls: sts }, { trustedCertificates: [good.pem] });
  assert.equal((await published.box.deliverOne(letter())).kind, 'deferred', 'without the field the policy holds');
  assert.equal((await published.box.deliverOne(letter({ text }))).kind, 'relayed');
  assert.equal((await published.box.deliverOne(letter({ text: TEXT.replace('\r\n\r\n', '\r\n\r\nTLS-Required: No\r\n') }))).kind, 'deferred', 'a line of the body is no field');
  assert.equal((await published.box.deliverOne(letter({ text, envelope: requireTls }))).kind, 'failed');
  const own = await set(t, { extensions: ['PIPELINING'] }, { tls: { kind: 'required', verify: false } });
  assert.equal((await own.box.deliverOne(letter({ text }))).kind, 'deferred');
});
