import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { Usage } from '../../../src/front/cli/command.ts';
import { parseSendmailArguments } from '../../../src/front/cli/sendmail.ts';
import { addressesIn, prepareSubmission } from '../../../src/front/cli/submission-header.ts';

const wish = { sender: 'me@here.example', host: 'box', defaultDomain: 'here.example', recipientsFromHeader: true, onlyBcc: false };

async function collect<T>(from: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of from) all.push(one);
  return all;
}

async function prepare(text: string | string[], own: Partial<typeof wish> & { name?: string } = {}) {
  const { recipients, content } = await prepareSubmission(Readable.from((Array.isArray(text) ? text : [text]).map(one => Buffer.from(one))), { ...wish, ...own });
  const chunks = await collect(content);
  return { recipients, text: Buffer.concat(chunks).toString() };
}

test('addresses are found in every way that people write them', () => {
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ['a@b.example', ['a@b.example']],
    ['Ann <a@b.example>, "Bob, B." <b@b.example>', ['a@b.example', 'b@b.example']],
    ['a@b.example (Ann, of B)', ['a@b.example']],
    ['friends: a@b.example, b@b.example;', ['a@b.example', 'b@b.example']],
    ['"a, b"@c.example', ['"a, b"@c.example']],
    ['Ann\r\n <a@b.example>,\r\n\tb@b.example', ['a@b.example', 'b@b.example']],
    ['"x <y@z>" <a@b.example>', ['a@b.example']],
    ['undisclosed-recipients:;', []],
    ['', []],
  ];
  for (const [value, want] of rows) assert.deepEqual(addressesIn(value), want, value);
});

test('recipients come from the header, Bcc leaves, From is added when missing, the body is untouched', async () => {
  const { recipients, text } = await prepare('To: a@b.example, bob\nBcc: secret@b.example\nSubject: x\n\nBcc: stays\n.\n', { name: 'Ann "A"' });
  assert.deepEqual(recipients, ['a@b.example', 'bob@here.example', 'secret@b.example']);
  assert.equal(text, 'From: "Ann \\"A\\"" <me@here.example>\nTo: a@b.example, bob\nSubject: x\n\nBcc: stays\n.\n');
});

test('a header cut anywhere reads the same', async () => {
  const message = 'From: x@y.example\r\nTo: a@b.example,\r\n b@b.example\r\nBCC: c@b.example\r\n\r\nbody\r\n';
  const whole = await prepare(message);
  for (let cut = 1; cut < message.length; cut++) assert.deepEqual(await prepare([message.slice(0, cut), message.slice(cut)]), whole, `cut at ${cut}`);
  assert.deepEqual(whole.recipients, ['a@b.example', 'b@b.example', 'c@b.example']);
});

test('a message without an empty line is all header; recipients on the command line leave To alone', async () => {
  assert.equal((await prepare('Subject: x', { recipientsFromHeader: false })).text, 'From: <me@here.example>\nSubject: x\n');
  assert.deepEqual((await prepare('To: a@b.example\n\nx', { recipientsFromHeader: false })).recipients, []);
  assert.deepEqual((await prepare('To: a@b.example\nBcc: c@b.example\n\nx', { onlyBcc: true })).recipients, ['c@b.example']);
});

test('sendmail\'s old options are understood, unknown ones refused', () => {
  const parsed = parseSendmailArguments(['-oi', '-fann@b.example', '-F', 'Ann', '-N', 'succ,fail', '-Rhdrs', '-V', 'e1', '-t', 'x@y.example', '--', '-odd@z.example']);
  assert.deepEqual(parsed, { recipients: ['x@y.example', '-odd@z.example'], fromHeader: true, onlyBcc: false, dry: false, sender: 'ann@b.example', name: 'Ann', notify: ['success', 'failure'], ret: 'hdrs', envid: 'e1' });
  assert.equal(parseSendmailArguments(['-N', 'never,success']).notify, 'never');
  assert.equal(parseSendmailArguments(['-f', '<>']).sender, '');
  for (const bad of [['-X'], ['-f'], ['-N', 'often'], ['-R', 'some']]) assert.throws(() => parseSendmailArguments(bad), Usage, bad.join(' '));
});
