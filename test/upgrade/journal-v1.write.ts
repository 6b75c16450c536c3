/**
 * Writes the journal that journal-v1.test.ts reads, with the journal's version of this day: `node test/upgrade/journal-v1.write.ts`.
 * Run once per version; what it wrote is kept as it is for ever: the file of a gateway that was killed.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { after } from '../../src/core/clock.ts';
import { silent } from '../../src/core/log.ts';
import { openLmdbQueue } from '../../src/flow/queue/index.ts';
import { openKernels } from '../../src/kit/wasm/kernels.ts';
import { createFakeClock } from '../props/fake-clock.ts';
import { layJournal } from '../props/journal.ts';
import { idOf, post, text } from '../props/queue-messages.ts';

const folder = mkdtempSync(join(tmpdir(), 'posthorn-upgrade-'));
const clock = createFakeClock(1_700_000_000_000);
const kernels = openKernels();
const store = await openLmdbQueue({ folder, kernels, clock, log: silent, watermarkOctets: 0, journalOctets: layJournal(folder) });
await store.claim({ now: clock.now(), limit: 1, leaseMs: 60_000 });
const finished = idOf(await post(store, kernels, clock.now(), text(300)));
const [claim] = await store.claim({ now: clock.now(), limit: 1, leaseMs: 60_000 });
await store.release(claim!, 'finished');
await clock.advance(20);
const small = idOf(await post(store, kernels, clock.now(), text(700)));
const later = idOf(await post(store, kernels, clock.now(), text(20_000), { due: after(clock.now(), 60_000) }));
const [name] = readdirSync(join(folder, 'journal'));
const gzip = gzipSync(readFileSync(join(folder, 'journal', name!)), { level: 9 }).toString('base64');
await store.close();
rmSync(folder, { recursive: true });
writeFileSync(new URL('journal-v1.json', import.meta.url), `${JSON.stringify({ finished, small, later, name, gzip }, null, 1)}\n`);
