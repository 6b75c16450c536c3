/**
 * Writes the queue that queue-v1.test.ts reads, with the record version of this day: `node test/upgrade/queue-v1.write.ts`.
 * Run once per version; what it wrote is kept as it is for ever. The folder is kept as text, because a map file is mostly holes.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silent } from '../../src/core/log.ts';
import type { RecipientId } from '../../src/core/envelope.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import { openLmdbQueue } from '../../src/flow/queue/index.ts';
import { gzipSync } from 'node:zlib';
import { createFakeClock } from '../props/fake-clock.ts';
import { deferred, delivered, first, idOf, post, second, text } from '../props/queue-messages.ts';
import { openKernels } from '../../src/kit/wasm/kernels.ts';

const folder = mkdtempSync(join(tmpdir(), 'posthorn-upgrade-'));
const clock = createFakeClock(1_700_000_000_000);
const kernels = openKernels();
const store = await openLmdbQueue({ folder, kernels, clock, log: silent, watermarkOctets: 0 });
const now = clock.now();

const small = idOf(await post(store, kernels, now, text(700)));
await clock.advance(1);
const large = idOf(await post(store, kernels, now, text(400_000)));
await clock.advance(1);
const held = idOf(await post(store, kernels, now, text(5)));
await clock.advance(1);
const bad = idOf(await post(store, kernels, now, text(6)));
const [claim] = await store.claim({ now, limit: 1, leaseMs: 60_000 });
await store.record(claim!, { at: now, outcomes: new Map<RecipientId, Outcome>([[first, delivered], [second, deferred]]), reported: [first], warned: true });
await store.release(claim!, { due: (now + 300_000) as typeof now });
await store.order({ id: held }, { kind: 'hold', now });
await store.order({ id: large }, { kind: 'cancel', now, reason: 'no longer wanted' });
await store.quarantine(bad, 'looked odd');
await store.close();

const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name !== 'lock.mdb')
  .map((entry) => join(entry.parentPath, entry.name))
  .map((path) => ({ path: path.slice(folder.length + 1), gzip: gzipSync(readFileSync(path), { level: 9 }).toString('base64') }));
writeFileSync(new URL('queue-v1.json', import.meta.url), `${JSON.stringify({ small, large, held, bad, files }, null, 1)}\n`);
rmSync(folder, { recursive: true });
