/** STARTTLS and AUTH from the client's side: what is encrypted, what is refused, what happens when it breaks. */
import assert from 'node:assert/strict';
import { createHmac, pbkdf2Sync } from 'node:crypto';
import { connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import { createServer } from 'node:tls';
import type { TlsSession } from '../../../src/core/tls.ts';
import type { Destination } from '../../../src/core/transport.ts';
import { createMemoryNotes } from '../../../src/flow/queue/memory-notes.ts';
import type { EsmtpSettings } from '../../../src/flow/transport/esmtp/index.ts';
import { createCertificate } from '../../props/certificate.ts';
import { at, openEsmtpBox, type EsmtpBox } from '../../props/esmtp-box.ts';
import { listen } from '../../props/ports.ts';
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

test('a relay that its policy forbids is not even called; another is', async t => {
  const forbidden = { kind: 'required', verify: true, by: 'MTA-STS', forbidden: 'the policy does not name it' } as const;
  const { peer, box } = await set(t, { extensions, tls: good.context });
  assert.equal((await box.deliverOne()).kind, 'relayed');
  const alone = openEsmtpBox({ ...at(peer), relays: [{ host: 'mx1.example', address: peer.host, port: peer.port, tls: forbidden }] });
  const second = openEsmtpBox({ ...at(peer), relays: [{ host: 'mx1.example', address: peer.host, port: peer.port, tls: forbidden }, { host: 'peer.example', address: peer.host, port: peer.port }] });
  t.after(async () => {
    await alone.close();
    await second.close();
  });
  const outcome = await alone.deliverOne();
  assert.deepEqual(outcome, { kind: 'deferred', status: '4.7.5', blame: 'nexthop', said: { type: 'x-gateway', text: 'This host may not be used: the policy does not name it', remoteMta: 'mx1.example' } });
  assert.equal(peer.connections, 1);
  assert.equal((await second.deliverOne()).kind, 'relayed');
});

test('how each session went is told: what was published, and the kind of failure', async t => {
  const published = { kind: 'sts', domain: 'there.example', lines: ['version: STSv1'] } as const;
  for (const [options, tls, type] of [
    [{ extensions, tls: good.context }, { kind: 'required', verify: true, published }, undefined],
    [{ extensions, tls: other.context }, { kind: 'required', verify: true, published }, 'certificate-host-mismatch'],
    [{ extensions: ['PIPELINING'] }, { kind: 'required', verify: true, published }, 'starttls-not-supported'],
    [{ extensions: ['PIPELINING'] }, { kind: 'opportunistic', verify: false, published: { ...published, kind: 'no-policy-found' } }, 'starttls-not-supported'],
    [{ extensions, tls: other.context }, { kind: 'opportunistic', verify: false, published: { ...published, testing: true } }, 'certificate-host-mismatch'],
    [{ extensions, tls: other.context }, { kind: 'opportunistic', verify: false, published: { ...published, kind: 'no-policy-found' } }, undefined],
    [{ extensions, act: ({ step }: { readonly step: string }) => (step === 'starttls' ? drop : undefined) }, { kind: 'required', verify: false, published }, undefined],
  ] satisfies readonly (readonly [PeerOptions, Destination['tls'], string | undefined])[]) {
    const noted: TlsSession[] = [];
    const { box } = await set(t, options, { tls }, { trustedCertificates: [good.pem, other.pem], tlsJournal: { note: session => void noted.push(session) } });
    await box.deliverOne();
    if ('act' in options) assert.deepEqual(noted, [], 'gone in the middle: nothing about TLS was learnt');
    else assert.deepEqual(noted.map(({ published: { domain }, relay: { host }, failure }) => [domain, host, failure?.type]), [['there.example', 'peer.example', type]]);
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

test('broken TLS is remembered beyond the transport, until somebody flushes', async t => {
  const { peer, box } = await set(t, { extensions, tls: good.context, act: ({ step, before }) => (step === 'starttls' && before === 0 ? drop : undefined) });
  const notes = createMemoryNotes(box.clock);
  const next = () => {
    const own = openEsmtpBox(at(peer), { notes, trustedCertificates: [good.pem] });
    t.after(() => own.close());
    return own;
  };
  await next().deliverOne();
  const second = next();
  await second.deliverOne();
  assert.deepEqual(peer.messages.map(({ secure }) => secure), [false, false]);
  assert.deepEqual(notes.all('broken-tls').map(({ key, count }) => [key, count]), [[`${peer.host}:${peer.port}`, 1]]);
  second.transport.forgive?.('link');
  await next().deliverOne();
  assert.equal(peer.messages[2]?.secure, false, 'a link that comes up changes nothing of it');
  second.transport.forgive?.('flush');
  await next().deliverOne();
  assert.equal(peer.messages[3]?.secure, true);
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
  for (const inClear of [false, true]) {
    const peer = await openScriptedPeer({ extensions: ['AUTH PLAIN'] });
    // A name instead of a loopback address: it might be anywhere.
    const box = openEsmtpBox({ ...at(peer), auth: inClear ? { ...auth, inClear } : auth, relays: [{ host: 'smart.example', port: 25 }] }, {
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
    assert.equal((await box.deliverOne()).kind, inClear ? 'relayed' : 'deferred');
    assert.equal(peer.lines.some(line => line.startsWith('AUTH')), inClear);
  }
});

/** A server that speaks SCRAM-SHA-256 and knows `password`. What it says follows from the line alone: the peer may ask twice. */
function scram(password: string): NonNullable<PeerOptions['act']> {
  const salt = Buffer.from('a salt for tests');
  const server = '9f3a';
  let exchange = '';
  const first = (nonce: string) => `r=${nonce}${server},s=${salt.toString('base64')},i=4096`;
  return ({ step, line }) => {
    if (step !== 'auth') return undefined;
    const said = Buffer.from(line.split(' ').at(-1) ?? '', 'base64').toString();
    const nonce = /^n,,(n=.*,r=(.*))$/.exec(said);
    if (line.startsWith('AUTH SCRAM')) {
      exchange = `${nonce?.[1] ?? ''},${first(nonce?.[2] ?? '')}`;
      return say(`334 ${btoa(first(nonce?.[2] ?? ''))}`);
    }
    if (!said.startsWith('c=')) return undefined;
    const salted = pbkdf2Sync(password, salt, 4096, 32, 'sha256');
    const key = createHmac('sha256', salted).update('Server Key').digest();
    return say(`334 ${btoa(`v=${createHmac('sha256', key).update(`${exchange},${said.split(',p=')[0]}`).digest('base64')}`)}`);
  };
}

test('SCRAM: the server proves itself, or it is not believed, whatever it says', async t => {
  const extensions = ['AUTH PLAIN SCRAM-SHA-256'];
  const good = await set(t, { extensions, act: scram(auth.password) }, { auth });
  assert.equal((await good.box.deliverOne()).kind, 'relayed');
  assert.equal(good.peer.lines.filter(line => line === '').length, 1, 'the empty answer to the signature');

  const wrong = await set(t, { extensions, act: scram('something else') }, { auth });
  const outcome = await wrong.box.deliverOne();
  assert.ok(outcome.kind === 'deferred' && outcome.status === '4.7.8' && outcome.said?.text.includes('does not know our password'));

  const hasty = await set(t, { extensions, act: ({ step }) => (step === 'auth' ? say('235 2.7.0 Come in, whoever you are') : undefined) }, { auth });
  const early = await hasty.box.deliverOne();
  assert.ok(early.kind === 'deferred' && early.said?.text.includes('never proved'));
  assert.equal(hasty.peer.messages.length, 0);
});

test('SCRAM over TLS 1.3 is bound to the connection when the server offers that', async t => {
  const { peer, box } = await set(t, { extensions: [...extensions, 'AUTH SCRAM-SHA-256 SCRAM-SHA-256-PLUS PLAIN'], tls: good.context, act: ({ step }) => (step === 'auth' ? say('535 5.7.8 No') : undefined) }, { auth });
  await box.deliverOne();
  const line = peer.lines.find(one => one.startsWith('AUTH'));
  assert.match(Buffer.from(line?.replace('AUTH SCRAM-SHA-256-PLUS ', '') ?? '', 'base64').toString(), /^p=tls-exporter,,n=box,r=/);
});

test('a token that is not taken: its reason is heard, the refusal is told to whoever gave it, the mail waits', async t => {
  const token = { login: 'ada@example.com', token: 'x'.repeat(40) };
  for (const [mechanism, receipt] of [['XOAUTH2', ''], ['OAUTHBEARER', 'AQ==']] as const) {
    const told: unknown[] = [];
    const peer = await openScriptedPeer({
      extensions: [`AUTH PLAIN ${mechanism}`],
      act: ({ step, line }) => (step !== 'auth' ? undefined : line === `AUTH ${receipt}` ? say('535 5.7.8 Username and Password not accepted') : say(`334 ${btoa('{"status":"401","schemes":"Bearer"}')}`)),
    });
    const box = openEsmtpBox(at(peer), { destinations: { find: () => Promise.resolve(at(peer, { auth: token })), loggedIn: (auth, answer) => told.push([auth, answer.kind]) } });
    t.after(async () => {
      await peer.close();
      await box.close();
    });
    const outcome = await box.deliverOne();
    assert.ok(outcome.kind === 'deferred' && outcome.status === '4.7.8' && outcome.blame === 'nexthop' && outcome.said?.text.includes('"status":"401"'));
    assert.deepEqual(told, [[token, 'refused']]);
    assert.equal(peer.lines.at(-1) === 'QUIT' ? peer.lines.at(-2) : peer.lines.at(-1), receipt);
    assert.ok(!JSON.stringify(box.logged).includes(token.token));
  }
});

test('a long token waits for its challenge, for AUTH is a line that not everybody reads to its end', async t => {
  const { peer, box } = await set(t, {
    extensions: ['AUTH XOAUTH2'],
    act: ({ step, line }) => (step === 'auth' && line === 'AUTH XOAUTH2' ? say('334 ') : undefined),
  }, { auth: { login: 'ada@example.com', token: 'y'.repeat(2000) } });
  assert.equal((await box.deliverOne()).kind, 'relayed');
  assert.deepEqual(peer.lines.slice(1, 3), ['AUTH XOAUTH2', btoa(`user=ada@example.com\u0001auth=Bearer ${'y'.repeat(2000)}\u0001\u0001`)]);
});

test('4yz to AUTH speaks of the moment: the credentials are not blamed for it', async t => {
  const told: string[] = [];
  const peer = await openScriptedPeer({ extensions: ['AUTH PLAIN'], act: ({ step }) => (step === 'auth' ? say('454 4.7.0 Later') : undefined) });
  const box = openEsmtpBox(at(peer), { destinations: { find: () => Promise.resolve(at(peer, { auth })), loggedIn: (_, answer) => told.push(answer.kind) } });
  t.after(async () => {
    await peer.close();
    await box.close();
  });
  const outcome = await box.deliverOne();
  assert.ok(outcome.kind === 'deferred' && outcome.status === '4.7.0');
  assert.deepEqual(told, []);
});

test('our own certificate is shown to a peer that asks for one, and to nobody else', async t => {
  const ours = createCertificate('us.example');
  for (const requestCert of [true, false]) {
    const shown: (string | undefined)[] = [];
    const server = createServer({ key: good.key, cert: good.pem, requestCert, rejectUnauthorized: false }, socket => {
      shown.push(socket.getPeerX509Certificate()?.subject);
      socket.on('error', () => undefined).end('554 5.3.2 Seen enough\r\n');
    });
    const port = await listen(server);
    t.after(() => server.close());
    const box = openEsmtpBox(at({ host: '127.0.0.1', port }, { tls: { kind: 'smtps', verify: false } }), { identity: { certificate: ours.pem, key: ours.key } });
    t.after(() => box.close());
    assert.equal((await box.deliverOne()).status, '5.3.2');
    assert.deepEqual(shown, [requestCert ? 'CN=us.example' : undefined]);
  }
});
