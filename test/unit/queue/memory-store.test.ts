import { createMemoryQueue } from '../../../src/flow/queue/index.ts';
import { queueStoreContract } from '../../contract/queue-store.ts';

queueStoreContract('memory queue', (around) => Promise.resolve(createMemoryQueue({ ...around, capacityOctets: 2 ** 40 })));
