/** A disk that answers "input/output error" to a sync: 4yz, never 250, and mail again when the disk has recovered. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { boxFor } from '../props/box.ts';
import { messageText } from '../props/messages.ts';
import { scratchFor } from '../props/scratch.ts';
import { openSink } from '../props/sink.ts';
import { dialSmtp, type Reply } from '../props/smtp-client.ts';
import { attachStrace, straceAbsent } from '../props/strace.ts';
import { eventually } from '../props/within.ts';

async function boxBefore(t: TestContext, name: string) {
  const folder = scratchFor(t, name);
  const sink = await openSink({ keep: 'tokens' });
  t.after(() => sink.close());
  const box = await boxFor(t, { folder, nextHop: sink.port });
  await box.start();
  return { folder, sink, box };
}

test('while every sync fails nothing is acknowledged; afterwards all goes on', { skip: straceAbsent(), timeout: 120_000 }, async (t) => {
  const { folder, sink, box } = await boxBefore(t, 'sync-fails');
  const send = async (token: string, octets: number): Promise<Reply> => {
    const client = await dialSmtp({ port: box.port });
    await client.hello();
    const answer = await client.send({ from: 'a@x.example', to: ['b@y.example'], content: messageText({ token, octets }) });
    await client.quit();
    return answer;
  };
  assert.equal((await send('before', 300_000)).code, 250); // too large for the journal, which is not made yet
  await sink.until(20_000, 'the first message', () => sink.tokens.has('before'));

  const tracer = await attachStrace(t, box.pid, ['-e', 'trace=fdatasync,fsync,msync', '-e', 'inject=fdatasync,fsync,msync:error=EIO', '-o', join(folder, 'trace')]);
  for (const [token, octets] of [['small', 2000], ['large', 300_000]] as const) {
    const answer = await send(token, octets);
    assert.ok(answer.code === 451 || answer.code === 452, answer.text);
  }
  assert.ok(box.running, 'the gateway lives');
  await tracer.detach();

  await eventually(30_000, 'mail to be taken again', async () => (await send('after', 2000)).code === 250);
  await sink.until(20_000, 'mail taken afterwards', () => sink.tokens.has('after'));
  assert.equal(await box.stop(), 0);
  await box.start();
  assert.equal((await send('next day', 300_000)).code, 250);
  await sink.until(20_000, 'mail after a new start', () => sink.tokens.has('next day'));
  assert.equal(await box.stop(), 0);
});

test('a journal that cannot be written is given up, and costs no mail', { skip: straceAbsent(), timeout: 120_000 }, async (t) => {
  const { folder, sink, box } = await boxBefore(t, 'journal-fails');
  const client = await dialSmtp({ port: box.port });
  await client.hello();
  const send = async (token: string): Promise<void> => {
    const answer = await client.send({ from: 'a@x.example', to: ['b@y.example'], content: messageText({ token, octets: 2000 }) });
    assert.equal(answer.code, 250, answer.text);
  };
  const journals = join(folder, 'state', 'queue', 'journal');
  const holds = (token: string) => readdirSync(journals).find((name) => readFileSync(join(journals, name)).includes(token));
  await eventually(20_000, 'a message in the journal', async () => {
    await send('warming');
    return holds('warming') !== undefined;
  });
  const tracer = await attachStrace(t, box.pid, ['-P', join(journals, holds('warming')!), '-e', 'trace=pwrite64,pwritev', '-e', 'inject=pwrite64,pwritev:error=EIO', '-o', join(folder, 'trace')]);
  for (const token of ['one', 'two', 'three']) await send(token);
  await tracer.detach();
  await eventually(20_000, 'the log to say so', () => box.log.some((line) => line['what'] === 'goes on without a journal'));
  await eventually(20_000, 'the journal to be removed', () => readdirSync(journals).length === 0);
  await send('four');
  await sink.until(20_000, 'all of it', () => ['one', 'two', 'three', 'four'].every((token) => sink.tokens.has(token)));
  await client.quit();
  assert.equal(await box.stop(), 0);
});
