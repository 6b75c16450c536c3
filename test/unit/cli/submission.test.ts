import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { Usage } from '../../../src/front/cli/command.ts';
import { authorOf, envelopeSender, fullName, type Author } from '../../../src/front/cli/submission/sender.ts';
import { parseSendmailArguments } from '../../../src/front/cli/submission/sendmail-arguments.ts';
import { addressesIn, prepareSubmission } from '../../../src/front/cli/submission/submission-header.ts';

const wish = { author: { address: 'me@here.example', usualName: '' }, defaultDomain: 'here.example', recipientsFromHeader: true, onlyBcc: false };

async function collect<T>(from: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of from) all.push(one);
  return all;
}

async function prepare(text: string | string[], own: Partial<Omit<typeof wish, 'author'>> & { author?: Author } = {}) {
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
  const { recipients, text } = await prepare('To: a@b.example, bob\nBcc: secret@b.example\nSubject: x\n\nBcc: stays\n.\n', { author: { address: 'me@here.example', usualName: 'Ann "A"' } });
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
  assert.deepEqual(parsed, { mode: 'send', recipients: ['x@y.example', '-odd@z.example'], fromHeader: true, onlyBcc: false, dry: false, verp: false, sender: 'ann@b.example', name: 'Ann', notify: ['success', 'failure'], ret: 'hdrs', envid: 'e1' });
  assert.equal(parseSendmailArguments(['-N', 'never,success']).notify, 'never');
  assert.equal(parseSendmailArguments(['-f', '<>']).sender, '');
  assert.equal(parseSendmailArguments(['-S', 'starttls']).security, 'starttls');
  assert.equal(parseSendmailArguments(['-SSTARTTLS', '-S', 'NONE']).security, undefined, 'the last one counts');
  assert.equal(parseSendmailArguments(['-r', 'x@y.example']).sender, 'x@y.example');
  // As PHP, cron, mutt, bsd-mailx, git and old scripts call it.
  for (const call of ['-t -i', '-oem -oi', '-FCronDaemon -i -B8BITMIME -oem', '-oem -oi -f ann@b.example --', '-i -bm', '-oi -om -odb -oMrSMTP', '-B 8BITMIME', '-O DeliveryMode=b', '-X /tmp/log', '-d', '-d0.1', '-C /etc/mail.cf', '-G', '-v', '-em', '-h 3', '-L tag', '-p smtp:me', '-Am']) {
    const wish = parseSendmailArguments([...call.split(' '), 'to@x.example']);
    assert.deepEqual([wish.mode, wish.recipients], ['send', ['to@x.example']], call);
  }
  const modes: readonly (readonly [string, string, readonly string[] | undefined])[] = [
    ['-bs', 'smtp', undefined], ['-bp', 'mailq', undefined], ['-bi', 'newaliases', undefined], ['-q', 'flush', undefined], ['-qIabc', 'flush', ['abc']], ['-qR@x.example', 'flush', ['--domain', 'x.example']], ['-q30m', 'nothing', undefined], ['-q1h30m', 'nothing', undefined], ['-bH', 'nothing', undefined],
  ];
  for (const [option, mode, selection] of modes) assert.deepEqual([parseSendmailArguments([option]).mode, parseSendmailArguments([option]).selection], [mode, selection], option);
  for (const bad of [['-f'], ['-N', 'often'], ['-R', 'some'], ['-bd'], ['-bt'], ['-qSx'], ['-Z'], ['--to=x'], ['-S', 'TLS']]) assert.throws(() => parseSendmailArguments(bad), Usage, bad.join(' '));
});

test('resent mail goes to those of its newest Resent- block, and not to whom it went before', async () => {
  const { recipients, text } = await prepare('Resent-From: me@x\nResent-To: new@x.example\nResent-Bcc: hid@x.example\nResent-From: he@x\nResent-To: older@x.example\nTo: old@x.example\nCc: cc@x.example\nFrom: a@x.example\n\nx');
  assert.deepEqual(recipients, ['new@x.example', 'hid@x.example']);
  assert.doesNotMatch(text, /hid@/);
  assert.deepEqual((await prepare('Resent-From: me@x\nTo: old@x.example\n\nx')).recipients, ['old@x.example'], 'without recipients it is no block to send to');
});

test('From is left as it is, or takes what the environment and -F say, and stands once', async () => {
  const from = async (field: string, author: Partial<Author>) => (await prepare(`${field}\nTo: b@x.example\n\n`, { author: { address: 'acc@here.example', usualName: 'Acc Ount', ...author } })).text.split('\nTo:')[0];
  assert.equal(await from('From:  "A, b"  <a@x.example> (c)', {}), 'From:  "A, b"  <a@x.example> (c)');
  assert.equal(await from('From: "A, b" <a@x.example>', { host: 'h.example' }), 'From: "A, b" <a@h.example>');
  assert.equal(await from('From: a@x.example (Ann)', { user: 'u' }), 'From: <u@x.example>');
  assert.equal(await from('From: Ann <a@x.example>', { name: 'J\u00f6rg', host: 'm\u00fcller.example' }), 'From: =?utf-8?B?SsO2cmc=?= <a@xn--mller-kva.example>');
  assert.equal(await from('From: a@x.example\nFROM: b@x.example', {}), 'From: a@x.example');
  assert.equal(await from('X: y', {}), 'From: Acc Ount <acc@here.example>\nX: y');
});

test('who sends: -f, then the environment, then the account', () => {
  const who = { account: { name: 'ann', gecos: 'Ann A.' }, defaultDomain: 'here.example' };
  const rows: readonly (readonly [Readonly<Record<string, string>>, string, string, string])[] = [
    [{}, 'ann@here.example', 'ann@here.example', 'Ann A.'],
    [{ LOGNAME: 'log', USER: 'user' }, 'log@here.example', 'log@here.example', 'Ann A.'],
    [{ MAILUSER: 'mail', LOGNAME: 'log', MAILHOST: 'h.example', NAME: 'N' }, 'mail@h.example', 'mail@h.example', 'N'],
    [{ MAILSUSER: 'env', MAILUSER: 'mail', MAILSHOST: 's.example', MAILHOST: 'h.example', MAILNAME: 'M', NAME: 'N' }, 'env@s.example', 'mail@h.example', 'M'],
    [{ LOGNAME: 'x\nBcc: y', USER: 'user' }, 'user@here.example', 'user@here.example', 'Ann A.'],
  ];
  for (const [environment, sender, address, name] of rows) {
    const author = authorOf({ ...who, environment });
    assert.deepEqual([envelopeSender({ ...who, environment }), author.address, author.usualName], [sender, address, name]);
  }
  assert.equal(envelopeSender({ ...who, sender: 'root', environment: { MAILHOST: 'h.example' } }), 'root@here.example');
  assert.equal(envelopeSender({ ...who, sender: '', environment: {} }), '');
  assert.equal(authorOf({ ...who, sender: '', environment: {} }).address, 'ann@here.example', 'the null sender writes no From');
  assert.equal(authorOf({ ...who, name: 'Given', environment: { NAME: 'N' } }).usualName, 'Given');
  assert.equal(fullName('&, Room 1,,', 'ann'), 'Ann');
});
