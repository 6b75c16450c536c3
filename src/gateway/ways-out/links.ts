/** Links, wired: the rules of `links`, the programs they ask, and the mail that goes when one comes up. */
import type { Configuration } from '../../configuration.ts';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Metrics } from '../../core/metrics.ts';
import type { QueueStore } from '../../core/queue-store.ts';
import type { Router } from '../../core/transport.ts';
import { openLinks, type OpenLinks } from '../../flow/link/index.ts';
import type { Runner } from '../../flow/schedule/index.ts';
import { nodeFileSystem } from '../../kit/file/durable-file.ts';
import { runProgram } from '../../kit/run-program.ts';
import { createWantedMessages } from '../wanted-messages.ts';

export interface LinkDesk extends OpenLinks {
  /** From now on links come and go, and their mail with them. */
  serve(runner: Runner): void;
}

export async function openLinkDesk(current: () => Configuration, rooms: { readonly store: QueueStore; readonly router: Router; readonly clock: Clock; readonly log: Log; readonly metrics: Metrics }): Promise<LinkDesk> {
  const { store, router } = rooms;
  const links = await openLinks({
    ...rooms, files: nodeFileSystem, folder: current().stateFolder,
    rules: () => current().links,
    run: ([program = '', ...args], timeoutMs, signal) => runProgram(program, args, { timeoutMs, signal }),
  });
  const wanted = createWantedMessages(store, router);
  return {
    ...links,
    serve(runner) {
      links.watch({
        async came(_, needs, signal) {
          for await (const selection of wanted.selectionsBy(needs)) {
            if (signal.aborted) return;
            await runner.flush(selection, needs);
          }
        },
        went: () => runner.withdraw(),
      });
    },
  };
}
