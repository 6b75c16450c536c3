/**
 * `make fuzz`: random calls of the kernels, mutated input for every parser that strangers reach, then every property and
 * fuzz test again and again, each time with other random input.
 *   node test/fuzz.ts [--rounds 20] [--calls 10000000] [--inputs 1000000]
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { survive } from './props/hostile-input.ts';
import { hostileSubjects } from './props/hostile-subjects.ts';
import { callAtRandom } from './props/random-calls.ts';
import { runSeed } from './props/run-seed.ts';

const here = import.meta.dirname;
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '20' }, calls: { type: 'string', default: '10000000' }, inputs: { type: 'string', default: '1000000' } } });
/** What draws its input: fast-check's properties, and the kernels' own random octets. */
const files = readdirSync(here, { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.test.ts') && !name.startsWith('scratch'))
  .map(name => join(here, name))
  .filter(path => /props\/fast-check\.ts'|random-octets\.ts'|hostile-input\.ts'/.test(readFileSync(path, 'utf8')));

const BUILDS = ['simd', 'relaxed', 'scalar'] as const;
for (const build of BUILDS) {
  const calls = Math.ceil(Number(values.calls) / BUILDS.length);
  callAtRandom(build, calls, runSeed);
  console.log(`${build}: ${calls} random calls of the kernels, no trap (seed ${runSeed})`);
}

for (const subject of hostileSubjects) {
  const { inputs, grownOctets } = survive(subject, Number(values.inputs), runSeed);
  console.log(`${subject.name}: ${inputs} mutated inputs, nothing thrown, none over the bound, ${Math.round(grownOctets / 1024)} KiB left behind (seed ${runSeed})`);
}

for (let round = 1; round <= Number(values.rounds); round++) {
  const env = { ...process.env, SEED: String(runSeed + round) };
  const ran = spawnSync(process.execPath, ['--test', '--test-reporter=dot', ...files], { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8', env });
  if (ran.status !== 0) {
    console.log(`${ran.stdout}\n${ran.stderr}\nround ${round} of ${values.rounds}: failed with SEED=${env.SEED}`);
    process.exit(1);
  }
  console.log(`round ${round} of ${values.rounds}: ${files.length} files, nothing found`);
}
