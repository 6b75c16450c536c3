/** `buffer-churn.ts plain|told`: 200 MB pass in buffers that are dead at once; prints the most MiB that they held together. */
import { ShortLivedOctets } from '../../src/kit/short-lived-octets.ts';

const source = Buffer.alloc(256 * 1024, 'x');
const told = process.argv[2] === 'told' ? new ShortLivedOctets() : null;
let most = 0;
let copy = source;
for (let n = 0; n < 800; n++) {
  copy = Buffer.from(source);
  told?.made(copy.length);
  most = Math.max(most, process.memoryUsage().arrayBuffers);
}
process.stdout.write(String(Math.round(most / 1024 / 1024)));
