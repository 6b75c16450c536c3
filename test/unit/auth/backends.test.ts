import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuthAnswer, AuthBackend } from '../../../src/core/auth.ts';
import { createBackends, createSystemUsers } from '../../../src/service/auth/index.ts';
import { createHandClock } from '../../props/hand-clock.ts';

const LINE = 'ann:x:1000:1001:Ann,,,:/home/ann:/bin/sh\n';

function backend(answers: Readonly<Record<string, AuthAnswer>>): AuthBackend {
  const answer = (login: string) => Promise.resolve(answers[login] ?? ({ kind: 'rejected' } as const));
  return { name: 'x', find: answer, verify: answer };
}

test('a system user is an account with an owner; asked once a minute', async () => {
  const clock = createHandClock();
  const asked: string[] = [];
  const users = createSystemUsers({ clock, enabled: () => true, ask: login => {
    asked.push(login);
    return Promise.resolve({ kind: 'exited', code: 0, stdout: LINE, stderr: '' });
  } });
  assert.deepEqual(await users.find('ann'), { kind: 'accepted', account: { login: 'ann', home: '/home/ann', owner: { uid: 1000, gid: 1001 }, options: new Map() } });
  await users.find('ann');
  assert.deepEqual(asked, ['ann']);
  await clock.runTo(clock.now() + 61_000);
  await users.find('ann');
  assert.deepEqual(asked, ['ann', 'ann']);
  assert.equal((await users.verify('ann', { kind: 'password', password: 'x', service: 'esmtp' })).kind, 'rejected');
});

test('who is not there is rejected and remembered; who cannot be asked for is unavailable and asked again', async () => {
  const clock = createHandClock();
  let asked = 0;
  const answer = (code: number, stdout = '') => createSystemUsers({ clock, enabled: () => true, ask: () => {
    asked++;
    return Promise.resolve({ kind: 'exited', code, stdout, stderr: '' });
  } });
  const absent = answer(2);
  assert.deepEqual([(await absent.find('ann')).kind, (await absent.find('ann')).kind, asked], ['rejected', 'rejected', 1]);
  asked = 0;
  const broken = answer(3);
  assert.deepEqual([(await broken.find('ann')).kind, (await broken.find('ann')).kind, asked], ['unavailable', 'unavailable', 2]);
  assert.equal((await answer(0, 'root:x:0:0::/root:/bin/sh\n').find('root')).kind, 'rejected');
  assert.equal((await answer(0, LINE).find('bob')).kind, 'rejected', 'another’s line');
  asked = 0;
  for (const login of ['1000', '-s', 'a b', 'ann@x.example', '../x', '']) assert.equal((await answer(0, LINE).find(login)).kind, 'rejected', login);
  assert.equal(asked, 0);
  assert.equal((await createSystemUsers({ clock, enabled: () => false, ask: () => Promise.reject(new Error('asked')) }).find('ann')).kind, 'rejected');
});

test('the first back-end that knows answers; one that cannot say stops the search', async () => {
  const account = (login: string): AuthAnswer => ({ kind: 'accepted', account: { login, options: new Map() } });
  const both = createBackends([backend({ a: account('first'), c: { kind: 'unavailable', why: 'test' } }), backend({ a: account('second'), b: account('second'), c: account('second') })]);
  const found = async (login: string) => {
    const answer = await both.find(login);
    return answer.kind === 'accepted' ? answer.account.login : answer.kind;
  };
  assert.deepEqual([await found('a'), await found('b'), await found('c'), await found('d')], ['first', 'second', 'unavailable', 'rejected']);
});
