/** An operator's mistakes: typing errors, files that are not there, half a change in the configuration. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { post } from '../../props/post.ts';
import { openSink } from '../../props/sink.ts';

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
  const closed = async (words: readonly string[], pipe: 'stdout' | 'stderr'): Promise<readonly [number | null, string]> => {
    const child = spawn(process.execPath, [join(import.meta.dirname, '..', '..', '..', 'src', 'main.ts'), ...words, '--config', box.config], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 30_000 });
    child[pipe].destroy();
    let said = '';
    child[pipe === 'stdout' ? 'stderr' : 'stdout'].on('data', (octets: Buffer) => void (said += octets.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    return [code, said];
  };
  assert.deepEqual(await closed(['queue', 'timetable'], 'stdout'), [0, '']);
  assert.deepEqual(await closed(['queue', 'show'], 'stderr'), [64, ''], 'wrong is wrong when nobody listens, too');
});

test('half a change in the configuration hides no queue, and stops no stop', { timeout: 60_000 }, async (t) => {
  const sink = await openSink({ answer: ({ stage }) => (stage === 'rcpt' ? '451 4.2.1 Asleep' : undefined) });
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port });
  await box.start();
  await post(box, { token: 'one' });
  await box.logged('tried', (line) => line.event === 'delivery');
  box.configure({ queuetime: 'soon\n' });
  assert.equal((await box.run(['restart'])).code, 78);
  assert.match((await box.run(['mailq', '--why'])).stdout, /Asleep[^]*\n1 message\.\n$/);
  assert.match((await box.run(['hold', '--all'])).stdout, /^1 message is on hold/);
  assert.equal((await box.run(['trace'])).code, 0);
  assert.deepEqual(Object.values(await box.run(['stop'])), [0, '', '']);
  assert.equal(await box.ended(), 0);
  assert.deepEqual([(await box.run(['mailq'])).code, (await box.run(['stop'])).stdout], [78, 'No gateway is running here.\n']);
});
