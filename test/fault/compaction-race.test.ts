/** Several processes open a queue whose file is about to be exchanged: whatever they write is in the file that stays. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { silent } from '../../src/core/log.ts';
import { openLmdbQueue } from '../../src/flow/queue/index.ts';
import { openKernels } from '../../src/kit/wasm/kernels.ts';
import { createFakeClock } from '../props/fake-clock.ts';
import { scratchFolder } from '../props/scratch-folder.ts';

const script = fileURLToPath(new URL('compaction-process.ts', import.meta.url));

async function run(folder: string, what: string): Promise<void> {
  const child = spawn(process.execPath, [script, folder, what], { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = (await once(child, 'exit')) as [number | null];
  assert.equal(code, 0);
}

test('four processes at once, five times: nothing that was stored is in the old file only', { timeout: 120_000 }, async () => {
  for (let round = 0; round < 5; round++) {
    const folder = scratchFolder('compaction');
    await run(folder, 'burst');
    await Promise.all(Array.from({ length: 4 }, () => run(folder, 'post')));
    const store = await openLmdbQueue({ folder, kernels: openKernels(), clock: createFakeClock(), log: silent, watermarkOctets: 0, compactFrom: 1024 * 1024 });
    assert.equal((await store.summary()).messages, 40, `round ${round}`);
    for await (const one of store.verify('look')) assert.equal(one.kind, 'checked');
    await store.close();
    assert.ok(statSync(`${folder}/data.mdb`).size < 8 * 1024 * 1024, 'it was compacted, now at the latest');
  }
});
