import assert from 'node:assert/strict';
import { createHmac, hash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { AuthAnswer, AuthBackend, Proof } from '../../../src/core/auth.ts';
import { silent, type LogFields } from '../../../src/core/log.ts';
import { createUserdb, hmacContext } from '../../../src/service/auth/index.ts';
import { checkScramProof, deriveScramKeys, formatScramKeys, parseScramKeys } from '../../../src/service/auth/scram-keys.ts';
import { createTurns, type Turns } from '../../../src/service/auth/turns.ts';
import { createUserdbBackend } from '../../../src/service/auth/userdb.ts';
import { createUserdbText } from '../../../src/service/auth/userdb-text.ts';
import { createScramClient } from '../../props/scram-client.ts';

const sha = (password: string): string => `{SHA}${hash('sha1', password, 'base64')}`;

function backend(t: TestContext, text: string, log = silent): { readonly auth: AuthBackend; readonly path: string } {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-userdb-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'userdb');
  writeFileSync(path, text, { mode: 0o600 });
  return { auth: createUserdb({ path, log }), path };
}

async function kindOf(answer: Promise<AuthAnswer>): Promise<string> {
  return (await answer).kind;
}

function password(text: string, service: 'esmtp' | 'imap' = 'esmtp'): Proof {
  return { kind: 'password', password: text, service };
}

test('the service\'s password first, then the one for all; nobody else gets in', async (t) => {
  const { auth } = backend(t, `me@example.com\tesmtppw=${sha('mail')}|systempw=${sha('all')}|home=/home/me|mail=/home/me/Maildir|quota=1000S|options=disableimap=1,flag\nother\tsystempw=${sha('all')}\nlocked\tsystempw=*\nnone\thome=/x\n`);
  const accepted = await auth.verify('ME@Example.com', password('mail'));
  assert.ok(accepted.kind === 'accepted');
  assert.deepEqual(accepted.account, { login: 'me@example.com', home: '/home/me', mailbox: '/home/me/Maildir', quota: '1000S', options: new Map([['disableimap', '1'], ['flag', '']]) });
  assert.equal(await kindOf(auth.verify('me@example.com', password('all', 'imap'))), 'accepted');
  assert.equal(await kindOf(auth.verify('other', password('all'))), 'accepted');
  for (const [login, text] of [['me@example.com', 'all'], ['me', 'mail'], ['stranger', 'all'], ['stranger', 'mail'], ['', ''], ['locked', '*'], ['none', ''], ['other', ''], ['x'.repeat(400), 'all']] as const) {
    assert.equal(await kindOf(auth.verify(login, password(text))), 'rejected', `${login} ${text}`);
  }
  assert.equal(await kindOf(auth.find('other')), 'accepted');
  assert.equal(await kindOf(auth.find('stranger')), 'rejected');
});

test('CRAM from a password in clear and from a stored context', async (t) => {
  const context = (digest: 'md5' | 'sha1' | 'sha256'): string => hmacContext(digest, Buffer.from('tanstaaftanstaaf'), (key) => hash(digest, key, 'buffer'));
  const { auth } = backend(t, `tim\thmac-md5pw=${context('md5')}|hmac-sha1pw=${context('sha1')}|hmac-sha256pw=${context('sha256')}\nclear\tesmtppw={PLAIN}tanstaaftanstaaf\nhashed\tesmtppw=${sha('tanstaaftanstaaf')}\nbroken\thmac-md5pw=beef\n`);
  const challenge = '<1896.697170952@postoffice.reston.mci.net>';
  // RFC 2195 §2, the example.
  const known: Proof = { kind: 'cram', digest: 'md5', challenge, response: 'b913a602c7eda7a495b4e6e7334d3890' };
  assert.equal(await kindOf(auth.verify('tim', known)), 'accepted');
  assert.equal(await kindOf(auth.verify('tim', { ...known, response: `tim ${known.response.toUpperCase()}` })), 'accepted');
  assert.equal(await kindOf(auth.verify('clear', known)), 'accepted');
  for (const digest of ['sha1', 'sha256'] as const) {
    const proof: Proof = { kind: 'cram', digest, challenge, response: createHmac(digest, 'tanstaaftanstaaf').update(challenge).digest('hex') };
    assert.equal(await kindOf(auth.verify('tim', proof)), 'accepted', digest);
  }
  for (const [login, response] of [['tim', ''], ['tim', `${known.response.slice(0, -1)}1`], ['tim', 'zz'], ['tim', known.response.slice(2)], ['hashed', known.response], ['nobody', known.response]] as const) {
    assert.equal(await kindOf(auth.verify(login, { ...known, response })), 'rejected', `${login} ${response}`);
  }
  assert.equal(await kindOf(auth.verify('tim', { ...known, challenge: '<other>' })), 'rejected');
  assert.equal(await kindOf(auth.verify('broken', known)), 'unavailable');
});

test('a login that is not there is never let in by somebody else\'s password', async (t) => {
  const { auth } = backend(t, `only\tesmtppw=${sha('shared')}\n`);
  assert.equal(await kindOf(auth.verify('only', password('shared'))), 'accepted');
  for (const login of ['nobody', 'only2', 'onl', 'only@example.com']) assert.equal(await kindOf(auth.verify(login, password('shared'))), 'rejected', login);
});

test('a change is seen without a restart', async (t) => {
  const { auth, path } = backend(t, `me\tesmtppw=${sha('old')}\n`);
  assert.equal(await kindOf(auth.verify('me', password('old'))), 'accepted');
  writeFileSync(path, `me\tesmtppw=${sha('new')}\n`);
  utimesSync(path, 1, 1);
  assert.equal(await kindOf(auth.verify('me', password('old'))), 'rejected');
  assert.equal(await kindOf(auth.verify('me', password('new'))), 'accepted');
});

test('what cannot be read, or others could have read, is our trouble and nobody\'s rejection', async (t) => {
  const { auth, path } = backend(t, `me\tesmtppw=${sha('x')}\n`);
  for (const mode of [0o604, 0o640, 0o602]) {
    chmodSync(path, mode);
    assert.equal(await kindOf(auth.verify('me', password('x'))), 'unavailable', mode.toString(8));
    assert.equal(await kindOf(auth.find('me')), 'unavailable');
  }
  chmodSync(path, 0o600);
  assert.equal(await kindOf(auth.verify('me', password('x'))), 'accepted', 'and it recovers');
  unlinkSync(path);
  assert.equal(await kindOf(auth.verify('me', password('x'))), 'unavailable');
});

test('a password form we cannot compare is unavailable, not wrong', async (t) => {
  const { auth } = backend(t, 'me\tesmtppw=$y$j9T$salt$hash\n');
  const answer = await auth.verify('me', password('x'));
  assert.ok(answer.kind === 'unavailable' && /crypt\(3\)/.test(answer.why));
});

test('a folder of files is one userdb; a wrong line is logged by place and harms no other', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-userdb-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'sub'));
  writeFileSync(join(folder, 'a'), `me\tesmtppw=${sha('a')}\nrubbish secret!\n`, { mode: 0o600 });
  writeFileSync(join(folder, 'b'), `me\tesmtppw=${sha('b')}\nyou\tesmtppw=${sha('b')}\n`, { mode: 0o600 });
  const lines: LogFields[] = [];
  const auth = createUserdb({ path: folder, log: { ...silent, warn: (_event, fields = {}) => void lines.push(fields) } });
  assert.equal(await kindOf(auth.verify('me', password('a'))), 'accepted', 'the first one holds');
  assert.equal(await kindOf(auth.verify('you', password('b'))), 'accepted');
  assert.deepEqual(lines.map(({ line }) => line), [2, 1]);
  assert.doesNotMatch(JSON.stringify(lines), /secret/);
});

test('a flood of logins waits its turn, and past a bound is asked to come again', async () => {
  const turns = createTurns(2, 3);
  let running = 0;
  let most = 0;
  const gates: (() => void)[] = [];
  const work = async (): Promise<string> => {
    most = Math.max(most, ++running);
    await new Promise<void>((resolve) => void gates.push(resolve));
    running--;
    return 'done';
  };
  const taken = Array.from({ length: 8 }, () => turns.take(work)).filter((one) => one !== undefined);
  assert.equal(taken.length, 5);
  const all = Promise.all(taken);
  for (let opened = 0; opened < 5; opened++) {
    while (gates.length === 0) await Promise.resolve();
    gates.shift()!();
  }
  assert.deepEqual(await all, Array.from({ length: 5 }, () => 'done'));
  assert.equal(most, 2);
  const again = turns.take(work);
  assert.ok(again !== undefined, 'and there is room again');
  gates.shift()!();
  assert.equal(await again, 'done');
});

test('a login that is not there costs the same comparison as one that is', async (t) => {
  const { path } = backend(t, `me\tesmtppw=${sha('x')}\nnone\thome=/x\n`);
  let comparisons = 0;
  const turns: Turns = { take: (work) => (comparisons++, work()) };
  const auth = createUserdbBackend(createUserdbText(path, silent), turns, () => Buffer.alloc(32));
  const cram: Proof = { kind: 'cram', digest: 'md5', challenge: '<1@x>', response: '00' };
  for (const proof of [password('y'), cram]) {
    for (const login of ['me', 'none', 'stranger']) {
      comparisons = 0;
      assert.equal(await kindOf(auth.verify(login, proof)), 'rejected');
      assert.equal(comparisons, 1, `${login} ${proof.kind}`);
    }
  }
});

test('SCRAM from a password in clear and from stored keys; nobody looks like somebody', async (t) => {
  const stored = formatScramKeys(await deriveScramKeys('pencil', 'sha256', Buffer.from('salt of twelve'), 5000));
  const { auth } = backend(t, `kept\tsystempw=${stored}\nclear\tesmtppw={PLAIN}pencil\nhashed\tesmtppw=${sha('pencil')}\n`);
  const salt = async (login: string) => {
    const answer = await auth.salt!(login, 'sha256');
    assert.ok(answer.kind === 'salted');
    return answer;
  };
  const login = async (name: string, text: string): Promise<AuthAnswer> => {
    const { salt: grains, iterations } = await salt(name);
    const client = createScramClient({ mechanism: 'SCRAM-SHA-256', login: name, password: text, flag: 'n' });
    const opening = Buffer.from(client.first, 'base64').toString();
    const nonce = `${opening.slice(opening.indexOf('r=') + 2)}ours`;
    const first = `r=${nonce},s=${Buffer.from(grains).toString('base64')},i=${iterations}`;
    const final = Buffer.from(client.final(Buffer.from(first).toString('base64')), 'base64').toString();
    const answer = await auth.verify(name, { kind: 'scram', digest: 'sha256', message: `${opening.slice(3)},${first},${final.replace(/,p=.*/, '')}`, proof: Buffer.from(final.replace(/.*,p=/, ''), 'base64') });
    if (answer.kind === 'accepted') assert.ok(client.serverIsRight(Buffer.from(`v=${Buffer.from(answer.serverSignature!).toString('base64')}`).toString('base64')));
    return answer;
  };
  for (const name of ['kept', 'KEPT', 'clear']) assert.equal(await kindOf(login(name, 'pencil')), 'accepted', name);
  for (const name of ['kept', 'clear', 'hashed', 'nobody']) assert.equal(await kindOf(login(name, 'Pencil')), 'rejected', name);
  assert.equal(await kindOf(login('hashed', 'pencil')), 'rejected', 'no SCRAM without its keys');
  assert.deepEqual((await salt('kept')).iterations, 5000);
  assert.deepEqual([(await salt('kept')).known, (await salt('clear')).known, (await salt('nobody')).known], [true, true, false]);
  assert.deepEqual(await salt('nobody'), await salt('Nobody'), 'a stranger has one salt');
  assert.notDeepEqual(await salt('nobody'), await salt('no body'));
  // The stored form serves passwords too.
  assert.equal(await kindOf(auth.verify('kept', password('pencil'))), 'accepted');
  assert.equal(await kindOf(auth.verify('kept', password('pencils'))), 'rejected');
  assert.equal(await kindOf(auth.verify('kept', { kind: 'scram', digest: 'sha1', message: '', proof: Buffer.alloc(20) })), 'rejected', 'keys of the other digest');
  assert.equal(await kindOf(auth.verify('kept', { kind: 'scram', digest: 'sha256', message: '', proof: Buffer.alloc(0) })), 'rejected');
  assert.equal(await kindOf(auth.verify('kept', { kind: 'token', token: 'pencil' })), 'rejected');
});

test('the example of RFC 7677 §3', async (t) => {
  const keys = await deriveScramKeys('pencil', 'sha256', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'), 4096);
  const message = 'n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
  const checked = checkScramProof(keys, message, Buffer.from('dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=', 'base64'));
  assert.deepEqual([checked.result, Buffer.from(checked.serverSignature).toString('base64')], ['same', '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=']);
  assert.deepEqual(parseScramKeys(formatScramKeys(keys)), { ...keys });
  // As gsasl --mkpasswd and doveadm pw print it.
  assert.deepEqual(parseScramKeys(formatScramKeys(keys).replace(/^(SCRAM-SHA-256)\$(\d+):(.*)\$(.*):(.*)$/, '{$1}$2,$3,$4,$5')), { ...keys });
  for (const bad of ['SCRAM-SHA-256$0:c2FsdA==$AA==:AA==', 'SCRAM-SHA-256$4096:$AA==:AA==', 'SCRAM-SHA-512$4096:c2FsdA==$AA==:AA==', `${formatScramKeys(keys)}x`, formatScramKeys({ ...keys, iterations: 9_999_999 })]) assert.equal(parseScramKeys(bad), null, bad);
  const { auth } = backend(t, 'broken\tesmtppw=SCRAM-SHA-256$x\n');
  assert.equal(await kindOf(auth.verify('broken', password('pencil'))), 'unavailable');
});
