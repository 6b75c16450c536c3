/** Mail for people of this box: accounts, dot files, hosted domains, a loop that ends, another system's addresses taken over. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { openSink } from '../../props/sink.ts';

test('people of this box', { timeout: 120_000 }, async t => {
  const sink = await openSink();
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port });
  const home = (name: string) => join(box.folder, 'home', name);
  for (const name of ['ann', 'bob', 'all']) mkdirSync(home(name), { recursive: true, mode: 0o700 });
  box.configure({
    userdb: `ann\thome=${home('ann')}\nbob\thome=${home('bob')}|quota=3000S\nalias@hosted.example\thome=${home('all')}\nvirtual@hosted.example\tesmtppw=x\n`,
    hosteddomains: 'hosted.example\nother.example\thosted.example\n', esmtpacceptmailfor: 'posthorn.example\nhosted.example\nother.example\n',
    courierd: 'DEFAULTDELIVERY="|| dotforward\n./Maildir"\nDSNTOAUTHADDR=0\n', defaultsep: '+\n',
  });
  await box.start();
  const outcome = async (to: string, token: string, text = 'Hello.\n', from = 's@there.example') => {
    const at = box.log.length;
    const { code, stderr } = await box.run(['sendmail', '-f', from, to], `Subject: x\nX-Token: ${token}\n\n${text}`);
    assert.equal(code, 0, stderr);
    return box.logged(`the outcome of ${token}`, line => line.event === 'delivery' && line['module'] === 'local', { from: at });
  };
  const news = (folder: string) => (existsSync(join(folder, 'new')) ? readdirSync(join(folder, 'new')) : []);

  // The default delivery of courierd, then .forward, then .courier.
  assert.equal((await outcome('ann@posthorn.example', 'one'))['status'], 'success');
  assert.equal(news(join(home('ann'), 'Maildir')).length, 1);
  writeFileSync(join(home('ann'), '.forward'), 'far@there.example\n');
  assert.equal((await outcome('ann@posthorn.example', 'two'))['status'], 'success');
  assert.deepEqual((await sink.arrival('two')).recipients, ['far@there.example']);
  assert.match((await sink.arrival('two')).content.toString(), /^Received: [^]*?^Delivered-To: ann@posthorn\.example\r$/m);
  assert.equal(news(join(home('ann'), 'Maildir')).length, 1);
  writeFileSync(join(home('ann'), '.courier-list-default'), `| echo "$DEFAULT $EXT" > ${join(box.folder, 'heard')}\n`);
  assert.equal((await outcome('ann+list-a-b@posthorn.example', 'three'))['status'], 'success');
  assert.equal(readFileSync(join(box.folder, 'heard'), 'utf8'), 'a-b list-a-b\n');

  // Over quota waits; it does not come back at once.
  const full = await outcome('bob@posthorn.example', 'four', 'x'.repeat(60).concat('\n').repeat(60));
  assert.deepEqual([full['status'], full['code']], ['deferred', '4.2.2']);

  // Hosted: an account without a home, the catch-all, a domain that is an alias of another.
  assert.equal((await outcome('virtual@other.example', 'five'))['status'], 'success');
  assert.equal(news(join(box.folder, 'state/mailboxes/virtual@hosted.example')).length, 1);
  writeFileSync(join(home('all'), '.courier-default'), './Maildir/\n');
  assert.equal((await outcome('whoever@hosted.example', 'six'))['status'], 'success');
  assert.equal(news(join(home('all'), 'Maildir')).length, 1);
  const steps = await box.run(['aliaslookup', 'whoever@other.example']);
  assert.match(steps.stdout, /whoever@other\.example is whoever@hosted\.example here[^]*delivered as .*\.courier-default says[^]*-> whoever@hosted\.example/);
  const nobody = await box.run(['aliaslookup', 'nobody@posthorn.example']);
  assert.equal(nobody.code, 67);

  // A .courier that sends to itself: the second time round it fails, and the sender hears of it once.
  writeFileSync(join(home('ann'), '.courier'), '&ann@posthorn.example\n');
  const at = box.log.length;
  assert.equal((await outcome('ann@posthorn.example', 'seven'))['status'], 'success');
  const looped = await box.logged('the end of the loop', line => line.event === 'delivery' && line['code'] === '5.4.6', { from: at });
  assert.equal(looped['status'], 'failure');
  await sink.until(20_000, 'the report', () => sink.arrivals.some(({ reversePath }) => reversePath === ''));
  assert.equal(sink.arrivals.filter(({ reversePath }) => reversePath === '').length, 1);

  // Another system's addresses, taken over while the gateway runs.
  writeFileSync(join(box.folder, 'aliases'), 'Support: virtual@hosted.example, far@there.example\nowner-support: ann\nnull: /dev/null\n');
  const imported = await box.run(['import', 'sendmail-aliases', join(box.folder, 'aliases'), '--write']);
  assert.equal(imported.code, 1, 'owner- is for a person to decide');
  assert.match(imported.stderr, /owner-support/);
  assert.equal((await outcome('support@posthorn.example', 'eight'))['status'], 'success');
  assert.deepEqual((await sink.arrival('eight')).recipients, ['far@there.example']);
  assert.equal(news(join(box.folder, 'state/mailboxes/virtual@hosted.example')).length, 2);
  assert.equal(await box.stop(), 0);
});
