/** A queue written with record version 1 is read for as long as there is a queue. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { MessageId } from '../../src/core/envelope.ts';
import { silent } from '../../src/core/log.ts';
import { openLmdbQueue } from '../../src/flow/queue/index.ts';
import { createFakeClock } from '../props/fake-clock.ts';
import { all, contentOf, deferred, delivered, envelope, recipients, text, trace } from '../props/queue-messages.ts';
import { scratchFolder } from '../props/scratch-folder.ts';
import { openKernels } from '../../src/kit/wasm/kernels.ts';

interface Written {
  readonly small: MessageId;
  readonly large: MessageId;
  readonly held: MessageId;
  readonly bad: MessageId;
  readonly files: readonly { readonly path: string; readonly gzip: string }[];
}

it('reads a queue of record version 1', async () => {
  const written = JSON.parse(readFileSync(new URL('queue-v1.json', import.meta.url), 'utf8')) as Written;
  const folder = scratchFolder('upgrade');
  for (const { path, gzip } of written.files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), gunzipSync(Buffer.from(gzip, 'base64')));
  }
  const start = 1_700_000_000_000;
  const clock = createFakeClock(start + 1000);
  const store = await openLmdbQueue({ folder, kernels: openKernels(), clock, log: silent, watermarkOctets: 0 });
  const entries = await all(store);
  assert.deepEqual(entries.map(({ message, state }) => [message.id, state]), [
    [written.small, 'waiting'],
    [written.large, 'waiting'],
    [written.held, 'held'],
    [written.bad, 'quarantined'],
  ]);
  const [small, large, , bad] = entries;
  assert.deepEqual(small?.message.envelope, envelope);
  assert.deepEqual(small?.message.recipients, [
    { ...recipients[0]!, outcome: delivered, outcomeAt: start, reported: true },
    { ...recipients[1]!, outcome: deferred, outcomeAt: start },
  ]);
  assert.equal(small?.message.warnedAt, start);
  assert.equal(small?.message.attempts, 1);
  assert.equal(small?.due, start + 300_000);
  assert.deepEqual(large?.message.cancelled, { reason: 'no longer wanted', at: start });
  assert.equal(bad?.why, 'looked odd');
  await store.order('all', { kind: 'flush', now: clock.now() });
  const claims = await store.claim({ now: clock.now(), limit: 10, leaseMs: 1000 });
  const contents = new Map(await Promise.all(claims.map(async (claim) => [claim.id, await contentOf(store, claim)] as const)));
  assert.deepEqual(contents.get(written.small), Buffer.concat([trace, text(700)]));
  assert.deepEqual(contents.get(written.large), Buffer.concat([trace, text(400_000)]));
  assert.equal(claims.length, 2);
  await store.close();
});
