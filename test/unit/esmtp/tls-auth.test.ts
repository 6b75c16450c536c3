/** STARTTLS and AUTH from the client's side: what is encrypted, what is refused, what happens when it breaks. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { Destination } from '../../../src/core/transport.ts';
import type { EsmtpSettings } from '../../../src/flow/transport/esmtp/index.ts';
import { createCertificate } from '../../props/certificate.ts';
import { at, openEsmtpBox, type EsmtpBox } from '../../props/esmtp-box.ts';
import { drop, openScriptedPeer, say, type PeerOptions, type ScriptedPeer } from '../../props/scripted-peer.ts';

const good = createCertificate('peer.example');
const other = createCertificate('other.example');
const extensions = ['PIPELINING', 'STARTTLS'];

async function set(t: TestContext, options: PeerOptions, destination: Partial<Destination> = {}, own: Partial<EsmtpSettings> = {}): Promise<{ peer: ScriptedPeer; box: EsmtpBox }> {
  const peer = await openScriptedPeer(options);
  const box = openEsmtpBox(at(peer, destination), own);
  t.after(async () => {
    await peer.close();
    await box.close();
  });
  return { peer, box };
}

test('TLS is used when offered, EHLO said again inside, and any certificate will do', async t => {
  const { peer, box } = await set(t, { extensions, tls: other.context });
  assert.equal((await box.deliverOne()).kind, 'relayed');
  assert.equal(peer.messages[0]?.secure, true);
  assert.deepEqual(peer.lines.slice(0, 3), ['EHLO posthorn.example', 'STARTTLS', 'EHLO posthorn.example']);
});

test('what is injected behind the answer to STARTTLS is thrown away', async t => {
  const { peer, box } = await set(t, { extensions, tls: good.context, act: ({ step }) => (step === 'starttls' ? say('220 2.0.0 Go\r\n250-evil.example\r\n250 AUTH PLAIN') : undefined) });
  const outcome = await box.deliverOne();
  // Octets before the handshake may break TLS, which opportunistic delivery survives; they must never count as replies.
  assert.equal(outcome.kind, 'relayed');
  assert.ok(peer.lines.filter(line => line.startsWith('EHLO')).length >= 2);
});

test('verification: the right name from a trusted authority, and nothing else', async t => {
  for (const [certificate, trusted, kind] of [[good, good, 'relayed'], [other, other, 'deferred'], [good, other, 'deferred']] as const) {
    const { peer, box } = await set(t, { extensions, tls: certificate.context }, { tls: { kind: 'required', verify: true } }, { trustedCertificates: [trusted.pem] });
    const outcome = await box.deliverOne();
    assert.equal(outcome.kind, kind);
    if (outcome.kind === 'deferred') assert.deepEqual([outcome.status, outcome.blame, peer.messages.length], ['4.7.5', 'nexthop', 0]);
  }
});

test('required and not offered, or refused: deferred, and not a word of the message', async t => {
  for (const options of [{ extensions: ['PIPELINING'] }, { extensions, act: ({ step }) => (step === 'starttls' ? say('454 4.7.0 Not now') : undefined) }] satisfies PeerOptions[]) {
    const { peer, box } = await set(t, options, { tls: { kind: 'required', verify: false } });
    const outcome = await box.deliverOne();
    assert.ok(outcome.kind === 'deferred' && outcome.status === '4.7.4');
    assert.ok(!peer.lines.some(line => line.startsWith('MAIL')));
  }
});

test('opportunistic and refused: it goes in clear on the same connection', async t => {
  const { peer, box } = await set(t, { extensions, act: ({ step }) => (step === 'starttls' ? say('454 4.7.0 Not now') : undefined) });
  assert.equal((await box.deliverOne()).kind, 'relayed');
  assert.deepEqual([peer.connections, peer.messages[0]?.secure], [1, false]);
});

test('opportunistic and broken: in clear at once, and without STARTTLS for hours; then it is tried again', async t => {
  const { peer, box } = await set(t, { extensions, tls: good.context, act: ({ step, before }) => (step === 'starttls' && before === 0 ? drop : undefined) });
  assert.equal((await box.deliverOne()).kind, 'relayed');
  assert.equal(peer.messages[0]?.secure, false);
  assert.equal(box.logged[0]?.event, 'starttls');
  await box.clock.runTo(box.clock.now() + 3_600_000);
  await box.deliverOne();
  assert.equal(peer.messages[1]?.secure, false);
  await box.clock.runTo(box.clock.now() + 2 * 3_600_000);
  await box.deliverOne();
  assert.equal(peer.messages[2]?.secure, true);
});

test('verified or required TLS that breaks is never replaced by none', async t => {
  for (const tls of [{ kind: 'required', verify: false }, { kind: 'opportunistic', verify: true }] as const) {
    const { peer, box } = await set(t, { extensions, act: ({ step }) => (step === 'starttls' ? drop : undefined) }, { tls });
    assert.equal((await box.deliverOne()).kind, 'deferred');
    assert.equal((await box.deliverOne()).kind, 'deferred');
    assert.equal(peer.messages.length, 0);
  }
});

test('a peer that does not speak TLS on a TLS port', async t => {
  const { box } = await set(t, { extensions }, { tls: { kind: 'smtps', verify: false } });
  const outcome = await box.deliverOne();
  assert.ok(outcome.kind === 'deferred' && outcome.status === '4.7.5');
});

const auth = { login: 'box', password: 'tell nobody' };

test('AUTH PLAIN, LOGIN and CRAM-MD5, the strongest first', async t => {
  const { peer, box } = await set(t, { extensions: ['AUTH LOGIN PLAIN'] }, { auth });
  assert.equal((await box.deliverOne()).kind, 'relayed');
  assert.equal(peer.lines[1], `AUTH PLAIN ${Buffer.from('\0box\0tell nobody').toString('base64')}`);

  const challenge = '<1.2@peer.example>';
  const cram = await set(t, {
    extensions: ['AUTH=LOGIN PLAIN', 'AUTH LOGIN PLAIN CRAM-MD5'],
    act: ({ step, line }) => (step === 'auth' && line === 'AUTH CRAM-MD5' ? say(`334 ${Buffer.from(challenge).toString('base64')}`) : undefined),
  }, { auth });
  assert.equal((await cram.box.deliverOne()).kind, 'relayed');
  const digest = createHmac('md5', auth.password).update(challenge).digest('hex');
  assert.ok(cram.peer.lines.includes(Buffer.from(`box ${digest}`).toString('base64')));

  const login = await set(t, {
    extensions: ['AUTH LOGIN'],
    act: ({ step, line }) => (step !== 'auth' ? undefined : line === 'AUTH LOGIN' ? say('334 VXNlcm5hbWU6') : line === `AUTH ${btoa('box')}` ? say('334 UGFzc3dvcmQ6') : undefined),
  }, { auth });
  assert.equal((await login.box.deliverOne()).kind, 'relayed');
  assert.deepEqual(login.peer.lines.slice(1, 4), ['AUTH LOGIN', btoa('box'), btoa('tell nobody')]);
});

test('a refused login is our configuration: deferred, logged, the next relay tried', async t => {
  const { peer, box } = await set(t, { extensions: ['AUTH PLAIN'], act: ({ step }) => (step === 'auth' ? say('535 5.7.8 No') : undefined) }, { auth });
  const outcome = await box.deliverOne();
  assert.ok(outcome.kind === 'deferred' && outcome.status === '4.7.8' && outcome.blame === 'nexthop');
  assert.equal(box.logged[0]?.event, 'auth');
  assert.ok(!JSON.stringify(box.logged).includes('tell nobody'));
  assert.equal(peer.messages.length, 0);
});

test('no mechanism in common is a deferral as well', async t => {
  const { box } = await set(t, { extensions: ['AUTH GSSAPI'] }, { auth });
  const outcome = await box.deliverOne();
  assert.ok(outcome.kind === 'deferred' && outcome.status === '4.7.8');
});

test('a password does not travel in clear to another host, unless that is wanted', async t => {
  for (const passwordsInClear of [false, true]) {
    const peer = await openScriptedPeer({ extensions: ['AUTH PLAIN'] });
    // A name instead of a loopback address: it might be anywhere.
    const box = openEsmtpBox({ ...at(peer), auth, relays: [{ host: 'smart.example', port: 25 }] }, {
      passwordsInClear,
      dial: () => new Promise(resolve => {
        const socket = connect(peer.port, '127.0.0.1', () => {
          socket.pause();
          resolve({ kind: 'connected', socket });
        });
      }),
    });
    t.after(async () => {
      await peer.close();
      await box.close();
    });
    assert.equal((await box.deliverOne()).kind, passwordsInClear ? 'relayed' : 'deferred');
    assert.equal(peer.lines.some(line => line.startsWith('AUTH')), passwordsInClear);
  }
});
