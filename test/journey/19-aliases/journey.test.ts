/** Aliases from the first RCPT to the mailbox, the program and the next hop; changed while the gateway runs. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { openSink } from '../../props/sink.ts';

test('aliases: members, programs, files, no stranger at the back door, in force at once', { timeout: 90_000 }, async (t) => {
  const sink = await openSink();
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port });
  const out = join(box.folder, 'out');
  box.configure({ userdb: '# nobody\n', 'aliases/first': `sales: postmaster, far@there.example, postmaster\nprog: "|cat > ${out}; echo $SENDER >> ${out}"\nfile: ${join(box.folder, 'mbox')}\n` });
  await box.start();
  const send = async (to: string, token: string, from = 's@there.example') => box.run(['sendmail', '-f', from, to], `Subject: x\nX-Token: ${token}\n\nHello.\nFrom here on\n`);
  assert.equal((await send('sales@posthorn.example', 'one')).code, 0);
  assert.deepEqual((await sink.arrival('one')).recipients, ['far@there.example']);
  const newFolder = join(box.folder, 'state/mailboxes/postmaster/new');
  await box.logged('the local delivery', line => line.event === 'completed' || line.event === 'delivery' && JSON.stringify(line).includes('postmaster'));
  assert.equal(readdirSync(newFolder).length, 1, 'named twice, delivered once');

  // A hostile sender is data: CVE-2020-7247 (OpenSMTPD) and CVE-2019-10149 (Exim) ran such addresses.
  const from = box.log.length;
  assert.equal((await send('prog@posthorn.example', 'two', '"; touch pwned; $(touch pwned) `touch pwned` ${run{touch pwned}}"@there.example')).code, 0);
  await box.logged('the program', line => line.event === 'completed', { from });
  const heard = readFileSync(out, 'utf8');
  assert.match(heard, /X-Token: two[^]*\$\(touch pwned\) `touch pwned`/);
  for (const folder of [box.folder, join(box.folder, 'state'), join(box.folder, 'state/mailboxes')]) assert.ok(!readdirSync(folder).includes('pwned'));

  const next = box.log.length;
  assert.equal((await send('file@posthorn.example', 'three')).code, 0);
  await box.logged('the file', line => line.event === 'completed', { from: next });
  assert.match(readFileSync(join(box.folder, 'mbox'), 'utf8'), /^From s@there\.example [^]*\n\nHello\.\n>From here on\n\n$/);

  // What an alias runs has an address; it is nobody's to write to.
  const trace = await box.run(['aliaslookup', 'prog@posthorn.example']);
  assert.equal(trace.code, 0);
  assert.match(trace.stdout, /prog@posthorn\.example is an alias .*first:2[^]*-> \|cat/);
  const refused = await send('".xalias/00000000000000000000000000000000/prog=posthorn:example"@posthorn.example', 'four');
  assert.equal(refused.code, 67);

  assert.equal((await send('late@posthorn.example', 'five')).code, 67);
  box.configure({ 'aliases/second': 'late: late@there.example\n' });
  assert.equal((await send('late@posthorn.example', 'six')).code, 0);
  assert.deepEqual((await sink.arrival('six')).recipients, ['late@there.example']);

  const dump = await box.run(['makealiases', '-chk', '-dump']);
  assert.match(dump.stdout, /^late: late@there\.example$/m);
  assert.equal(dump.code, 0, dump.stderr);
  box.configure({ 'aliases/second': 'late: nobody-here\n' });
  assert.equal((await box.run(['makealiases', '-chk'])).code, 1);

  // The default domain may be somebody else's: what an alias runs is run here all the same.
  box.configure({ defaultdomain: 'elsewhere.example\n', 'aliases/third': `run@posthorn.example: "|cat > ${join(box.folder, 'out2')}"\n` });
  box.signal('SIGHUP');
  await box.logged('the reload', line => line.event === 'reloaded');
  const last = box.log.length;
  assert.equal((await send('run@posthorn.example', 'seven')).code, 0);
  await box.logged('the program again', line => line.event === 'completed', { from: last });
  assert.match(readFileSync(join(box.folder, 'out2'), 'utf8'), /X-Token: seven/);
  assert.equal((await send('".xalias/00000000000000000000000000000000/x"@elsewhere.example', 'eight')).code, 67);
  assert.equal(await box.stop(), 0);
});
