/**
 * `make fuzz`: every property and fuzz test again and again, each time with other random input.
 *   node test/fuzz.ts [--rounds 20]
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const here = import.meta.dirname;
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '20' } } });
/** What draws its input: fast-check's properties, and the kernels' own random octets. */
const files = readdirSync(here, { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.test.ts') && !name.startsWith('scratch'))
  .map(name => join(here, name))
  .filter(path => /from 'fast-check'|random-octets\.ts'/.test(readFileSync(path, 'utf8')));

for (let round = 1; round <= Number(values.rounds); round++) {
  const ran = spawnSync(process.execPath, ['--test', '--test-reporter=dot', ...files], { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
  if (ran.status !== 0) {
    console.log(`${ran.stdout}\n${ran.stderr}\nround ${round} of ${values.rounds}: failed`);
    process.exit(1);
  }
  console.log(`round ${round} of ${values.rounds}: ${files.length} files, nothing found`);
}
