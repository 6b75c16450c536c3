/** What core/queue-store.ts promises, asked of any store. */
import type { QueueStore } from '../../src/core/queue-store.ts';
import { arriving } from './queue-store/arriving.ts';
import { delivering } from './queue-store/delivering.ts';
import { operating } from './queue-store/operating.ts';
import { promisedBy, type Surroundings } from './queue-store/scene.ts';

export type { Surroundings };

export function queueStoreContract(name: string, open: (surroundings: Surroundings) => Promise<QueueStore>): void {
  const promise = promisedBy(open);
  arriving(name, promise);
  delivering(name, promise);
  operating(name, promise);
}
