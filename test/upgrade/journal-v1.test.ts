/** What a killed gateway left in a journal of version 1 is read for as long as there are journals. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { MessageId } from '../../src/core/envelope.ts';
import { silent } from '../../src/core/log.ts';
import { openLmdbQueue } from '../../src/flow/queue/index.ts';
import { openKernels } from '../../src/kit/wasm/kernels.ts';
import { createFakeClock } from '../props/fake-clock.ts';
import { all, contentOf, envelope, recipients, text, trace } from '../props/queue-messages.ts';
import { scratchFolder } from '../props/scratch-folder.ts';

interface Written {
  readonly finished: MessageId;
  readonly small: MessageId;
  readonly later: MessageId;
  readonly name: string;
  readonly gzip: string;
}

it('reads a journal of version 1', async () => {
  const written = JSON.parse(readFileSync(new URL('journal-v1.json', import.meta.url), 'utf8')) as Written;
  const folder = scratchFolder('upgrade');
  mkdirSync(join(folder, 'journal'), { recursive: true });
  writeFileSync(join(folder, 'journal', written.name), gunzipSync(Buffer.from(written.gzip, 'base64')));
  const start = 1_700_000_000_000;
  const store = await openLmdbQueue({ folder, kernels: openKernels(), clock: createFakeClock(start + 1000), log: silent, watermarkOctets: 0 });
  assert.equal(store.recovery.journal, 2);
  const entries = await all(store);
  assert.deepEqual(entries.map(({ message, state, due }) => [message.id, state, due]), [
    [written.small, 'waiting', start + 20],
    [written.later, 'waiting', start + 20 + 60_000],
  ]);
  for (const [n, octets] of [700, 20_000].entries()) {
    const { message } = entries[n]!;
    assert.deepEqual(message.envelope, envelope);
    assert.deepEqual(message.recipients, recipients);
    assert.deepEqual(await contentOf(store, { id: message.id, message, token: 0 }), Buffer.concat([trace, text(octets)]));
  }
  await store.close();
});
