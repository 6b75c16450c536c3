import assert from 'node:assert/strict';
import { test } from 'node:test';
import { folderOf } from './folder-props.ts';

/** Each would let strangers send to strangers. */
const accidents: readonly (readonly [string, string])[] = [
  ['smtpaccess/default', '*\tallow,RELAYCLIENT'],
  ['smtpaccess/default', '*\tallow,RELAYCLIENT=.relay'],
  ['smtpaccess/default', '0.0.0.0/0\tallow,RELAYCLIENT'],
  ['smtpaccess/default', '::/0\tallow,RELAYCLIENT'],
  ['smtpaccess/default', '::ffff:0:0/96\tallow,RELAYCLIENT'],
  ['smtpaccess/default', '128.0.0.0/1\tallow,RELAYCLIENT'],
  ['smtpaccess/default', '0.0.0.0/7\tallow,SIZELIMIT=1,RELAYCLIENT'],
  ['smtpaccess/default', '2000::/3\tallow,RELAYCLIENT'],
  ['smtpaccess/default', ':2001\tallow,RELAYCLIENT'],
  ['smtpaccess/default', '*.25\tallow,RELAYCLIENT'],
  ['smtpaccess/default', '192.0.2.1.25\tallow,RELAYCLIENT'],
  ['esmtpacceptmailfor', '.'],
  ['esmtpacceptmailfor', 'example.com\n.com'],
  ['esmtpacceptmailfor.dir/more', '.'],
];

test('what opens the relay is an error that names the way out', (t) => {
  for (const [file, text] of accidents) {
    const problems = folderOf(t, { esmtpd: '', [file]: text }).problems();
    assert.equal(problems.length, 1, text);
    assert.match(problems[0] ?? '', /open relay; right would be: .*openrelay: yes-i-want-an-open-relay/, text);
  }
});

test('the flag with its exact words allows it, anything else in it does not', (t) => {
  for (const [file, text] of accidents) folderOf(t, { esmtpd: '', [file]: text, openrelay: 'yes-i-want-an-open-relay\n' }).read();
  for (const words of ['', 'yes', '1', 'YES-I-WANT-AN-OPEN-RELAY', 'yes i want an open relay']) assert.match(folderOf(t, { openrelay: words }).problems().join(), /^openrelay:1: /, words);
});

test('RELAYCLIENT for a whole listener, or by bofh, is never right', (t) => {
  for (const [file, text] of [['esmtpd', 'RELAYCLIENT='], ['esmtpd-msa', 'RELAYCLIENT=""'], ['bofh', 'opt RELAYCLIENT=']] as const) {
    assert.match(folderOf(t, { esmtpd: '', [file]: text, openrelay: 'yes-i-want-an-open-relay' }).problems().join(), new RegExp(`^${file}:1: RELAYCLIENT here would make an open relay`), file);
  }
});

test('networks of one owner, private ones and the machine\'s own name stay possible', (t) => {
  const access = '10\tallow,RELAYCLIENT\nfc00::/7\tallow,RELAYCLIENT\nfe80::/10\tallow,RELAYCLIENT\n2001:db8::/32\tallow,RELAYCLIENT\n*\tallow\n';
  const { domains } = folderOf(t, { esmtpd: '', 'smtpaccess/default': access, esmtpacceptmailfor: '*\n.example.com\n!.com\n' }).read();
  assert.ok(domains.acceptMailFor.has('box.example.net') && domains.acceptMailFor.has('a.example.com'));
  assert.ok(!domains.acceptMailFor.has('stranger.org'), '* is this machine, as in locals');
});
