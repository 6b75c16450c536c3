/** Recipients filter their own mail while the sender waits: at RCPT, after the content, with an answer for each; switched off while mail comes. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { dialSmtp } from '../../props/smtp-client.ts';

test('recipient filters: refused at RCPT, refused by content, whitelisted, and a recipe that delivers', { timeout: 90_000 }, async (t) => {
  const box = await boxFor(t);
  const home = (name: string, filters: Readonly<Record<string, string>>): string => {
    const folder = join(box.folder, name);
    mkdirSync(join(folder, '.mailfilters'), { recursive: true, mode: 0o700 });
    for (const [file, text] of Object.entries(filters)) writeFileSync(join(folder, '.mailfilters', file), text, { mode: 0o600 });
    return folder;
  };
  const ada = home('ada', { rcptfilter: 'if ($FROM eq "friend@there.example")\nexit\nEXITCODE=99\n', smtpfilter: 'if (/^Subject:.*casino/)\n{\necho "No games"\nEXITCODE=1\n}\n' });
  const bob = home('bob', { rcptfilter: 'if ($FROM ne "friend@there.example")\n{\necho "Friends only"\nEXITCODE=1\n}\n' });
  const eve = home('eve', { rcptfilter: 'EXITCODE=99\n', smtpfilter: 'if (/^Subject:.*offer/)\nEXITCODE=1\n' });
  writeFileSync(join(ada, '.mailfilter'), 'if (/^Subject:.*list/)\nto "./Maildir-list/"\n', { mode: 0o600 });
  const line = (name: string, folder: string): string => `${name}\tuid=${process.getuid?.()}|gid=${process.getgid?.()}|home=${folder}\n`;
  box.configure({ userdb: line('ada', ada) + line('bob', bob) + line('eve', eve), enablefiltering: 'esmtp\n', maildropfilter: '/usr/bin/maildrop\n', courierd: 'DEFAULTDELIVERY="| maildrop"\n' });
  await box.start();
  const client = await dialSmtp({ port: box.port });
  t.after(() => client.vanish());
  await client.hello();
  const mail = (from: string, to: readonly string[], subject: string) => client.send({ from, to, content: `Subject: ${subject}\r\n\r\nx\r\n` });

  const notFriend = await mail('s@there.example', ['bob@posthorn.example'], 'hello');
  assert.deepEqual([notFriend.code, /Friends only/.test(notFriend.text)], [550, true]);
  await client.say('RSET');
  const casino = await mail('s@there.example', ['ada@posthorn.example'], 'casino');
  assert.deepEqual([casino.code, /No games/.test(casino.text)], [550, true]);
  assert.equal((await mail('s@there.example', ['ada@posthorn.example'], 'for the list')).code, 250);
  // Two who judge the content: an answer for each where the client asks for it, else one after the other.
  await client.say('MAIL FROM:<s@there.example>');
  assert.equal((await client.say('RCPT TO:<ada@posthorn.example>')).code, 250);
  assert.equal((await client.say('RCPT TO:<eve@posthorn.example>')).code, 452);
  await client.say('RSET');
  await client.say('MAIL FROM:<s@there.example> EXDATA');
  for (const name of ['ada', 'eve']) assert.equal((await client.say(`RCPT TO:<${name}@posthorn.example>`)).code, 250);
  await client.say('DATA');
  const each = await client.say('Subject: casino\r\n\r\nfor two\r\n.');
  assert.equal(each.code, 558);
  assert.match(each.text, /558-550 5\.7\.1 No games\n558 250 /);
  // Whoever is whitelisted is not read.
  assert.equal((await mail('friend@there.example', ['ada@posthorn.example', 'bob@posthorn.example'], 'casino')).code, 250);
    const list = join(ada, 'Maildir-list/new');
  const inbox = (folder: string): readonly string[] => readdirSync(join(folder, 'Maildir/new')).map(name => readFileSync(join(folder, 'Maildir/new', name), 'utf8'));
  await box.logged('all three', () => box.log.filter(one => one.event === 'completed').length >= 3);
  assert.equal(readdirSync(list).length, 1);
  assert.match(readFileSync(join(list, readdirSync(list)[0] ?? ''), 'utf8'), /^Delivered-To: ada@posthorn\.example\nReturn-Path: <s@there\.example>\n[^]*Subject: for the list\n/);
  assert.deepEqual([inbox(ada).length, inbox(bob).length, inbox(eve).length], [1, 1, 1]);
  assert.match(inbox(eve)[0] ?? '', /for two/);

  // Switched off and on again while the gateway runs.
  const from = box.log.length;
  box.configure({ maildropfilter: null });
  assert.equal((await box.run(['restart'])).code, 0);
  await box.logged('the reload', one => one.event === 'reloaded', { from });
  assert.equal((await mail('s@there.example', ['bob@posthorn.example'], 'hello')).code, 250);
  assert.equal(await box.stop(), 0);
});
