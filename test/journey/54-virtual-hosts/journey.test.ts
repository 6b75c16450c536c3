/** Two firms on one box: who connects to the second address meets another name, other domains, other mailboxes, other reports. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { messageText } from '../../props/messages.ts';
import { openSink } from '../../props/sink.ts';
import { dialSmtp } from '../../props/smtp-client.ts';

const SECOND = '127.0.0.3';

test('a virtual host has its own name, domains, aliases and limits, and its reports go out by it', { timeout: 60_000 }, async (t) => {
  const sink = await openSink({ answer: ({ stage, line }) => (stage === 'rcpt' && line.includes('nobody@') ? '550 5.1.1 No such person' : undefined) });
  t.after(() => sink.close());
  const other = await openSink();
  t.after(() => other.close());
  const box = await boxFor(t, { nextHop: sink.port });
  const home = join(box.folder, 'ann');
  mkdirSync(home, { mode: 0o700 });
  box.configure({
    esmtpd: `PORT=127.0.0.1.${box.port},${SECOND}.${box.port}\nMAXPERIP=50\nMAXPERC=50\nTARPIT=0\nBOFHCHECKDNS=0\n`,
    userdb: `ann\tuid=${process.getuid?.()}|gid=${process.getgid?.()}|home=${home}\n`,
    [`vhost.${SECOND}`]: '',
    [`me.${SECOND}`]: 'mail.second.example\n',
    [`defaultdomain.${SECOND}`]: 'second.example\n',
    [`esmtpgreeting.${SECOND}`]: 'mail.second.example ESMTP The second firm\n',
    [`locals.${SECOND}`]: 'second.example\n',
    [`esmtpacceptmailfor.${SECOND}`]: 'second.example\n',
    [`aliases.${SECOND}`]: 'sales: ann\npostmaster: ann\n',
    [`sizelimit.${SECOND}`]: '3000\n',
    [`bofh.${SECOND}`]: 'badfrom spam@there.example\n',
    [`dsnfrom.${SECOND}`]: '"The second firm" <mailer@second.example>\n',
    [`esmtproutes.${SECOND}`]: `special.example:[127.0.0.1],${other.port}\n:[127.0.0.1],${sink.port}\n`,
    [`queuetime.${SECOND}`]: '3d\n',
    'smtpaccess/default': '127.0.0.2\tallow,RELAYCLIENT\n127.0.0\tallow\n',
  });
  await box.start();

  const first = await dialSmtp({ port: box.port, localAddress: '127.0.0.5' });
  assert.match(first.greeting.text, /^220 posthorn\.example ESMTP/);
  await first.hello();
  await first.say('MAIL FROM:<spam@there.example>');
  assert.match((await first.say('RCPT TO:<ann@second.example>')).text, /^550 5\.7\.1 Relaying denied/, 'the first firm knows nothing of the second');
  await first.quit();

  const second = await dialSmtp({ port: box.port, host: SECOND, localAddress: '127.0.0.5' });
  assert.match(second.greeting.text, /^220 mail\.second\.example ESMTP The second firm/);
  assert.ok((await second.hello()).includes('SIZE 3000'));
  assert.match((await second.say('MAIL FROM:<spam@there.example>')).text, /^550 5\.7\.1 Sender refused/);
  assert.equal((await second.say('MAIL FROM:<bob@there.example>')).code, 250);
  assert.match((await second.say('RCPT TO:<bob@here.example>')).text, /^550 5\.7\.1/, 'nor the second of the first');
  for (const name of ['sales@second.example', 'postmaster', `ann@[${SECOND}]`]) assert.equal((await second.say(`RCPT TO:<${name}>`)).code, 250, name);
  assert.match((await second.say('RCPT TO:<carl@second.example>')).text, /^550 5\.1\.1/);
  await second.say('RSET');
  assert.equal((await second.send({ from: 'bob@there.example', to: ['sales@second.example'], content: messageText({ token: 'inside' }) })).code, 250);
  await box.logged('delivered', line => line.event === 'completed');
  const letters = join(home, 'Maildir/new');
  const letter = readFileSync(join(letters, readdirSync(letters)[0] as string), 'utf8');
  assert.match(letter, /^Delivered-To: ann@second\.example/);
  assert.match(letter, /by mail\.second\.example with ESMTP/);
  await second.quit();

  const client = await dialSmtp({ port: box.port, host: SECOND, localAddress: '127.0.0.2' });
  await client.hello();
  assert.equal((await client.send({ from: 'ada@sender.example', to: ['nobody@there.example'], content: messageText({ token: 'outside' }) })).code, 250);
  assert.equal((await client.send({ from: 'ada@sender.example', to: ['bob@special.example'], content: messageText({ token: 'special' }) })).code, 250);
  await client.quit();
  await other.arrival('special');
  const usual = await dialSmtp({ port: box.port, localAddress: '127.0.0.2' });
  await usual.hello();
  assert.equal((await usual.send({ from: 'ada@sender.example', to: ['bob@special.example'], content: messageText({ token: 'usual' }) })).code, 250);
  await usual.quit();
  await sink.arrival('usual');
  assert.equal(other.count, 1, 'the first firm has its own routes');
  await sink.until(20_000, 'the report', () => sink.arrivals.some(one => one.reversePath === ''));
  const report = sink.arrivals.find(one => one.reversePath === '')?.content.toString() ?? '';
  assert.match(report, /^From: "The second firm" <mailer@second\.example>/m);
  assert.match(report, /^Reporting-MTA: dns; mail\.second\.example/m);
  assert.match(report, /^ {2}by mail\.second\.example with dsn/m, 'the report belongs to the second firm too');

  const asked = async (...words: string[]) => {
    const { code, stdout, stderr } = await box.run(words);
    return `${code} ${stdout.trim()}${stderr.trim()}`;
  };
  assert.match(await asked('aliaslookup', 'sales@second.example'), /-> sales@second\.example$/, 'a stranger\'s, to the first firm');
  assert.match(await asked('aliaslookup', '--vhost', SECOND, 'sales@second.example'), /^0 [^]*aliases: sales@second\.example[^]*-> ann@second\.example$/);
  assert.match(await asked('testmxlookup', 'special.example'), new RegExp(`^0 Route: \\[127\\.0\\.0\\.1\\],${sink.port}\n`));
  assert.match(await asked('testmxlookup', '--vhost', `::ffff:${SECOND}`, 'special.example'), new RegExp(`^0 Route: \\[127\\.0\\.0\\.1\\],${other.port}\n`));
  assert.match(await asked('testmxlookup', '--vhost', 'third.example', 'special.example'), /^64 [^]*there is no virtual host third\.example/);
  const traced = await asked('trace', '--vhost', SECOND);
  assert.ok(traced.includes('addr=bob@special.example') && traced.includes('addr=nobody@there.example'), traced);
  assert.equal(traced.split('bob@special.example').length, 2, 'and not the first firm\'s mail to the same place');
  assert.equal(await asked('trace', '--login', 'ann@second.example'), '1 Nothing is remembered of such mail.');
  assert.equal(await box.stop(), 0);
});
