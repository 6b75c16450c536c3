import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Filter, Inspected } from '../../../src/core/policy.ts';
import { createDuplicates } from '../../../src/flow/filter/duplicates.ts';
import { createRates } from '../../../src/flow/filter/rates.ts';
import { createVerification, type Verified } from '../../../src/flow/filter/verification.ts';
import { createHandClock } from '../../props/hand-clock.ts';
import { inspected } from '../../props/inspected.ts';

const never = new AbortController().signal;

async function said(filter: Filter, message: Inspected): Promise<string> {
  const answer = await filter.inspect(message, never);
  if (answer.kind === 'absent') return answer.kind;
  const [verdict] = answer.verdicts.values();
  return verdict?.kind === 'refused' ? `${verdict.reply} ${verdict.text}` : 'pass';
}

const lines = (count: number, word = 'good') => Array.from({ length: count }, (_, n) => `${word} line number ${'abcdefghij'[n % 10]}${'klmnopqrst'[Math.floor(n / 10)]}`).join('\r\n');
const letter = (body: string, subject = 'Buy this', id = '1') => inspected({ id, text: `Subject: ${subject}\r\nDate: ${id}\r\n\r\n${body}\r\n` });

test('dupfilter: the fourth of a kind is refused, and those before are called back', async () => {
  const cancelled: string[][] = [];
  const filter = createDuplicates({ hashes: 500, level: 4, cancel: (ids, reason) => Promise.resolve(void cancelled.push([...ids, reason])) });
  for (const id of ['1', '2', '3']) assert.equal(await said(filter, letter(lines(30), 'Buy this', id)), 'pass');
  assert.equal(await said(filter, letter(lines(30), 'Buy this', '4')), '500 Duplicate message rejected.');
  assert.deepEqual(cancelled, [['1', '2', '3', 'Message cancelled as a duplicate.']]);
  assert.equal(await said(filter, letter(lines(30, 'other'), 'Quite another', '5')), 'pass');
});

test('dupfilter: numbers, case and punctuation, other words in the first or last lines, do not make another mail of it', async () => {
  const variants: readonly (readonly [string, string])[] = [
    [lines(30), 'Buy this'], [lines(30).toUpperCase(), 'buy THIS!'], [lines(30).replaceAll(' ', ' 17, '), 'Buy this 99'],
    [lines(30).replace(/[^\n]*$/, 'A unique end'), 'Buy this'], [lines(30).replace(/^[^\r]*/, 'Dear you'), 'Buy this'], [lines(30), 'Wholly new subject'],
  ];
  for (const variant of variants.slice(1)) {
    const filter = createDuplicates({ hashes: 10, level: 2, cancel: () => Promise.resolve() });
    assert.equal(await said(filter, letter(...(variants[0] as readonly [string, string]), '1')), 'pass');
    assert.equal((await said(filter, letter(...variant, '2'))).slice(0, 3), '500', variant[0].slice(0, 40));
  }
});

test('dupfilter: forgets the oldest, and mail without letters is nobody\'s duplicate', async () => {
  const filter = createDuplicates({ hashes: 3, level: 2, cancel: () => Promise.resolve() });
  assert.equal(await said(filter, letter(lines(30))), 'pass');
  for (const word of ['b', 'c', 'd']) assert.equal(await said(filter, letter(lines(30, word), word)), 'pass');
  assert.equal(await said(filter, letter(lines(30))), 'pass', 'forgotten');
  for (let n = 0; n < 5; n++) assert.equal(await said(filter, inspected({ text: 'From: x@y.example\r\n\r\n12345\r\n' })), 'pass');
});

test('ratefilter: this half and the one before count, refusals too; strangers and daemons are free', async () => {
  const clock = createHandClock(0);
  const filter = createRates({ intervalMs: 60_000, recipients: 4, leastUid: 100, uidOf: name => ({ root: 0, ada: 1000 })[name] ?? null, clock });
  const by = (login: string | undefined, to: number, source: 'submission' | 'local' = 'submission') => inspected({ to: Array.from({ length: to }, (_, n) => `r${n}@there.example`), origin: { source, ...(login === undefined ? {} : { login }) } });
  const refused = '500 Number of messages exceeded administrative limit.';
  assert.equal(await said(filter, by('ada', 3)), 'pass');
  assert.equal(await said(filter, by('bob', 4)), 'pass', 'each sender for himself');
  await clock.runTo(31_000);
  assert.equal(await said(filter, by('ada', 2)), refused, 'the half before counts');
  await clock.runTo(61_000);
  assert.equal(await said(filter, by('ada', 3)), refused, 'what was refused counts as well');
  await clock.runTo(200_000);
  assert.equal(await said(filter, by('ada', 4)), 'pass');
  for (let n = 0; n < 10; n++) {
    assert.equal(await said(filter, by(undefined, 4)), 'pass');
    assert.equal(await said(filter, by('root', 4, 'local')), 'pass');
  }
  assert.equal(await said(filter, by('ada', 4, 'local')), 'pass', 'the account is not the login of that name');
  assert.equal(await said(filter, by('ada', 1, 'local')), refused);
  assert.equal(await said(filter, by('unknown', 5, 'local')), refused, 'who is not in the list of accounts is no daemon');
});

test('verifyfilter: asks once, remembers good and bad, not passing trouble; VERP senders are one', async () => {
  const clock = createHandClock();
  const asked: string[] = [];
  const answers: Record<string, Verified> = { bad: { kind: 'bad', lasting: true, said: ['mx.example:', '>>> RCPT TO:<bad@s.example>', 'No such user'] }, busy: { kind: 'bad', lasting: false, said: ['mx.example: busy'] } };
  const filter = createVerification({
    cache: 'base', parallel: 2, whenAbsent: 'defer', clock,
    verify: address => {
      asked.push(address);
      return Promise.resolve(answers[/^[a-z]+/.exec(address)?.[0] ?? ''] ?? { kind: 'good' });
    },
  });
  const from = (address: string | null, login?: string) => inspected({ from: address, origin: login === undefined ? {} : { login } });
  for (const address of ['list-1=a@s.example', 'list-2=b@s.example', 'list@S.EXAMPLE']) assert.equal(await said(filter, from(address)), 'pass');
  assert.deepEqual(asked.splice(0), ['list-1=a@s.example']);
  assert.equal(await said(filter, from(null)), 'pass');
  assert.equal(await said(filter, from('bad@s.example', 'ada')), 'pass', 'who logged in is not asked about');
  assert.deepEqual(asked, []);
  for (let n = 0; n < 2; n++) assert.equal(await said(filter, from('bad@s.example')), '530 mx.example:\n>>> RCPT TO:<bad@s.example>\nNo such user\n<bad@s.example> verification failed.');
  for (let n = 0; n < 2; n++) assert.match(await said(filter, from('busy@s.example')), /^430 /);
  assert.deepEqual(asked.splice(0), ['bad@s.example', 'busy@s.example', 'busy@s.example']);
  await clock.runTo(clock.now() + 2 * 3_600_000 + 1);
  await said(filter, from('bad@s.example'));
  await said(filter, from('list-9@s.example'));
  assert.deepEqual(asked.splice(0), ['bad@s.example'], 'a refusal is forgotten after two hours, a good answer is not');
  await clock.runTo(clock.now() + 3 * 3_600_000 - 1000);
  await said(filter, from('list-9@s.example'));
  assert.deepEqual(asked, [], 'use keeps it known');
});

test('verifyfilter: so many questions at once and no more', async () => {
  let now = 0;
  let most = 0;
  const waiting: (() => void)[] = [];
  const filter = createVerification({
    cache: 'full', parallel: 2, whenAbsent: 'defer', clock: createHandClock(),
    verify: async () => {
      most = Math.max(most, ++now);
      await new Promise<void>(resolve => waiting.push(resolve));
      now--;
      return { kind: 'good' };
    },
  });
  const all = Array.from({ length: 6 }, (_, n) => said(filter, inspected({ from: `u${n}@s.example` })));
  for (let n = 0; n < 6; n++) {
    await new Promise(resolve => setImmediate(resolve));
    waiting.shift()?.();
  }
  assert.deepEqual(await Promise.all(all), Array.from({ length: 6 }, () => 'pass'));
  assert.equal(most, 2);
});
