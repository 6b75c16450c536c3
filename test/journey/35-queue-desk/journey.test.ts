/** `posthorn queue`: a message's history, the disk's second opinion, and a move to another box. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { flipInIndex } from '../../props/bit-flips.ts';
import type { Box } from '../../props/box.ts';
import { boxFor } from '../../props/box.ts';
import { post } from '../../props/post.ts';
import { openSink } from '../../props/sink.ts';

async function idsOf(box: Box): Promise<string[]> {
  return (await box.run(['mailq', '-batch'])).stdout.split('\n').filter((line) => line.includes(';')).map((line) => line.split(';')[1] ?? '');
}

test('seen, held, found damaged, repaired, moved to another box, delivered there once', { timeout: 120_000 }, async (t) => {
  const busy = await openSink({ answer: ({ stage }) => (stage === 'rcpt' ? '451 4.2.1 Asleep for now' : undefined) });
  t.after(() => busy.close());
  const old = await boxFor(t, { nextHop: busy.port });
  await old.start();
  for (const token of ['one', 'two', 'three']) await post(old, { token, from: `marker-${token}@sender.example` });
  await old.logged('all tried', () => old.log.filter((line) => line.event === 'delivery').length === 3);
  const ids = await idsOf(old);
  assert.equal(ids.length, 3);

  const shown = await old.run(['queue', 'show', ids[0]!]);
  assert.equal(shown.code, 0, shown.stderr);
  assert.match(shown.stdout, /Asleep for now/);
  assert.match(shown.stdout, /From +<marker-one@sender\.example>/);
  assert.match(shown.stdout, /Next .* \(in [45]m/);
  assert.match(shown.stdout, /by esmtp /);
  assert.match((await old.run(['queue', 'show', ids[0]!, '--content'])).stdout, /^Received: /);
  assert.equal((await old.run(['queue', 'show', 'NO-SUCH-ID'])).code, 1);
  assert.match((await old.run(['hold', '--domain', 'there.example'])).stdout, /^3 messages are on hold/);
  assert.match((await old.run(['release', '--route', 'esmtp'])).stdout, /^3 messages are free/);
  assert.equal((await old.run(['hold', '--domain', 'elsewhere.example'])).code, 1);
  assert.match((await old.run(['queue', 'verify'])).stdout, /^3 messages read, .* all is as it was written\.$/m);
  assert.match((await old.run(['queue', 'top'])).stdout, /3 messages: 3 waiting/);
  assert.match((await old.run(['queue', 'timetable'])).stdout, /^ +1 +at once\n +2 +5m +5m\n/m);
  assert.equal(await old.stop(), 0);

  // A card that lies, while the gateway is off.
  assert.ok(flipInIndex(join(old.folder, 'state', 'queue'), 'marker-two@', 3, 2) > 0);
  const verified = await old.run(['queue', 'verify']);
  assert.deepEqual([verified.code, verified.stdout.split('\n')[0]], [1, `${ids[1]}  record: record checksum does not match`]);
  const repaired = await old.run(['queue', 'repair']);
  assert.deepEqual([repaired.code, repaired.stdout.split('\n')[0]], [0, `${ids[1]}  record: record checksum does not match - mended`]);

  const file = join(old.folder, 'queue.export');
  const exported = await old.run(['queue', 'export', file]);
  assert.deepEqual([exported.code, exported.stderr], [0, '3 messages exported and put on hold here.\n']);
  assert.match((await old.run(['mailq'])).stdout, /\(on hold\)/);

  const sink = await openSink();
  t.after(() => sink.close());
  const fresh = await boxFor(t, { nextHop: sink.port, folder: join(old.folder, 'fresh') });
  writeFileSync(join(old.folder, 'half'), readFileSync(file).subarray(0, 2500));
  const half = await fresh.run(['queue', 'import', join(old.folder, 'half')]);
  assert.equal(half.code, 75, half.stdout);
  const imported = await fresh.run(['queue', 'import', file]);
  assert.equal(imported.code, 0, imported.stderr);
  assert.deepEqual(await idsOf(fresh), ids);
  assert.match((await fresh.run(['queue', 'show', ids[0]!])).stdout, /Asleep for now/, 'history has come along');
  await fresh.start();
  assert.equal((await fresh.run(['flush', ids[0]!])).code, 0);
  assert.equal((await fresh.run(['flush', '--domain', 'there.example'])).code, 0);
  await sink.until(20_000, 'all three', () => sink.arrivals.length === 3);
  await fresh.logged('all completed', () => fresh.log.filter((line) => line.event === 'completed').length === 3);
  assert.match((await fresh.run(['queue', 'import', file])).stdout, /^0 messages imported, 3 were known already/);
  assert.deepEqual(await idsOf(fresh), []);
  assert.deepEqual(sink.arrivals.map(({ reversePath }) => reversePath).toSorted(), ['marker-one@sender.example', 'marker-three@sender.example', 'marker-two@sender.example']);
  assert.equal(await fresh.stop(), 0);

  const deleted = await old.run(['queue', 'delete', '--exported', file]);
  assert.deepEqual([deleted.code, deleted.stdout], [0, '3 messages deleted.\n']);
  assert.match((await old.run(['mailq', '--summary'])).stdout, /^0 messages/);
});
