/** What the disk allows: 4 KB messages a second made durable, one fdatasync for all writers that wait. */
import { closeSync, fdatasync, openSync, write } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { attempt, type Bench } from './bench.ts';

const sync = promisify(fdatasync);
const append = promisify(write);

export async function askDisk(bench: Bench): Promise<void> {
  for (let round = 1; round <= bench.rounds; round += 1) {
    for (const writers of [1, 10, 50]) {
      bench.say(`disk, round ${round} of ${bench.rounds}: ${writers} writers`);
      await attempt(bench, 'disk', async () => {
        const folder = bench.scratch('disk');
        const file = openSync(join(folder, 'log'), 'w');
        const batch = Buffer.alloc(4096 * writers, 0x61);
        const start = performance.now();
        let messages = 0;
        while (performance.now() - start < bench.sampleSeconds * 500) {
          await append(file, batch);
          await sync(file);
          messages += writers;
        }
        const rate = messages / ((performance.now() - start) / 1000);
        closeSync(file);
        bench.removed(folder);
        bench.notebook.note({ name: `disk limit 4K, ${writers} writer${writers === 1 ? '' : 's'}`, unit: 'messages/s', better: 'more' }, 'disk', rate);
      });
    }
  }
}
