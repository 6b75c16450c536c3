/** The runner of tests ends whatever a file does, and says where it stood: a run without an end tells nobody anything. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratchFolder } from '../../props/scratch-folder.ts';
import { runFile } from '../../runner/run-file.ts';
import { eventually } from '../../props/within.ts';

const LIMIT_MS = 20_000;
/** For those that hang: longer than a process takes to start on a busy box. */
const SHORT_MS = 4000;

function write(text: string): string {
  const path = join(scratchFolder('runner'), 'one.test.ts');
  writeFileSync(path, `import { test } from 'node:test';\nimport { spawn } from 'node:child_process';\n${text}`);
  return path;
}

test('passed, skipped with a reason, failed with the cause of the cause', async () => {
  const found = await runFile(write(`
    test('good', async t => { await t.test('inside', () => {}); });
    test('left out', { skip: 'nobody is here' }, () => {});
    test('bad', () => { throw new Error('outer', { cause: new Error('inner') }); });
  `), LIMIT_MS);
  assert.deepEqual([found.passed, found.skipped, found.left], [2, [{ name: 'left out', why: 'nobody is here' }], '']);
  assert.deepEqual(found.failed.map(({ name }) => name), ['bad']);
  assert.match(found.failed[0]?.cause ?? '', /outer[^]*caused by Error: inner/);
});

test('a file that breaks outside its tests has failed, with what it said', async () => {
  const { passed, failed } = await runFile(write('throw new Error("at the door");'), LIMIT_MS);
  assert.equal(passed, 0);
  assert.match(failed[0]?.cause ?? '', /at the door/);
});

for (const [what, body] of [
  ['waits for ever', 'test("slow one", () => new Promise(() => setInterval(() => {}, 1000)));'],
  ['heeds no signal', 'process.on("SIGTERM", () => {}); test("slow one", () => new Promise(() => setInterval(() => {}, 1000)));'],
  ['passed, and keeps a server open', 'import { createServer } from "node:net"; createServer().listen(0); test("good", () => {});'],
] as const) {
  test(`${what}: ended at the limit, with its test and its processes`, async () => {
    const { failed } = await runFile(write(body), SHORT_MS);
    assert.equal(failed.length, 1);
    assert.equal(failed[0]?.name, body.includes('slow one') ? 'slow one' : '(outside its tests)');
    assert.match(failed[0]?.cause ?? '', /not ended after 4 s; its processes then:[^]*one\.test/);
  });
}

test('what a file leaves behind holds nobody up, is told, and is ended', async () => {
  const found = await runFile(write('test("good", () => { spawn("sleep", ["600"], { stdio: "inherit" }).unref(); });'), LIMIT_MS);
  assert.deepEqual([found.passed, found.failed], [1, []]);
  const pid = Number(/^\s*(\d+).*sleep 600$/m.exec(found.left)?.[1]);
  assert.ok(pid > 0, found.left);
  await eventually(10_000, 'its end', () => !isRunning(pid));
});

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
