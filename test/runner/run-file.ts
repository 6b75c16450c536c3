/**
 * Runs one test file in a process group of its own. Whatever the file or a program that it started does (a loop that
 * never yields, a signal ignored, a pipe held open), the run of it ends, and says in which test it stood.
 */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestEvent } from './events.ts';

export interface FileResult {
  readonly passed: number;
  readonly skipped: readonly { readonly name: string; readonly why: string }[];
  readonly failed: readonly { readonly name: string; readonly cause: string }[];
  /** Programs of the file's that it did not end; '' when there are none. */
  readonly left: string;
  readonly elapsedMs: number;
}

/** So much of a file's own output is shown where it fails outside a test. */
const TAIL_CHARACTERS = 4000;

export function runFile(path: string, limitMs: number): Promise<FileResult> {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-test-run-'));
  const eventsPath = join(folder, 'events');
  const outputPath = join(folder, 'output');
  // A file, not a pipe: what a program left behind holds open keeps nobody waiting.
  const output = openSync(outputPath, 'w');
  const startedAt = performance.now();
  // Else node's own runner, if it is above us, would be told and not our reporter.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, [`--test-reporter=${join(import.meta.dirname, 'events.ts')}`, `--test-reporter-destination=${eventsPath}`, path], {
    stdio: ['ignore', output, output],
    detached: true,
    env,
  });
  closeSync(output);
  return new Promise(resolve => {
    let stoodAt: string | undefined;
    const timer = setTimeout(() => {
      stoodAt = processesOf(child.pid ?? 0);
      endGroup(child.pid ?? 0);
    }, limitMs);
    child.once('error', error => finish(String(error)));
    child.once('exit', (code, signal) => finish(code === 0 ? undefined : `ended by ${signal ?? `code ${code}`}`));

    function finish(trouble: string | undefined): void {
      clearTimeout(timer);
      const events = readEvents(eventsPath);
      const failed = events.filter(event => event.type === 'failed');
      const causes = failed.map(({ name, cause }) => ({ name, cause }));
      if (stoodAt !== undefined) {
        causes.push({ name: unended(events), cause: `not ended after ${Math.round(limitMs / 1000)} s; its processes then:\n${stoodAt}${tailOf(outputPath)}` });
      } else if (trouble !== undefined && failed.length === 0) {
        causes.push({ name: unended(events), cause: `the file ${trouble}\n${tailOf(outputPath)}` });
      }
      const result: FileResult = {
        passed: events.filter(event => event.type === 'passed').length,
        skipped: events.filter(event => event.type === 'skipped').map(({ name, why }) => ({ name, why })),
        failed: causes,
        left: stoodAt === undefined && isAlive(child.pid ?? 0) ? processesOf(child.pid ?? 0) : '',
        elapsedMs: performance.now() - startedAt,
      };
      endGroup(child.pid ?? 0);
      rmSync(folder, { recursive: true, force: true });
      resolve(result);
    }
  });
}

function readEvents(path: string): TestEvent[] {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return []; // The file failed before its first test.
  }
  // A killed writer may leave half a line.
  return text.slice(0, text.lastIndexOf('\n') + 1).split('\n').filter(line => line !== '').map(line => JSON.parse(line) as TestEvent);
}

/** The tests that were begun and not ended, from the outermost in. */
function unended(events: readonly TestEvent[]): string {
  const open: string[] = [];
  for (const event of events) {
    if (event.type === 'started') open.push(event.name);
    else if (event.type === 'ended') open.splice(open.lastIndexOf(event.name), 1);
  }
  return open.length === 0 ? '(outside its tests)' : open.join(' > ');
}

function processesOf(group: number): string {
  const { stdout } = spawnSync('ps', ['-o', 'pid,ppid,stat,wchan:24,time,args', '--sid', String(group)], { encoding: 'utf8', timeout: 5000 });
  // A zombie has ended; only its parent has not looked yet.
  const lines = (stdout ?? '').split('\n').filter(line => line !== '' && !/^\s*\d+\s+\d+\s+Z/.test(line));
  return lines.length < 2 ? '' : `${lines.map(line => line.slice(0, 400)).join('\n')}\n`;
}

function isAlive(group: number): boolean {
  try {
    return group > 0 && process.kill(-group, 0);
  } catch {
    return false;
  }
}

/** The file leads its group: its own children end with it, also where it was killed before it could end them. */
function endGroup(group: number): void {
  try {
    if (group > 0) process.kill(-group, 'SIGKILL');
  } catch {
    // Nobody is left.
  }
}

function tailOf(path: string): string {
  return readFileSync(path, 'utf8').slice(-TAIL_CHARACTERS);
}
