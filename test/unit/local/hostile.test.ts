/** What strangers write is data: no shell reads it, no name leads astray, no loop goes on. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAddress } from '../../../src/grammar/address.ts';
import { localDesk } from '../../props/local-desk.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';

const desk = () => localDesk(scratchFolder('hostile'));

test('CVE-2020-7247: a sender with shell words is not run by the program that it is mailed to (OpenSMTPD)', async () => {
  const box = desk();
  box.write('ann/.courier', '| cat > seen; printf "%s" "$SENDER" > sender\n');
  const senders = ['";for i in 0 1 2 3;do read r;done;sh;exit 0;"@there.example', '"; touch pwned;"@there.example', '"$(touch pwned)"@there.example', '"`touch pwned`"@there.example', '"\'; touch pwned; \'"@there.example', '"|touch pwned"@there.example', '"&& touch pwned #"@there.example'];
  for (const from of senders) {
    assert.ok(parseAddress(from) !== null, from);
    assert.equal((await box.send('ann@gate.example', { from, text: 'Subject: x\r\n\r\n#\r\n#\r\ntouch pwned\r\n' })).kind, 'delivered');
    assert.equal(readFileSync(join(box.folder, 'ann/sender'), 'utf8'), from);
  }
  assert.ok(!readdirSync(join(box.folder, 'ann')).includes('pwned'));
});

test('CVE-2019-10149: a recipient is not expanded on its way to a mailbox or a program (Exim)', async () => {
  const box = desk();
  box.write('ann/.courier-default', '| printf "%s\\n" "$RECIPIENT" "$EXT" "$DEFAULT" "$LOCAL" > seen\n');
  for (const to of ['ann-${run{\\x2Fbin\\x2Fsh\\t-c\\t\\x22touch\\tpwned\\x22}}@gate.example', 'ann-$(touch\\ pwned)@gate.example', '"ann-`touch pwned`"@gate.example', '"ann-$(touch pwned)"@gate.example', '"ann-;touch pwned"@gate.example', '"ann-../../../etc/passwd"@gate.example', '"ann-x/y"@gate.example', '"ann-x\\\\y"@gate.example']) {
    if (parseAddress(to) === null) continue;
    assert.equal((await box.send(to)).kind, 'failed', to);
  }
  assert.equal((await box.send('ann-{a}$HOME@gate.example')).kind, 'failed');
  assert.deepEqual(readdirSync(join(box.folder, 'ann')), ['.courier-default']);
});

test('header fields reach a program as input only: Shellshock’s functions and option-like values too', async () => {
  const box = desk();
  box.write('ann/.courier', '| cat > seen\n');
  const text = 'Subject: () { :; }; touch pwned\r\nFrom: -oQ/tmp -X/tmp/pwned@there.example\r\n\r\n';
  assert.equal((await box.send('ann@gate.example', { from: '"() { :; }; touch pwned"@there.example', text })).kind, 'delivered');
  assert.equal(readFileSync(join(box.folder, 'ann/seen'), 'latin1'), text.replaceAll('\r', ''));
  assert.ok(!existsSync(join(box.folder, 'ann/pwned')));
});

test('a sender with a line end cannot add fields before the message', async () => {
  const box = desk();
  for (const from of ['"a\nBcc: x"@there.example', '"a\rb"@there.example']) assert.equal(parseAddress(from), null);
  await box.send('ann@gate.example', { from: '"a b"@there.example' });
  const [name = ''] = readdirSync(join(box.folder, 'ann/Maildir/new'));
  assert.match(readFileSync(join(box.folder, 'ann/Maildir/new', name), 'latin1'), /^Delivered-To: ann@gate\.example\nReturn-Path: <"a b"@there\.example>\nSubject: x\n\n/);
});

test('a .courier loop ends: mail that was here for this recipient fails, in any spelling', async () => {
  const box = desk();
  box.write('ann/.courier', '&ann@gate.example\n');
  assert.equal((await box.send('ann@gate.example')).kind, 'delivered');
  assert.deepEqual(box.forwarded, [['ann@gate.example']]);
  for (const field of ['Delivered-To: ann@gate.example', 'delivered-TO:\tAnn@GATE.example', 'Received: x\r\nDelivered-To: other@x.example\r\nDelivered-To: <ann@gate.example>'.replace('<ann@gate.example>', 'ann@gate.example')]) {
    const outcome = await box.send('ann@gate.example', { text: `${field}\r\nSubject: x\r\n\r\nx\r\n` });
    assert.deepEqual([outcome.kind, outcome.status], ['failed', '5.4.6'], field);
  }
  assert.equal((await box.send('ann@gate.example', { text: 'Subject: x\r\n\r\nDelivered-To: ann@gate.example\r\n' })).kind, 'delivered', 'in the body it is text');
  assert.equal(box.forwarded.length, 2);
});

test('mail over quota, and content that breaks, defer and leave nothing', async () => {
  const box = desk();
  const folder = join(box.folder, 'ann');
  box.write('ann/.courier', './Maildir/\n');
  for (const part of ['tmp', 'new', 'cur']) box.write(`ann/Maildir/${part}/.keep`, '');
  box.write('ann/Maildir/maildirsize', '100S\n');
  const outcome = await box.send('ann@gate.example', { text: 'x'.repeat(200) });
  assert.deepEqual([outcome.kind, outcome.status, outcome.said?.text], ['deferred', '4.2.2', 'Maildir over quota.']);
  assert.deepEqual(readdirSync(join(folder, 'Maildir/new')), ['.keep']);
});
