/** mailq as people and scripts read it: Courier's lines, and what would break them. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { writeDefaultConfiguration } from '../../../src/configuration.ts';
import type { MessageId } from '../../../src/core/envelope.ts';
import type { ListedMessage, Operations, Wanted } from '../../../src/core/operations.ts';
import { runCommandLine } from '../../../src/front/cli/command-line.ts';
import type { Context } from '../../../src/front/cli/command.ts';
import { scratchFor } from '../../props/scratch.ts';

const at = new Date(2026, 10, 21, 7, 0, 0).getTime();
const message = (n: number, own: Partial<ListedMessage> = {}): ListedMessage => ({
  id: `660C9D7DDCBD${n}.0820F178` as MessageId, sizeOctets: 1536 * n, acceptedAt: at + n * 1000, due: at, state: 'waiting', owner: 'ann', reversePath: `s${9 - n}@a.example`, attempts: 0,
  recipients: [{ address: `r${n}@b.example`, status: '' }], ...own,
});
const queued = [message(1), message(2, { reversePath: '', recipients: [{ address: 'x;y@b.example', status: 'done' }, { address: 'z@b.example', status: 'fail' }] }), message(3, { state: 'claimed' })];

async function folderFor(t: TestContext): Promise<string> {
  const folder = scratchFor(t, 'mailq');
  await writeDefaultConfiguration(folder, { kind: 'embedded', me: 'box.example' });
  return folder;
}

async function run(folder: string, args: readonly string[], messages: readonly ListedMessage[] = queued): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string; readonly asked: readonly Wanted[] }> {
  const asked: Wanted[] = [];
  const operations = {
    async *list(which: Wanted) {
      asked.push(which);
      yield* await Promise.resolve(typeof which === 'object' && 'ids' in which ? messages.filter(({ id }) => which.ids.includes(id)) : messages);
    },
    summary: () => Promise.resolve({ messages: 1, claimed: 0, quarantined: 0, oldestAcceptedAt: at, freeOctets: 0 }),
    recent: () => Promise.resolve([]),
  } as unknown as Operations;
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const said = { stdout: '', stderr: '' };
  stdout.on('data', (octets: Buffer) => void (said.stdout += octets.toString()));
  stderr.on('data', (octets: Buffer) => void (said.stderr += octets.toString()));
  const rooms = { running: () => Promise.resolve(operations) } as unknown as Context['rooms'];
  const code = await runCommandLine(['mailq', '--config', folder, ...args], { stdin: new PassThrough(), stdout, stderr, environment: {}, version: 'x', rooms });
  await new Promise(setImmediate);
  return { code, ...said, asked };
}

test('in batch form: Courier’s fields, a line each, and no address that shifts them', async t => {
  const folder = await folderFor(t);
  for (const form of ['--batch', '-batch']) {
    const { code, stdout } = await run(folder, [form]);
    assert.deepEqual([code, stdout.split('\n')], [0, [
      '1536;660C9D7DDCBD1.0820F178;2026-11-21 07:00:01;ann;s8@a.example;;r1@b.example;',
      '3072;660C9D7DDCBD2.0820F178;2026-11-21 07:00:02;ann;;done;x_y@b.example;fail;z@b.example;',
      '4608;660C9D7DDCBD3.0820F178;2026-11-21 07:00:03;ann;s6@a.example;;r3@b.example;',
      'messages: 3', '',
    ]]);
  }
});

test('for people: three kinds of lines, sorted by sender when asked', async t => {
  const folder = await folderFor(t);
  const { stdout } = await run(folder, ['-sort']);
  assert.equal(stdout, `    3.0K  660C9D7DDCBD2.0820F178  2026-11-21 07:00:02
          ann <>
     done x;y@b.example
     fail z@b.example
    4.5K  660C9D7DDCBD3.0820F178  2026-11-21 07:00:03 (being delivered)
          ann <s6@a.example>
          r3@b.example
    1.5K  660C9D7DDCBD1.0820F178  2026-11-21 07:00:01
          ann <s8@a.example>
          r1@b.example

3 messages.
`);
  assert.equal((await run(folder, [], [])).stdout, 'Mail queue is empty.\n');
  assert.equal((await run(folder, ['--batch'], [])).stdout, 'messages: 0\n');
  assert.match((await run(folder, ['--summary'])).stdout, /^1 message, 0 being delivered, 0 in quarantine, the oldest since 2026-11-21 07:00:00\n$/);
});

test('of some: what was named is asked for, what is missing is told, and the total left out', async t => {
  const folder = await folderFor(t);
  const some = await run(folder, ['660c9d7ddcbd3.0820f178', '660C9D7DDCBD9.0820F178', '--json']);
  assert.deepEqual([some.code, some.stderr, some.asked[0]], [1, 'Message not found: 660C9D7DDCBD9.0820F178.\n', { ids: ['660C9D7DDCBD3.0820F178', '660C9D7DDCBD9.0820F178'] }]);
  assert.equal((JSON.parse(some.stdout) as ListedMessage).id, '660C9D7DDCBD3.0820F178');
  assert.deepEqual((await run(folder, ['--from', '<>'])).asked, [{ from: '<>' }]);
  assert.deepEqual((await run(folder, ['--domain', 'b.example', '--batch'])).stdout.split('\n').length, 4, 'no total that is none');
  for (const wrong of [['--summary', '--from', 'x'], ['--domain', 'a', '--route', 'b']]) assert.equal((await run(folder, wrong)).code, 64, wrong.join(' '));
});

test('into a pipe that closes: the list ends there, and the gateway is left in peace', { timeout: 20_000 }, async t => {
  const folder = await folderFor(t);
  let given = 0;
  let ended = false;
  const operations = {
    async *list() {
      try {
        for (;;) yield await Promise.resolve(message(++given % 9));
      } finally {
        ended = true;
      }
    },
  } as unknown as Operations;
  const stdout = new PassThrough();
  stdout.once('data', () => stdout.destroy());
  const rooms = { running: () => Promise.resolve(operations) } as unknown as Context['rooms'];
  const code = await runCommandLine(['mailq', '--config', folder], { stdin: new PassThrough(), stdout, stderr: new PassThrough(), environment: {}, version: 'x', rooms });
  assert.deepEqual([code, ended], [0, true]);
});
