/**
 * `make test`: runs every test file with node's runner, prints failures as they come, and ends with one line.
 * `node test/run.ts peers` runs the peers' tests only and names those not met. A name or path as argument picks files.
 */
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { availableParallelism } from 'node:os';
import { styleText } from 'node:util';

const here = import.meta.dirname;
const wanted = process.argv.slice(2);
/** A file that hangs is a failure with a name, not a run without an end. */
const FILE_TIMEOUT_MS = 300_000;

const files = readdirSync(here, { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.test.ts') && !name.startsWith('scratch'))
  .filter(name => wanted.length === 0 || wanted.some(one => name.includes(one)))
  .toSorted()
  .map(name => join(here, name));

const startedAt = Date.now();
let passed = 0;
const failed: { readonly name: string; readonly file: string; readonly cause: unknown }[] = [];
const skipped: string[] = [];

const stream = run({ files, concurrency: availableParallelism(), timeout: FILE_TIMEOUT_MS });
stream.on('test:fail', ({ name, file, details }) => {
  // A suite or file fails because a test in it did; that test has said so already.
  if (details.type === 'suite' || causeOf(details.error) === undefined) return;
  failed.push({ name, file: relative(here, file ?? ''), cause: causeOf(details.error) });
  console.log(`${styleText('red', 'FAILED')} ${relative(here, file ?? '')}: ${name}\n${String(causeOf(details.error))}`);
});
stream.on('test:pass', ({ name, skip, details }) => {
  if (details.type === 'suite') return;
  if (skip === undefined || skip === false) passed++;
  else skipped.push(`${name}${typeof skip === 'string' ? ` (${skip})` : ''}`);
});
for await (const _ of stream) {
  // Draining the stream is what runs the tests.
}

function causeOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { failureType, cause } = error as Error & { failureType?: string };
  if (failureType === 'subtestsFailed') return undefined;
  return cause instanceof Error ? withCauses(cause) : (cause ?? error.message);
}

/** A property's counterexample and what it did are two errors, one inside the other. */
function withCauses(error: Error): string {
  const own = error.stack ?? error.message;
  return error.cause instanceof Error ? `${own}\ncaused by ${withCauses(error.cause)}` : own;
}

for (const one of skipped) console.log(`${styleText('yellow', 'skipped')} ${one}`);
for (const { name, file } of failed) console.log(`${styleText('red', 'failed')}  ${file}: ${name}`);
console.log(`${files.length} files in ${Math.round((Date.now() - startedAt) / 1000)} s`);
console.log(`${passed} passed, ${failed.length} failed, ${skipped.length} skipped`);
process.exit(failed.length === 0 && passed > 0 ? 0 : 1);
