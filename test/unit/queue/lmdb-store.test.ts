import { silent } from '../../../src/core/log.ts';
import { openLmdbQueue } from '../../../src/flow/queue/index.ts';
import { queueStoreContract } from '../../contract/queue-store.ts';
import { layJournal } from '../../props/journal.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';

const base = { log: silent, watermarkOctets: 0 };
queueStoreContract('LMDB queue', (around) => openLmdbQueue({ ...around, ...base, folder: scratchFolder('queue') }));
queueStoreContract('LMDB queue, everything by way of the disk', (around) =>
  openLmdbQueue({ ...around, ...base, folder: scratchFolder('queue.d'), freshMessages: 0, inlineLimitOctets: 50 }),
);
queueStoreContract('LMDB queue with a journal', (around) => {
  const folder = scratchFolder('journaled');
  return openLmdbQueue({ ...around, ...base, folder, journalOctets: layJournal(folder) });
});
