/** Logs where an operator wants them: a file in Courier's words that logrotate turns over under load, and syslog. No line is lost, with one process that receives or two. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { post } from '../../props/post.ts';
import { scratchFor } from '../../props/scratch.ts';
import { openSink } from '../../props/sink.ts';
import { eventually } from '../../props/within.ts';

const LOGROTATE = '/usr/sbin/logrotate';

function completed(texts: readonly string[]): readonly string[] {
  return [...texts.join('').matchAll(/posthorn\[\d+\]: completed,id=(\S+)\n/g)].map(match => match[1] as string);
}

test('a log file that is moved away under load, by hand and by logrotate, loses nothing', { timeout: 120_000 }, async t => {
  const logs = scratchFor(t, 'logs');
  const path = join(logs, 'mail.log');
  const sink = await openSink({ keep: 'tokens' });
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port, files: { log: `stdout level=info\n${path} format=text\n`, receiveprocesses: '2\n' } });
  await box.start();
  const stop = new AbortController();
  let sent = 0;
  const load = (async () => {
    while (!stop.signal.aborted) await post(box, { token: `t${sent++}` });
  })();
  const turns: (() => Promise<void> | void)[] = [
    () => box.signal('SIGHUP'),
    async () => assert.equal((await box.run(['restart'])).code, 0),
    // Somebody is in the middle of an edit: the configuration stays, the file is still begun anew.
    async () => {
      box.configure({ queuetime: '1x\n' });
      box.signal('SIGHUP');
      await box.logged('the refusal', line => line.event === 'reload refused, the old configuration stays');
      box.configure({ queuetime: '1w\n' });
    },
  ];
  for (const [n, turn] of turns.entries()) {
    const before = sent;
    await eventually(20_000, 'some mail', () => sent > before + 10);
    renameSync(path, `${path}.${n}`);
    await turn();
    await eventually(20_000, 'a new file', () => existsSync(path));
  }
  if (existsSync(LOGROTATE)) {
    writeFileSync(join(logs, 'rotate.conf'), `${path} {\n  rotate 5\n  extension .rotated\n  nocreate\n  missingok\n  postrotate\n    kill -HUP ${box.pid}\n  endscript\n}\n`);
    chmodSync(logs, 0o755);
    execFileSync(LOGROTATE, ['--force', '--state', join(logs, 'state'), join(logs, 'rotate.conf')], { stdio: 'pipe' });
    await eventually(20_000, 'a new file', () => existsSync(path));
  } else t.diagnostic('logrotate is not here');
  const before = sent;
  await eventually(20_000, 'some mail', () => sent > before + 10);
  stop.abort();
  await load;
  await box.logged('the last one to be done', () => box.log.filter(line => line.event === 'completed').length >= sent);
  assert.equal(await box.stop(), 0);
  const parts = readdirSync(logs).filter(name => name.startsWith('mail.log') || name.endsWith('rotated')).map(name => readFileSync(join(logs, name), 'utf8'));
  assert.ok(parts.length >= 4);
  const ids = completed(parts);
  assert.deepEqual([ids.length, new Set(ids).size], [sent, sent]);
  for (const id of ids) assert.ok(parts.some(part => part.includes(`newmsg,id=${id}`) || part.includes(`newmsg,id=${id}:`)), `where ${id} came from`);
  for (const part of parts) for (const line of part.trimEnd().split('\n')) assert.match(line, /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d posthorn\.example posthorn\[\d+\]: \S/);
});

test('syslog hears it too; a file that cannot be had is said, and mail flows', { timeout: 60_000 }, async t => {
  const receiver = createSocket('udp4').bind(0, '127.0.0.1');
  t.after(() => receiver.close());
  await once(receiver, 'listening');
  const got: string[] = [];
  receiver.on('message', message => got.push(message.toString()));
  const sink = await openSink({ answer: ({ stage, line }) => (stage === 'rcpt' && line.includes('bad') ? '550 5.1.1 No' : undefined) });
  t.after(() => sink.close());
  const log = `stdout\n/no/such/folder/mail.log\nsyslog 127.0.0.1:${receiver.address().port} protocol=3164 tag=courierd\n`;
  const box = await boxFor(t, { nextHop: sink.port, files: { log } });
  await box.start();
  await box.logged('the file that cannot be had', line => line.event === 'log' && line['path'] === '/no/such/folder/mail.log');
  await post(box, { token: 'one', to: ['bad@there.example'] });
  await eventually(20_000, 'syslog to hear it', () => got.some(line => line.endsWith(',status: failure')) && got.some(line => /: completed,id=/.test(line)));
  assert.ok(got.every(line => /^<(?:19|20|22)>/.test(line) && line.includes(' posthorn.example courierd[')), got[0]);
  box.configure({ log: 'syslog logs.example.com\n' });
  const refused = await box.run(['restart']);
  assert.deepEqual([refused.code, /log:1: .*right would be: syslog 127\.0\.0\.1:514/.test(refused.stderr)], [78, true]);
  assert.equal(await box.stop(), 0);
});
