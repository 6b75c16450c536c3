/** How long from the start of the program to the first 220? With an empty queue. */
import { answering } from '../load.ts';
import { attempt, type Bench } from './bench.ts';

export async function askStartup(bench: Bench): Promise<void> {
  for (let round = 1; round <= Math.max(3, bench.rounds); round += 1) {
    for (const peer of bench.peers) {
      bench.say(`start, round ${round}: ${peer.name}`);
      await attempt(bench, `${peer.name}, start`, async () => {
        const folder = bench.scratch(`start-${peer.name}`);
        const begun = performance.now();
        const running = await peer.start({ folder, nextHop: 1, mode: 'accept' });
        await answering(running.port, 10_000);
        bench.notebook.note({ name: 'start to the first 220', unit: 'ms', better: 'less' }, peer.name, performance.now() - begun);
        await running.stop();
        bench.removed(folder);
      });
    }
  }
}
