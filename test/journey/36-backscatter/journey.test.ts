/** BOFHSUPPRESSBACKSCATTER: an address that mail bounced from is refused at the door, until somebody clears it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { messageText } from '../../props/messages.ts';
import { post } from '../../props/post.ts';
import { openSink } from '../../props/sink.ts';
import { dialSmtp } from '../../props/smtp-client.ts';

test('refused after a failure, also by another start; shown and cleared', { timeout: 60_000 }, async (t) => {
  const sink = await openSink({ answer: ({ stage, line }) => (stage === 'rcpt' && line.includes('gone@') ? '550 5.1.1 Nobody' : stage === 'rcpt' && line.includes('busy@') ? '451 4.2.1 Asleep' : undefined) });
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port, files: { bofh: 'opt BOFHSUPPRESSBACKSCATTER=smtp,authsmtp\n' } });
  await box.start();
  const rcpt = async (to: string): Promise<string> => {
    const client = await dialSmtp({ port: box.port });
    try {
      await client.hello();
      const { code, lines } = await client.send({ from: 'ada@sender.example', to: [to], content: messageText({ token: to }) });
      return `${code} ${lines.join(' ')}`;
    } finally {
      await client.quit();
    }
  };
  await post(box, { token: 'one', to: ['gone@there.example'] });
  await post(box, { token: 'two', to: ['busy@there.example'] });
  await box.logged('both answered', () => box.log.filter((line) => line.event === 'delivery' && ['gone@there.example', 'busy@there.example'].includes(String(line['addr']))).length === 2);
  assert.match(await rcpt('Gone@there.example'), /^550 .*failed a while ago/);
  assert.match(await rcpt('busy@there.example'), /^450 .*could not be delivered/);
  assert.match(await rcpt('fine@there.example'), /^250 /);
  assert.equal(await box.stop(), 0);

  const shown = await box.run(['show', 'all']);
  assert.deepEqual(shown.stdout.trim().split('\n').map((line) => line.split(/ {2,}/).slice(1)).toSorted(), [['deferral', 'busy@there.example'], ['failure', 'gone@there.example']]);
  await box.start();
  assert.match(await rcpt('gone@there.example'), /^550 /);
  assert.equal((await box.run(['clear', 'gone@there.example'])).stdout, '1 forgotten.\n');
  assert.match(await rcpt('gone@there.example'), /^250 /);
  assert.equal((await box.run(['clear', 'nobody@there.example'])).code, 1);
  assert.equal((await box.run(['clear', 'all'])).code, 0);
});

test('ESMTP_BLOCKBACKSCATTER: a report about strangers\' mail is dropped on its way out, one about our own goes', { timeout: 60_000 }, async (t) => {
  const sink = await openSink({ answer: ({ stage, line }) => (stage === 'rcpt' && line.includes('gone@') ? '550 5.1.1 Nobody' : undefined) });
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port, files: { courierd: 'ESMTP_BLOCKBACKSCATTER=smtp/dsn\n', 'smtpaccess/default': '127.0.0.1\tallow\n', esmtpacceptmailfor: 'there.example\n' } });
  await box.start();
  await post(box, { token: 'strange', to: ['gone@there.example'] });
  await box.logged('dropped', (line) => line.event === 'backscatter' && line['source'] === 'smtp/dsn');
  const sent = await box.run(['sendmail', '-f', 'ada@sender.example', 'gone@there.example'], 'Subject: mine\n\nx\n');
  assert.equal(sent.code, 0, sent.stderr);
  await sink.until(20_000, 'the report', () => sink.arrivals.some(({ reversePath }) => reversePath === ''));
  assert.deepEqual(sink.arrivals.map(({ recipients }) => recipients), [['ada@sender.example']]);
});
