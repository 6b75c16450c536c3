/** DEFDOMAIN and DOMAINSEP: logins as they are typed, and as they are meant. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuthBackend } from '../../../src/core/auth.ts';
import { meantLogin, withLoginDomain } from '../../../src/gateway/ways-in/login-domain.ts';
import { folderOf } from './folder-props.ts';

test('a login without a domain gets one, and a separator is the @ it stands for', () => {
  const rows: readonly (readonly [string, string | null, string, string])[] = [
    ['ann', 'here.example', '', 'ann@here.example'], ['ann@there.example', 'here.example', '%', 'ann@there.example'], ['ann%there.example', 'here.example', '%:', 'ann@there.example'],
    ['ann:there.example', null, '%:', 'ann@there.example'], ['ann%there.example', 'here.example', '', 'ann%there.example@here.example'], ['ann', null, '%', 'ann'],
    ['', 'here.example', '', ''], ['%ann', null, '%', '%ann'], ['ann%b@there.example', null, '%', 'ann%b@there.example'],
  ];
  for (const [typed, domain, separators, meant] of rows) assert.equal(meantLogin(typed, { domain, separators }), meant, typed);
});

test('every way of asking the accounts is asked about the login that is meant', async () => {
  const asked: string[] = [];
  const answer = (login: string) => {
    asked.push(login);
    return Promise.resolve({ kind: 'rejected' as const });
  };
  const backend: AuthBackend = { name: 'book', verify: answer, find: answer, salt: login => answer(login).then(() => ({ kind: 'unavailable' as const, why: '' })) };
  const meaning = { domain: 'here.example', separators: '' };
  const wrapped = withLoginDomain(backend, meaning);
  await wrapped.verify('ann', { kind: 'token', token: '' });
  await wrapped.find('bob');
  await wrapped.salt?.('carol', 'sha256');
  assert.deepEqual(asked, ['ann@here.example', 'bob@here.example', 'carol@here.example']);
  assert.equal(withLoginDomain({ name: 'plain', verify: answer, find: answer }, meaning).salt, undefined, 'no SCRAM where there was none');
});

test('as esmtpd says it', (t) => {
  const read = (text: string) => folderOf(t, { esmtpd: text });
  assert.deepEqual(read('DEFDOMAIN="@Here.Example"\nDOMAINSEP=%\n').read().listeners[0]?.loginDomain, { domain: 'here.example', separators: '%' });
  assert.equal(read('').read().listeners[0]?.loginDomain, undefined);
  assert.match(read('DEFDOMAIN=@not a domain\n').problems().join('\n'), /^esmtpd:1: /);
  assert.match(read('FAXRELAYCLIENT=\n').problems().join('\n'), /FAXRELAYCLIENT here would make an open relay/);
  assert.equal(read('ESMTP_LOG_DIALOG=1\n').read().listeners[0]?.logsDialogue, true);
});
