/**
 * `make test`: runs every test file in a process of its own, prints failures as they come, and ends with one line.
 * `node test/run.ts peers` runs the peers' tests only and names those not met. A name or path as argument picks files;
 * SEED=… draws the data of an earlier run again.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { availableParallelism } from 'node:os';
import { styleText } from 'node:util';
import { runSeed } from './props/run-seed.ts';
import { runFile, type FileResult } from './runner/run-file.ts';

// Every file draws from it.
process.env['SEED'] = String(runSeed);
const here = import.meta.dirname;
const wanted = process.argv.slice(2);
/** A file that hangs is a failure with a name, not a run without an end. */
const FILE_LIMIT_MS = 240_000;
/** Files that have not begun by then are failures too: the whole run has an end that CI waits for. */
const RUN_LIMIT_MS = 30 * 60_000;
const PROGRESS_MS = 60_000;
const SLOWEST = 5;
/**
 * Programs, sockets and disks are waited for within limits, and another file beside them takes half of the box: a file
 * that failed is run once more with the same data and nothing beside it. What fails alone has failed; what does not is
 * told as unsteady. Of more files than this the box is not the reason.
 */
const MOST_AGAIN = 4;

const files = readdirSync(here, { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.test.ts') && !name.startsWith('scratch'))
  .filter(name => wanted.length === 0 || wanted.some(one => name.includes(one)))
  .toSorted();

const startedAt = Date.now();
const results: (FileResult & { readonly file: string })[] = [];
const waiting = [...files];
const running = new Set<string>();

const progress = setInterval(() => console.log(`${results.length} of ${files.length} files after ${seconds()} s; at ${[...running].join(', ')}`), PROGRESS_MS);
await Promise.all(Array.from({ length: availableParallelism() }, lane));
const unsteady = await runAgain();
clearInterval(progress);

const failed = results.flatMap(({ file, failed: some }) => some.map(({ name }) => `${file}: ${name}`));
const skipped = results.flatMap(({ skipped: some }) => some);
for (const { name, why } of skipped) console.log(`${styleText('yellow', 'skipped')} ${name}${why === '' ? '' : ` (${why})`}`);
for (const one of unsteady) console.log(`${styleText('yellow', 'unsteady')} ${one}: failed beside other files, passed alone`);
for (const one of failed) console.log(`${styleText('red', 'failed')}  ${one}`);
const passed = results.reduce((sum, result) => sum + result.passed, 0);
const slowest = results.toSorted((a, b) => b.elapsedMs - a.elapsedMs).slice(0, SLOWEST);
if (failed.length + unsteady.length > 0) console.log(`what was drawn at random: SEED=${runSeed}`);
console.log(`${files.length} files in ${seconds()} s; the slowest: ${slowest.map(({ file, elapsedMs }) => `${file} ${Math.round(elapsedMs / 1000)}`).join(', ')}`);
console.log(`${passed} passed, ${failed.length} failed, ${skipped.length} skipped${unsteady.length === 0 ? '' : `, ${unsteady.length} unsteady`}`);
process.exit(failed.length === 0 && passed > 0 ? 0 : 1);

async function lane(): Promise<void> {
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    const leftMs = startedAt + RUN_LIMIT_MS - Date.now();
    if (leftMs <= 0) {
      note(file, { passed: 0, skipped: [], failed: [{ name: '(the whole file)', cause: 'not begun: the time of the whole run was over' }], left: '', elapsedMs: 0 });
      continue;
    }
    running.add(file);
    note(file, await runFile(join(here, file), Math.min(FILE_LIMIT_MS, leftMs)));
    running.delete(file);
  }
}

/** Those that passed alone; theirs is the second result then. */
async function runAgain(): Promise<readonly string[]> {
  const candidates = results.filter(({ failed: some }) => some.length > 0);
  const passedAlone: string[] = [];
  if (candidates.length > MOST_AGAIN || availableParallelism() === 1) return passedAlone;
  for (const { file } of candidates) {
    const leftMs = startedAt + RUN_LIMIT_MS - Date.now();
    if (leftMs <= 0) break;
    running.add(file);
    const again = await runFile(join(here, file), Math.min(FILE_LIMIT_MS, leftMs));
    running.delete(file);
    if (again.failed.length > 0) continue;
    results.splice(results.findIndex(result => result.file === file), 1, { file, ...again });
    passedAlone.push(file);
  }
  return passedAlone;
}

function note(file: string, result: FileResult): void {
  results.push({ file, ...result });
  if (result.left !== '') console.log(`${styleText('yellow', 'left behind')} by ${file}:\n${result.left}`);
  for (const { name, cause } of result.failed) console.log(`${styleText('red', 'FAILED')} ${file}: ${name}\n${cause}`);
}

function seconds(): number {
  return Math.round((Date.now() - startedAt) / 1000);
}
