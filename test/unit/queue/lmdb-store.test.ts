import { silent } from '../../../src/core/log.ts';
import { openLmdbQueue } from '../../../src/flow/queue/index.ts';
import { queueStoreContract } from '../../contract/queue-store.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';

queueStoreContract('LMDB queue', (around) => openLmdbQueue({ ...around, folder: scratchFolder('queue'), log: silent, watermarkOctets: 0 }));
