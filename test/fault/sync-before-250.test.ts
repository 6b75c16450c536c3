/**
 * A killed process cannot show a missing fsync, as the page cache survives it. So the system calls are watched: the
 * sync of a message's octets returns before its 250 is written, or the write through to the journal that has them.
 */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { boxFor } from '../props/box.ts';
import { messageText } from '../props/messages.ts';
import { scratchFor } from '../props/scratch.ts';
import { dialSmtp } from '../props/smtp-client.ts';
import { attachStrace, straceAbsent } from '../props/strace.ts';
import { eventually } from '../props/within.ts';
import { readTrace, storyOf, syncs } from './system-calls.ts';

const traced = 'fdatasync,fsync,msync,sync_file_range,pwrite64,pwritev,pwritev2,write,writev,sendto,sendmsg,rename,renameat,renameat2,link,linkat';
const O_DSYNC = 0o10000;

test('a sync of the octets returns before the 250, for letters and for large mail', { skip: straceAbsent(), timeout: 120_000 }, async (t) => {
  const folder = scratchFor(t, 'sync-trace');
  const box = await boxFor(t, { folder, files: { submitdelay: '1d\n' } });
  await box.start();
  const file = join(folder, 'trace');
  const tracer = await attachStrace(t, box.pid, ['-y', '-ttt', '-s', '262144', '-e', `trace=${traced}`, '-o', file]);

  const client = await dialSmtp({ port: box.port });
  await client.hello();
  const send = async (token: string, octets: number): Promise<void> => {
    const answer = await client.send({ from: 'a@x.example', to: ['b@y.example'], content: messageText({ token: `trace-${token}-token`, octets }) });
    assert.equal(answer.code, 250, answer.text);
  };
  await send('first', 1000); // the journal is made for those that follow
  const journals = join(folder, 'state', 'queue', 'journal');
  await eventually(20_000, 'a message in the journal', async () => {
    await send('warming', 1000);
    return readdirSync(journals).some((name) => readFileSync(join(journals, name)).includes('trace-warming-token'));
  });
  for (const [token, octets] of [['small', 1000], ['letter', 20_000], ['large', 200_000], ['attachment', 3_000_000]] as const) await send(token, octets);
  await client.quit();
  const open = openFiles(box.pid);
  const indexDescriptors = open.filter(({ path }) => /data\.mdb$|\.mdb$/.test(path));
  await tracer.detach();
  assert.equal(await box.stop(), 0);

  const calls = readTrace(readFileSync(file, 'latin1'));
  const through = new Set(open.filter(({ path, flags }) => path.startsWith(journals) && (flags & O_DSYNC) !== 0).map(({ fd }) => fd));
  for (const token of ['first', 'attachment']) assert.equal(storyOf(calls, `trace-${token}-token`, through), 'synced before 250', token);
  for (const token of ['small', 'letter', 'large']) assert.equal(storyOf(calls, `trace-${token}-token`, through), 'written through before 250', token);
  // What makes a commit visible after a crash is the index's meta page, written after the sync: it needs a sync of its
  // own, or a descriptor that writes through.
  assert.ok(indexDescriptors.length > 0, 'the index is open');
  const meta = calls.filter((call) => call.name.startsWith('pwrite') && indexDescriptors.some((one) => one.fd === call.fd && (one.flags & O_DSYNC) !== 0));
  const syncedAfterAll = calls.filter((call) => syncs.has(call.name)).length >= 4;
  assert.ok(meta.length >= 2 || syncedAfterAll, 'each commit is written through or synced twice');
});

function openFiles(pid: number): readonly { readonly fd: string; readonly path: string; readonly flags: number }[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      const flags = /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1'))?.[1] ?? '0';
      return [{ fd, path: readlinkSync(`/proc/${pid}/fd/${fd}`), flags: Number.parseInt(flags, 8) }];
    } catch {
      return []; // closed meanwhile
    }
  });
}
