/** SASL from the client's side: the published vectors, which mechanism is taken, and servers that are not who they should be. */
import assert from 'node:assert/strict';
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { test } from 'node:test';
import { createSaslClient, type SaslCredentials, type SaslSetting } from '../../../src/kit/sasl/client.ts';
import { createScramClient } from '../../../src/kit/sasl/scram.ts';
import { saslPrep } from '../../../src/kit/sasl/saslprep.ts';
import fc from '../../props/fast-check.ts';

const user = { login: 'user', password: 'pencil' };

function setting(offered: string, own: Partial<SaslSetting> = {}): SaslSetting {
  return { offered: new Set(offered.split(' ')), maySayPassword: true, host: 'smtp.example', port: 587, ...own };
}

test('SCRAM-SHA-1 of RFC 5802 §5 and SCRAM-SHA-256 of RFC 7677 §3, to the octet', async () => {
  const one = createScramClient({ digest: 'sha1', ...user, binding: 'impossible', nonce: 'fyko+d2lbbFgONRv9qkxdawL' });
  assert.equal(one?.first, 'n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL');
  assert.deepEqual(await one.answer('r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096'), { kind: 'say', text: 'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=' });
  assert.equal(one.proven, false);
  assert.deepEqual(await one.answer('v=rmF9pqV8S7suAoZWja4dJRkFsKQ='), { kind: 'say', text: '' });
  assert.equal(one.proven, true);

  const two = createScramClient({ digest: 'sha256', ...user, binding: 'impossible', nonce: 'rOprNGfwEbeRWgbNEkqO' });
  assert.deepEqual(await two?.answer('r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'), { kind: 'say', text: 'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=' });
  assert.deepEqual(await two?.answer('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='), { kind: 'say', text: '' });
  assert.equal(two?.proven, true);
});

test('a SCRAM server that replays, asks too little or too much, or does not know the password is distrusted', async () => {
  const fresh = () => createScramClient({ digest: 'sha256', ...user, binding: 'impossible', nonce: 'abc' });
  const salt = 'W22ZaJ0SNY7soEsUEjb6gQ==';
  for (const first of ['', 'r=other,s=AAAA,i=4096', `r=abc,s=${salt},i=4096`, `r=abcdef,s=${salt},i=4095`, `r=abcdef,s=${salt},i=999999999`, `m=ext,r=abcdef,s=${salt},i=4096`, 'e=other-error']) {
    assert.equal((await fresh()?.answer(first))?.kind, 'distrust', first);
  }
  for (const last of ['', 'v=', 'v=AAAA', `v=${Buffer.alloc(32).toString('base64')}`]) {
    const client = fresh();
    await client?.answer(`r=abcdef,s=${salt},i=4096`);
    assert.equal((await client?.answer(last))?.kind, 'distrust', last);
    assert.equal(client?.proven, false);
  }
});

test('the strongest mechanism is taken; a secret is said only where it may be', () => {
  const rows: readonly (readonly [string, Partial<SaslSetting>, string | null])[] = [
    ['PLAIN LOGIN CRAM-MD5 CRAM-SHA1 SCRAM-SHA-1 SCRAM-SHA-256', {}, 'SCRAM-SHA-256'],
    ['SCRAM-SHA-1 SCRAM-SHA-1-PLUS SCRAM-SHA-256', { binding: { type: 'tls-exporter', octets: Buffer.alloc(32) } }, 'SCRAM-SHA-1-PLUS'],
    ['SCRAM-SHA-256-PLUS SCRAM-SHA-256', {}, 'SCRAM-SHA-256'],
    ['PLAIN CRAM-MD5 CRAM-SHA1 CRAM-SHA256', {}, 'CRAM-SHA256'],
    ['PLAIN CRAM-MD5 CRAM-SHA1', { maySayPassword: false }, 'CRAM-SHA1'],
    ['PLAIN LOGIN', {}, 'PLAIN'],
    ['PLAIN LOGIN', { only: ['LOGIN'] }, 'LOGIN'],
    ['PLAIN LOGIN', { maySayPassword: false }, null],
    ['SCRAM-SHA-256 PLAIN', { maySayPassword: false, only: ['PLAIN'] }, null],
    ['XOAUTH2 OAUTHBEARER GSSAPI', {}, null],
  ];
  for (const [offered, own, mechanism] of rows) assert.equal(createSaslClient(user, setting(offered, own))?.mechanism ?? null, mechanism, offered);
  const token: SaslCredentials = { login: 'user@example.com', token: 'ya29.abc' };
  assert.equal(createSaslClient(token, setting('PLAIN XOAUTH2 OAUTHBEARER'))?.mechanism, 'OAUTHBEARER');
  assert.equal(createSaslClient(token, setting('PLAIN XOAUTH2'))?.mechanism, 'XOAUTH2');
  assert.equal(createSaslClient(token, setting('PLAIN LOGIN SCRAM-SHA-256')), null);
  assert.equal(createSaslClient(token, setting('XOAUTH2', { maySayPassword: false })), null);
});

test('the channel binding flag tells a server of a stripped -PLUS (RFC 5802 §6)', () => {
  const binding = { type: 'tls-exporter', octets: Buffer.alloc(32, 7) } as const;
  const flag = (offered: string, own: Partial<SaslSetting>) => createSaslClient(user, setting(offered, own))?.initial?.slice(0, 2);
  assert.equal(flag('SCRAM-SHA-256', { binding }), 'y,');
  assert.equal(flag('SCRAM-SHA-256', {}), 'n,');
  assert.equal(flag('SCRAM-SHA-256-PLUS', { binding }), 'p=');
  // The operator wants no -PLUS: "y" would be a lie that the server must refuse.
  assert.equal(flag('SCRAM-SHA-256-PLUS SCRAM-SHA-256', { binding, only: ['SCRAM-SHA-256'] }), 'n,');
});

test('what the mechanisms say, octet for octet', async () => {
  const cram = createSaslClient({ login: 'tim', password: 'tanstaaftanstaaf' }, setting('CRAM-MD5'));
  // RFC 2195 §2
  assert.deepEqual(await cram?.answer('<1896.697170952@postoffice.reston.mci.net>'), { kind: 'say', text: 'tim b913a602c7eda7a495b4e6e7334d3890' });
  const plain = createSaslClient({ login: 'tim', password: 'tanstaaftanstaaf' }, setting('PLAIN'));
  assert.equal(plain?.initial, '\0tim\0tanstaaftanstaaf');
  const login = createSaslClient(user, setting('LOGIN'));
  assert.deepEqual([login?.initial, await login?.answer('Username:'), await login?.answer('Password:')], [undefined, { kind: 'say', text: 'user' }, { kind: 'say', text: 'pencil' }]);
  // RFC 7628 §4.1
  const bearer = createSaslClient({ login: 'user@example.com', token: 'vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==' }, setting('OAUTHBEARER', { host: 'server.example.com', port: 143 }));
  assert.equal(bearer?.initial, 'n,a=user@example.com,\u0001host=server.example.com\u0001port=143\u0001auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\u0001\u0001');
  assert.deepEqual(await bearer.answer('{"status":"invalid_token"}'), { kind: 'say', text: '\u0001' });
  assert.equal(bearer.complaint(), '{"status":"invalid_token"}');
  const older = createSaslClient({ login: 'someuser@example.com', token: 'ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg' }, setting('XOAUTH2'));
  assert.equal(older?.initial, 'user=someuser@example.com\u0001auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\u0001\u0001');
  assert.deepEqual(await older?.answer('{"status":"401"}'), { kind: 'say', text: '' });
});

test('any login and password that SASLprep takes gets through a SCRAM server that knows them, and no other does', async () => {
  await fc.assert(fc.asyncProperty(fc.string({ minLength: 1 }), fc.string({ minLength: 1, unit: 'grapheme' }), fc.boolean(), async (login, password, right) => {
    const client = createScramClient({ digest: 'sha256', login, password, binding: 'impossible' });
    if (client === null) return;
    const salt = Buffer.from('sixteen octets..');
    const [, nonce = ''] = /r=(.*)$/.exec(client.first) ?? [];
    const first = `r=${nonce}server,s=${salt.toString('base64')},i=4096`;
    const answer = await client.answer(first);
    assert.equal(answer.kind, 'say');
    const [, unsigned = '', proof = ''] = /^(.*),p=(.*)$/.exec(answer.kind === 'say' ? answer.text : '') ?? [];
    const salted = pbkdf2Sync(`${saslPrep(password)}${right ? '' : '!'}`, salt, 4096, 32, 'sha256');
    const key = (name: string) => createHmac('sha256', salted).update(name).digest();
    const exchange = `${client.first.slice(3)},${first},${unsigned}`;
    const mask = createHmac('sha256', createHash('sha256').update(key('Client Key')).digest()).update(exchange).digest();
    const found = Buffer.from(proof, 'base64').map((octet, n) => octet ^ (mask[n] as number));
    assert.equal(Buffer.from(found).equals(key('Client Key')), right);
    await client.answer(`v=${createHmac('sha256', key('Server Key')).update(exchange).digest('base64')}`);
    assert.equal(client.proven, right);
  }), { numRuns: 25 });
});

test('SASLprep: the examples of RFC 4013 §3, and what keyboards do', () => {
  const rows: readonly (readonly [string, string | null])[] = [
    ['I\u00adX', 'IX'], ['user', 'user'], ['USER', 'USER'], ['\u00aa', 'a'], ['\u2168', 'IX'], ['\u0007', null], ['\u0627\u0031', null],
    ['a\u00a0b', 'a b'], ['e\u0301', 'é'], ['\ue000', null], ['\u{e0041}', null], ['\u05d0\u05d1', '\u05d0\u05d1'], ['\u05d0a\u05d1', null],
  ];
  for (const [typed, prepared] of rows) assert.equal(saslPrep(typed), prepared, JSON.stringify(typed));
});
