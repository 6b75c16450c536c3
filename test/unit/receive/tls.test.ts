import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { createCertificate, type Certificate } from '../../props/certificate.ts';
import { boxOptions, createOneAccount, openReceiveBox, type BoxOptions, type ReceiveBox } from '../../props/receive-box.ts';
import { eventually } from '../../props/within.ts';

const ours = createCertificate('mx.here.example');
const other = createCertificate('mx.other.example');
const wild = createCertificate('*.hosts.example');
const byAddress = createCertificate('address.example');
const tim = createCertificate('tim');
const stranger = createCertificate('tim');

function pair({ pem, key }: Certificate) {
  return { cert: pem, key };
}

async function withBox(options: BoxOptions, use: (box: ReceiveBox) => Promise<void>): Promise<void> {
  const box = await openReceiveBox({ ...options, listener: { ...options.listener, limits: { perAddress: 50, perBlock: 50 } } });
  try {
    await use(box);
  } finally {
    await box.close();
  }
}

/** As the client sees it, once TLS stands. */
async function hello(port: number, smtps: boolean, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const plain = connect(port, '127.0.0.1').setNoDelay(true);
  plain.on('error', () => undefined).setTimeout(10_000, () => plain.destroy(new Error('no answer')));
  if (!smtps) {
    plain.write('EHLO c\r\nSTARTTLS\r\n');
    for (let heard = ''; !/^220 2\.0\.0/m.test(heard);) heard += String((await once(plain, 'data'))[0]);
  }
  const secure = connectTls({ socket: plain, rejectUnauthorized: false, ...options });
  secure.on('error', () => undefined);
  await once(secure, 'secureConnect');
  return secure;
}

async function shownTo(port: number, smtps: boolean, servername?: string): Promise<string> {
  const secure = await hello(port, smtps, servername === undefined ? {} : { servername });
  const { CN } = secure.getPeerCertificate().subject;
  secure.destroy();
  return String(CN);
}

async function say(secure: TLSSocket, lines: string): Promise<string> {
  let heard = '';
  secure.on('data', chunk => { heard += String(chunk); });
  secure.write(`${lines}QUIT\r\n`);
  await once(secure, 'close');
  return heard;
}

describe('certificates', () => {
  for (const kind of ['esmtp', 'smtps'] as const) {
    it(`${kind}: by the name asked for, then by the address called, then the listener's`, async () => {
      const tls = { ...pair(ours), sni: { 'mx.other.example': pair(other), '*.hosts.example': pair(wild) } };
      await withBox({ listener: { kind, tls } }, async ({ port, receiver }) => {
        const smtps = kind === 'smtps';
        assert.equal(await shownTo(port, smtps), 'mx.here.example');
        assert.equal(await shownTo(port, smtps, 'MX.Other.example'), 'mx.other.example');
        assert.equal(await shownTo(port, smtps, 'a.hosts.example'), '*.hosts.example');
        assert.equal(await shownTo(port, smtps, 'a.b.hosts.example'), 'mx.here.example');
        receiver.updateTls({ ...tls, addresses: { '127.0.0.1': pair(byAddress), '192.0.2.1': pair(other) } });
        assert.equal(await shownTo(port, smtps), 'address.example');
        assert.equal(await shownTo(port, smtps, 'unknown.example'), 'address.example');
        assert.equal(await shownTo(port, smtps, 'mx.other.example'), 'mx.other.example');
      });
    });
  }

  it('a bad one at a reload is noticed before anything changes', async () => {
    await withBox({ listener: { tls: pair(ours) } }, async ({ port, receiver, ...parts }) => {
      const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
      const next = (tls: object) => boxOptions({ listener: { tls } }, { ...parts, log });
      for (const bad of [{ cert: 'none', key: 'none' }, { ...pair(ours), key: other.key }, { ...pair(ours), sni: { 'x.example': { cert: 'x', key: 'x' } } }, { ...pair(ours), addresses: { '127.0.0.1': { cert: 'x', key: 'x' } } }]) {
        assert.throws(() => receiver.check(next(bad)));
        assert.throws(() => receiver.reload(next(bad)));
        assert.equal(await shownTo(port, false), 'mx.here.example');
      }
      receiver.reload(next(pair(other)));
      assert.equal(await shownTo(port, false), 'mx.other.example');
    });
  });
});

describe('client certificates', () => {
  const options = (demand: boolean): BoxOptions => ({
    auth: createOneAccount(),
    listener: { tls: { ...pair(ours), ca: tim.pem, clients: { demand, subjectField: 'cn' } }, mechanisms: ['PLAIN'] },
  });

  it('AUTH EXTERNAL logs in whom our authorities vouch for', async () => {
    await withBox(options(false), async ({ port }) => {
      const heard = await say(await hello(port, false, pair(tim)), 'EHLO c\r\nAUTH EXTERNAL =\r\nMAIL FROM:<a@b.example>\r\n');
      assert.match(heard, /250-AUTH PLAIN EXTERNAL\r\n/);
      assert.match(heard, /235 2\.7\.0 Ok\.\r\n250 2\.1\.0/);
    });
  });

  it('who is nobody here gets in as nobody', async () => {
    const ca = createCertificate('ann');
    await withBox({ ...options(false), listener: { tls: { ...pair(ours), ca: ca.pem, clients: { demand: false, subjectField: 'CN' } }, mechanisms: ['PLAIN'] } }, async ({ port, clock, lines }) => {
      const said = say(await hello(port, false, pair(ca)), 'EHLO c\r\nAUTH EXTERNAL YW5u\r\n');
      await eventually(10_000, 'two sleepers', () => clock.sleepers >= 2);
      await clock.advance(2000);
      assert.match(await said, /535 5\.7\.8/);
      assert.ok(lines.some(line => line.fields['why'] === 'login ann'));
    });
  });

  it('a certificate nobody vouches for counts for nothing, and stops no mail', async () => {
    await withBox(options(false), async ({ port, lines }) => {
      for (const client of [{}, pair(stranger)]) {
        const heard = await say(await hello(port, false, client), 'EHLO c\r\nAUTH EXTERNAL =\r\nMAIL FROM:<a@b.example>\r\n');
        assert.match(heard, /250-AUTH PLAIN\r\n/);
        assert.match(heard, /504 5\.5\.4[^\r]*\r\n250 2\.1\.0/);
      }
      assert.ok(lines.some(line => String(line.fields['why']).startsWith('client certificate: ')), 'the log says why');
    });
  });

  it('demanded, and not there or not good: no session', async () => {
    await withBox(options(true), async ({ port, metrics }) => {
      for (const client of [{}, pair(stranger)]) {
        const secure = await hello(port, false, client).catch(() => null);
        if (secure !== null && !secure.destroyed) {
          secure.write('EHLO c\r\n');
          secure.on('data', () => assert.fail('a session without a certificate'));
          await once(secure, 'close').catch(() => undefined);
        }
      }
      const good = await say(await hello(port, false, pair(tim)), 'EHLO c\r\n');
      assert.match(good, /AUTH PLAIN EXTERNAL/);
      await eventually(10_000, 'the end of every session', () => metrics.value('posthorn_receive_sessions') === 0);
    });
  });
});
