/** What is said of an envelope to peers of every kind, and what cannot be said to some. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planTransactions, type PlanOptions } from '../../../src/flow/transport/esmtp/envelope-lines.ts';
import { parseExtensions } from '../../../src/flow/transport/esmtp/extensions.ts';
import { letter, type Letter } from '../../props/esmtp-box.ts';

const peer = { remoteMta: 'peer.example' };
const all = ['SIZE 10000', '8BITMIME', 'SMTPUTF8', 'DSN'];

/** Commands of each transaction, then the outcomes decided beforehand. */
function plan(own: Letter, keywords: readonly string[], canConvert = true, more: Partial<PlanOptions> = {}): string[] {
  const extensions = parseExtensions({ code: 250, lines: ['peer.example', ...keywords] });
  const { plans, settled } = planTransactions(letter(own), extensions, peer, { canConvert, ...more });
  return [
    ...plans.map(({ mail, rcpts, convert, dsnHandedOver }) => [mail, ...rcpts].map(line => line.replace('\r\n', '')).join(' | ') + (convert ? ' | convert' : '') + (dsnHandedOver ? ' | dsn' : '')),
    ...settled.map(([id, outcome]) => `${id}: ${outcome.kind} ${outcome.status}`),
  ];
}

const eight = 'Subject: x\r\n\r\nGrüße\r\n';
const international = 'Subject: Grüße\r\n\r\nHello\r\n';
const utf8 = { smtputf8: true };

const verp = { verp: true } as const;
const three = ['a@x.example', 'b@x.example', 'c@y.example'];

const rows: readonly (readonly [string, Letter, readonly string[], readonly string[]])[] = [
  ['nothing offered, nothing said', {}, [], ['MAIL FROM:<ada@sender.example> | RCPT TO:<bob@there.example>']],
  ['SIZE is the message as it is', {}, ['SIZE'], ['MAIL FROM:<ada@sender.example> SIZE=34 | RCPT TO:<bob@there.example>']],
  ['everything', { envelope: { ret: 'hdrs', envid: 'a+b', body: '8bitmime', ...utf8 }, to: [{ address: 'bob@there.example', notify: ['success', 'delay'], original: 'rfc822;bob+x@old.example' }] }, all,
    ['MAIL FROM:<ada@sender.example> SMTPUTF8 BODY=8BITMIME RET=HDRS ENVID=a+2Bb SIZE=34 | RCPT TO:<bob@there.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;bob+2Bx@old.example | dsn']],
  ['DSN for the null sender', { envelope: { from: null }, to: [{ address: 'bob@there.example', notify: 'never' }] }, ['DSN'], ['MAIL FROM:<> | RCPT TO:<bob@there.example> NOTIFY=NEVER | dsn']],
  ['an original recipient in UTF-8', { to: [{ address: 'bob@there.example', original: 'utf-8;bücher@x.example' }] }, ['DSN'], ['MAIL FROM:<ada@sender.example> | RCPT TO:<bob@there.example> ORCPT=utf-8;b\\x{FC}cher@x.example | dsn']],
  ['no DSN: who wants no report has a null sender', { to: ['a@x.example', { address: 'b@x.example', notify: 'never' }, { address: 'c@x.example', notify: ['failure'] }] }, [],
    ['MAIL FROM:<ada@sender.example> | RCPT TO:<a@x.example> | RCPT TO:<c@x.example>', 'MAIL FROM:<> | RCPT TO:<b@x.example>']],
  ['no DSN: nobody wants one', { to: [{ address: 'b@x.example', notify: 'never' }] }, [], ['MAIL FROM:<> | RCPT TO:<b@x.example>']],
  ['too large for the peer', { text: `Subject: x\r\n\r\n${'x'.repeat(10_000)}`, to: ['a@x.example', 'b@x.example'] }, all, ['0: failed 5.3.4', '1: failed 5.3.4']],
  ['SIZE 0 is no limit', { text: `Subject: x\r\n\r\n${'x'.repeat(10_000)}` }, ['SIZE 0'], ['MAIL FROM:<ada@sender.example> SIZE=10014 | RCPT TO:<bob@there.example>']],
  ['8-bit content to a peer that takes it', { text: eight }, ['8BITMIME'], ['MAIL FROM:<ada@sender.example> BODY=8BITMIME | RCPT TO:<bob@there.example>']],
  ['8-bit content to one that does not', { text: eight }, ['SIZE 0'], ['MAIL FROM:<ada@sender.example> SIZE=33 | RCPT TO:<bob@there.example> | convert']],
  ['declared 8-bit, and 7-bit in fact', { envelope: { body: '8bitmime' } }, [], ['MAIL FROM:<ada@sender.example> | RCPT TO:<bob@there.example>']],
  ['an international message and a peer that takes it', { text: international, envelope: utf8 }, ['SMTPUTF8', '8BITMIME'], ['MAIL FROM:<ada@sender.example> SMTPUTF8 BODY=8BITMIME | RCPT TO:<bob@there.example>']],
  ['an international message and one that does not', { text: international, envelope: utf8 }, ['8BITMIME'], ['0: failed 5.6.7']],
  ['SMTPUTF8 asked for, and nothing international in it', { envelope: utf8 }, [], ['MAIL FROM:<ada@sender.example> | RCPT TO:<bob@there.example>']],
  ['8-bit header of the old kind: nobody promised UTF-8', { text: international }, ['8BITMIME'], ['MAIL FROM:<ada@sender.example> BODY=8BITMIME | RCPT TO:<bob@there.example>']],
  ['an international sender', { envelope: { from: 'bücher@sender.example', ...utf8 } }, [], ['0: failed 5.6.7']],
  ['an international recipient among others', { to: ['a@x.example', 'bücher@x.example'], envelope: utf8 }, [], ['MAIL FROM:<ada@sender.example> | RCPT TO:<a@x.example>', '1: failed 5.6.7']],
  ['only an international recipient', { to: ['bücher@x.example'], envelope: utf8 }, [], ['0: failed 5.6.7']],
  ['international domains become A-labels', { envelope: { from: 'ada@bücher.example', ...utf8 }, to: ['a@bücher.example'] }, [], ['MAIL FROM:<ada@xn--bcher-kva.example> | RCPT TO:<a@xn--bcher-kva.example>']],
  ['… also for a peer with SMTPUTF8, when the message did not ask for it', { to: ['a@bücher.example'] }, ['SMTPUTF8'], ['MAIL FROM:<ada@sender.example> | RCPT TO:<a@xn--bcher-kva.example>']],
  ['… and stay where it did', { to: ['a@bücher.example'], envelope: utf8 }, ['SMTPUTF8'], ['MAIL FROM:<ada@sender.example> SMTPUTF8 | RCPT TO:<a@bücher.example>']],
  ['an international recipient needs SMTPUTF8 even if nobody asked', { to: ['bücher@x.example'] }, ['SMTPUTF8'], ['MAIL FROM:<ada@sender.example> SMTPUTF8 | RCPT TO:<bücher@x.example>']],
  ['VERP to a peer that encodes senders: one copy', { envelope: { ...verp, body: '8bitmime', ret: 'full' }, to: three }, [...all, 'XVERP=Courier'],
    ['MAIL FROM:<ada@sender.example> BODY=8BITMIME VERP RET=FULL SIZE=34 | RCPT TO:<a@x.example> | RCPT TO:<b@x.example> | RCPT TO:<c@y.example> | dsn']],
  ['VERP to one that does not: each its own', { envelope: verp, to: ['a@x.example', 'b-c@x.example'] }, ['XVERP'],
    ['MAIL FROM:<ada-a=x.example@sender.example> | RCPT TO:<a@x.example>', 'MAIL FROM:<ada-b+2Dc=x.example@sender.example> | RCPT TO:<b-c@x.example>']],
  ['VERP, one recipient', { envelope: verp }, [], ['MAIL FROM:<ada-bob=there.example@sender.example> | RCPT TO:<bob@there.example>']],
  ['VERP and the null sender, which is never encoded', { envelope: { ...verp, from: null } }, ['XVERP=courier'], ['MAIL FROM:<> | RCPT TO:<bob@there.example>']],
  ['VERP, a member of an alias, and a peer without DSN', { envelope: verp, to: ['a@x.example', { address: 'b@x.example', notify: 'never' }] }, [],
    ['MAIL FROM:<ada-a=x.example@sender.example> | RCPT TO:<a@x.example>', 'MAIL FROM:<> | RCPT TO:<b@x.example>']],
  ['the demand for TLS goes on', { envelope: { security: 'starttls', requireTls: true } }, ['XSECURITY=NONE,STARTTLS', 'REQUIRETLS'], ['MAIL FROM:<ada@sender.example> SECURITY=STARTTLS REQUIRETLS | RCPT TO:<bob@there.example>']],
  ['RCPTMAX', { to: ['a@x.example', 'b@x.example', 'c@x.example'] }, ['LIMITS MAILMAX=9 RCPTMAX=2'], ['MAIL FROM:<ada@sender.example> | RCPT TO:<a@x.example> | RCPT TO:<b@x.example>', 'MAIL FROM:<ada@sender.example> | RCPT TO:<c@x.example>']],
  ['RCPTDOMAINMAX', { to: three }, ['limits rcptdomainmax=1'], ['MAIL FROM:<ada@sender.example> | RCPT TO:<a@x.example> | RCPT TO:<b@x.example>', 'MAIL FROM:<ada@sender.example> | RCPT TO:<c@y.example>']],
  ['limits that are none', { to: three }, ['LIMITS RCPTMAX=0 RCPTDOMAINMAX=x MAILMAX'], ['MAIL FROM:<ada@sender.example> | RCPT TO:<a@x.example> | RCPT TO:<b@x.example> | RCPT TO:<c@y.example>']],
];
for (const [name, own, keywords, wanted] of rows) test(`envelope: ${name}`, () => assert.deepEqual(plan(own, keywords), wanted.map(line => line.replaceAll('SIZE=34', `SIZE=${letter().content.sizeOctets}`))));

test('8-bit content that nobody can convert waits', () => {
  assert.deepEqual(plan({ text: eight }, [], false), ['0: deferred 4.6.3']);
});

test('EHLO replies: case, several blanks, odd parameters, AUTH of both eras', () => {
  const extensions = parseExtensions({ code: 250, lines: ['peer.example hello', 'pipelining', ' SIZE  12x', 'AUTH=LOGIN', 'AUTH plain  CRAM-MD5', '', 'X-ODD a=b c'] });
  assert.equal(extensions.pipelining, true);
  assert.equal(extensions.sizeLimit, 0);
  assert.deepEqual([...extensions.mechanisms].toSorted(), ['CRAM-MD5', 'LOGIN', 'PLAIN']);
  assert.equal(extensions.keywords.get('X-ODD'), 'a=b c');
  assert.equal(extensions.dsn, false);
});

test('a limit that was learnt, and those who were told already', () => {
  const to = ['a@x.example', 'b@x.example', 'c@x.example'];
  const { recipients } = letter({ to });
  assert.deepEqual(plan({ to }, [], true, { mostRecipients: 1, recipients: recipients.slice(1) }),
    ['MAIL FROM:<ada@sender.example> | RCPT TO:<b@x.example>', 'MAIL FROM:<ada@sender.example> | RCPT TO:<c@x.example>']);
});
