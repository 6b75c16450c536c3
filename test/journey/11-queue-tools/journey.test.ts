/** mailq, flush and cancelmsg, with a gateway that runs and with one that does not. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { post } from '../../props/post.ts';
import { readReport } from '../../props/read-report.ts';
import { openSink } from '../../props/sink.ts';

test('listed, cancelled with a reason, reported to the sender', { timeout: 60_000 }, async (t) => {
  const sink = await openSink({ answer: ({ stage, line }) => (stage === 'rcpt' && line.includes('bob@') ? '451 4.2.1 Asleep' : undefined) });
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port });
  await box.start();
  await post(box, { token: 'one' });
  await post(box, { token: 'two', from: 'zoe@sender.example' });
  await box.logged('both tried', () => box.log.filter((line) => line.event === 'delivery').length === 2);
  const listed = await box.run(['mailq', '-batch']);
  const ids = listed.stdout.split('\n').filter((line) => line.includes(';')).map((line) => line.split(';')[1] ?? '');
  assert.equal(ids.length, 2, listed.stdout);
  assert.match((await box.run(['mailq'])).stdout, /2 messages/);

  const unknown = await box.run(['cancelmsg', 'NO-SUCH-ID']);
  assert.deepEqual([unknown.code, unknown.stderr], [1, 'Message not found: NO-SUCH-ID is no queue id, as mailq shows them.\n']);
  assert.equal((await box.run(['flush', 'NO-SUCH-ID'])).code, 1);

  assert.equal((await box.run(['cancelmsg', ids[0] ?? '', 'Sent', 'by', 'mistake'])).code, 0);
  await sink.until(20_000, 'the report', () => sink.arrivals.some((one) => one.reversePath === ''));
  const read = await readReport(sink.arrivals[0]!.content);
  assert.match(read.text, /Sent by mistake/);
  assert.equal(read.recipients[0]?.get('action'), 'failed');
  await box.logged('completion', (line) => line.event === 'completed' && line['id'] === ids[0]);
  assert.match((await box.run(['mailq', '-batch'])).stdout, /messages: 1\n/);
  assert.equal((await box.run(['mailq', ids[0]!.toLowerCase()])).stderr, `Message not found: ${ids[0]} is not queued any more; posthorn trace ${ids[0]} tells what became of it.\n`);
  assert.equal(await box.stop(), 0);

  // The same tools read the queue where no gateway runs.
  const alone = await box.run(['mailq', '-batch']);
  assert.equal(alone.code, 0, alone.stderr);
  assert.match(alone.stdout, new RegExp(`;${ids[1]};`));
});

test('what one sender flooded the queue with: seen, held and deleted by his name, and nobody else’s mail', { timeout: 60_000 }, async (t) => {
  const sink = await openSink({ answer: ({ stage }) => (stage === 'rcpt' ? '451 4.2.1 Asleep' : undefined) });
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port });
  await box.start();
  for (const token of ['one', 'two']) await post(box, { token, from: 'Mallory@hacked.example' });
  await post(box, { token: 'three', from: 'zoe@sender.example' });
  await box.logged('all tried', () => box.log.filter((line) => line.event === 'delivery').length === 3);

  const his = await box.run(['mailq', '--batch', '--from', 'mallory@HACKED.example']);
  const ids = his.stdout.split('\n').filter((line) => line !== '').map((line) => line.split(';')[1] ?? '');
  assert.deepEqual([his.code, ids.length], [0, 2], his.stdout);
  assert.deepEqual(Object.values(await box.run(['mailq', '--from', 'nobody@hacked.example'])), [1, '', 'Message not found: nothing that is queued comes from nobody@hacked.example.\n']);

  const soon = await box.run(['queue', 'delete', '--from', '@hacked.example']);
  assert.deepEqual([soon.code, soon.stdout], [1, '0 messages deleted.\n']);
  assert.match(soon.stderr, /^2 are not on hold: .* posthorn hold comes first\.\n$/);
  assert.equal((await box.run(['hold', '--from', '@hacked.example'])).stdout, '2 messages are on hold.\n');
  const flushed = await box.run(['flush', ids[0]!, ids[1]!.toLowerCase(), 'typed-wrong']);
  assert.deepEqual([flushed.code, flushed.stdout], [1, '']);
  assert.equal(flushed.stderr, `${ids[0]} is on hold: posthorn release lets it go.\n${ids[1]} is on hold: posthorn release lets it go.\nMessage not found: typed-wrong is no queue id, as mailq shows them.\n`);
  assert.deepEqual(Object.values(await box.run(['queue', 'delete', '--from', 'mallory@hacked.example'])), [0, '2 messages deleted.\n', '']);
  assert.match((await box.run(['mailq'])).stdout, /<zoe@sender\.example>\n.*\n\n1 message\.\n$/);
  assert.equal((await box.run(['cancelmsg', '--from', 'zoe@sender.example', 'Not', 'wanted'])).stdout, '1 message is cancelled.\n');
  assert.equal(await box.stop(), 0);
});

test('a typing error is answered by what was meant; a file that cannot be used by its name; a closed pipe by silence', { timeout: 60_000 }, async (t) => {
  const box = await boxFor(t);
  for (const [words, code, said] of [
    [['mailqq'], 64, /^posthorn: there is no command "mailqq"\. Was mailq meant\?/],
    [['queue', 'improt', 'x'], 64, /^posthorn queue: there is no "queue improt"; was import meant\?\nUsage: posthorn queue show\|/],
    [['queue', 'show'], 64, /Usage: posthorn queue show QID \[--json \| --content\]\n/],
    [['fax', 'render'], 64, /Usage: posthorn fax render FILE\.eml -o /],
    [['queue', 'import', join(box.folder, 'none')], 66, /none is not there\.\n$/],
    [['queue', 'import', box.folder], 66, /is a folder\.\n$/],
    [['queue', 'import', join(box.config, 'me')], 65, /me is no queue export\.\n$/],
    [['queue', 'delete', '--exported', join(box.config, 'me')], 65, /me is no queue export\.\n$/],
    [['queue', 'export', join(box.folder, 'none', 'file')], 73, /file: its folder is not there\.\n$/],
    [['fax', 'render', box.folder, '-o', 'x.pdf'], 66, /^posthorn fax: .* is a folder\.\n$/],
    [['fax', 'render', join(box.folder, 'none'), '-o', 'x.pdf'], 66, /none is not there\.\n$/],
    [['fax', 'probe', 'office'], 1, /^office is no modem of faxmodems \(it names none\) and no device/],
    [['status'], 69, /^No gateway answers at 127\.0\.0\.1:\d+: connection refused\n$/],
  ] as const) {
    const answer = await box.run(words);
    assert.equal(answer.code, code, `${words.join(' ')}: ${answer.stderr}`);
    assert.match(answer.stderr, said, words.join(' '));
    assert.doesNotMatch(answer.stderr, /\n {4}at /, 'no trace of ours');
  }
  const child = spawn(process.execPath, [join(import.meta.dirname, '..', '..', '..', 'src', 'main.ts'), 'queue', 'timetable', '--config', box.config], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 30_000 });
  child.stdout.destroy();
  let said = '';
  child.stderr.on('data', (octets: Buffer) => void (said += octets.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  assert.deepEqual([code, said], [0, '']);
});
