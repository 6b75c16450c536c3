/** From_ lines and rmail's arguments: what stands around a message by UUCP. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatFromLine, parseFromLines } from '../../../src/grammar/uucp/from-line.ts';
import { isSafeArgument, parseRmailArguments } from '../../../src/grammar/uucp/rmail-arguments.ts';
import fc from '../../props/fast-check.ts';

test('the From_ lines in front are the sender\'s path; the message begins behind them', () => {
  const rows: readonly (readonly [string, string | null, string])[] = [
    ['From bob Sat Nov 21 09:00:00 2026 remote from siteb\nSubject: x\n', 'siteb!bob', 'Subject: x\n'],
    ['From far!bob Sat Nov 21 09:00:00 2026 remote from siteb\r\nSubject: x\r\n', 'siteb!far!bob', 'Subject: x\r\n'],
    ['From uucp Sat Nov 21 09:00:00 2026 remote from siteb\n>From uucp Sat Nov 21 2026 remote from far\n>From bob Sat Nov 20 2026\n\nBody\n', 'siteb!far!bob', '\nBody\n'],
    ['>From bob Sat Nov 21 09:00:00 2026 remote from siteb\nTo: x\n', 'siteb!bob', 'To: x\n'],
    ['From bob@there.example Sat Nov 21 09:00:00 2026\nTo: x\n', 'bob@there.example', 'To: x\n'],
    ['From MAILER-DAEMON Sat Nov 21 09:00:00 2026 remote from siteb\nTo: x\n', '', 'To: x\n'],
    ['From <> Sat Nov 21 09:00:00 2026 remote from siteb\nTo: x\n', '', 'To: x\n'],
    ['From bob\nTo: x\n', 'bob', 'To: x\n'],
    ['From: bob\nTo: x\n', null, 'From: bob\nTo: x\n'],
    ['Fromage remote from siteb\n', null, 'Fromage remote from siteb\n'],
    ['To: x\n>From bob remote from siteb\n', null, 'To: x\n>From bob remote from siteb\n'],
    ['From bob remote from siteb', null, 'From bob remote from siteb'],
    [`From ${'x'.repeat(2000)} remote from siteb\nTo: x\n`, null, `From ${'x'.repeat(2000)} remote from siteb\nTo: x\n`],
    ['', null, ''],
  ];
  for (const [text, path, rest] of rows) {
    const read = parseFromLines(text);
    assert.equal(read.path, path, text.slice(0, 80));
    assert.equal(text.slice(read.end), rest);
  }
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => assert.ok(parseFromLines(`From ${text}`).end <= text.length + 5)));
});

test('what we write in front is what we read', () => {
  const at = Date.UTC(2026, 10, 1, 4, 5, 6);
  assert.equal(formatFromLine('there.example!bob', at, 'here'), 'From there.example!bob Sun Nov  1 04:05:06 2026 remote from here\n');
  assert.equal(parseFromLines(formatFromLine('there.example!bob', at, 'here')).path, 'here!there.example!bob');
  assert.equal(parseFromLines(formatFromLine('', at, 'here')).path, '');
});

test('rmail reads its options, and recipients are recipients', () => {
  const rows: readonly (readonly [readonly string[], unknown])[] = [
    [['bob'], { kind: 'call', recipients: ['bob'], verp: false }],
    [['-f', 'here!ada', 'bob', 'far!carol'], { kind: 'call', sender: 'here!ada', recipients: ['bob', 'far!carol'], verp: false }],
    [['-f(here!ada)', '(bob)', '<carol@there.example>'], { kind: 'call', sender: 'here!ada', recipients: ['bob', 'carol@there.example'], verp: false }],
    [['-f', '', 'bob'], { kind: 'call', sender: '', recipients: ['bob'], verp: false }],
    [['-f', '<>', 'bob'], { kind: 'call', sender: '', recipients: ['bob'], verp: false }],
    [['-oi', '-t', '-oQ/tmp', 'bob'], { kind: 'call', recipients: ['bob'], verp: false }],
    [['-N', 'success,f', '-Rhdrs', '-V', 'QQ1', '-verp', 'bob'], { kind: 'call', recipients: ['bob'], verp: true, notify: ['success', 'failure'], ret: 'hdrs', envid: 'QQ1' }],
    [['--', '-oQ'], { kind: 'call', recipients: ['-oQ'], verp: false }],
    [['bob', '-f', 'evil'], { kind: 'call', recipients: ['bob', '-f', 'evil'], verp: false }],
  ];
  for (const [args, wanted] of rows) assert.deepEqual(parseRmailArguments(args), wanted, args.join(' '));
  for (const args of [[], ['-f'], ['-f', 'x'], ['--config', '/tmp/evil', 'bob'], ['-C/etc/passwd', 'bob'], ['-N', 'maybe', 'bob'], ['-R', 'x', 'bob'], ['-V', 'a b', 'bob'], ['-X', 'bob'], ['-bs']]) {
    assert.equal(parseRmailArguments(args).kind, 'bad', args.join(' '));
  }
  assert.equal(parseRmailArguments(Array.from({ length: 6000 }, () => 'bob')).kind, 'bad');
});

test('only what no program on the way can misread becomes an argument', () => {
  for (const good of ['bob', 'far!carol', 'there.example!bob+tag', 'list-bob=there.example', 'bob@there.example', 'a%b@c', 'x/y']) assert.ok(isSafeArgument(good), good);
  for (const evil of ['', '-oQ/tmp', '-f', '--', 'a b', 'a\tb', 'a\nb', '$(id)', '`id`', 'a;b', 'a|b', 'a&b', 'a>b', 'a<b', '(a', 'a)', '"a"', "o'brien", 'a\\b', 'a*', 'a?', '[a]', '{a}', '~root', '#x', 'a^b', 'bösch', 'a\0b', 'x'.repeat(600)]) {
    assert.ok(!isSafeArgument(evil), evil);
  }
});
