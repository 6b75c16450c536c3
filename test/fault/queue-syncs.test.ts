/**
 * Killing a process cannot reveal a missing sync, since the page cache survives it. So the system calls of one are
 * traced, and the order is demanded: content synced, renamed, its folder synced, then the index synced, then the answer.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { scratchFolder } from '../props/scratch-folder.ts';

interface Call {
  readonly text: string;
  /** Lines of the trace. */
  readonly began: number;
  readonly ended: number;
}

/** Calls of several threads: one that another interrupts is written in two halves. */
function parseTrace(trace: string): Call[] {
  const begun = new Map<string, { readonly text: string; readonly began: number }>();
  const calls: Call[] = [];
  for (const [ended, line] of trace.split('\n').entries()) {
    const [, thread, rest] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (thread === undefined || rest === undefined) continue;
    const half = begun.get(thread);
    if (rest.endsWith('<unfinished ...>')) begun.set(thread, { text: rest, began: ended });
    else if (rest.startsWith('<... ') && half !== undefined) calls.push({ text: half.text + rest, began: half.began, ended });
    else calls.push({ text: rest, began: ended, ended });
  }
  return calls;
}

it('nothing is answered before the disk said that it has it', (test) => {
  const folder = scratchFolder('traced');
  const script = fileURLToPath(new URL('queue-process.ts', import.meta.url));
  const calls = 'trace=fsync,fdatasync,write,writev,pwrite64,pwritev,openat,rename,renameat,renameat2';
  const traced = spawnSync('strace', ['-f', '-y', '-e', calls, '-o', `${folder}/trace`, process.execPath, script, `${folder}/queue`], {
    input: '{"task":"post","sizes":[100]}\n{"task":"post","sizes":[300000]}\n',
    timeout: 30_000,
  });
  if (traced.error !== undefined || traced.status !== 0) return test.skip('nobody lets us trace system calls');
  const trace = parseTrace(readFileSync(`${folder}/trace`, 'utf8'));

  const after = (line: number, what: RegExp): Call => {
    const found = trace.find(({ text, began }) => began > line && what.test(text));
    assert.ok(found, `${what} after line ${line}`);
    return found;
  };
  const opened = after(-1, /^openat\(.*data\.mdb".*O_DSYNC/);
  const ready = after(opened.ended, /^write\(1<.*recovery/);

  const small = after(ready.ended, /^write\(1<.*\[\\"/);
  const synced = after(ready.ended, /^fdatasync\(\d+<.*data\.mdb>.* = 0$/);
  const rooted = after(synced.ended, /^pwrite64\(\d+<.*data\.mdb>.* = 128$/); // the root page, through the O_DSYNC descriptor
  assert.ok(rooted.ended < small.began);

  const large = after(small.ended, /^write\(1<.*\[\\"/);
  const body = after(small.ended, /^fsync\(\d+<.*bodies\/drafts\/.* = 0$/);
  const renamed = after(body.ended, /^rename.* = 0$/);
  const named = after(renamed.ended, /^fsync\(\d+<.*bodies\/[0-9a-f]>.* = 0$/);
  const again = after(named.ended, /^fdatasync\(\d+<.*data\.mdb>.* = 0$/);
  assert.ok(after(again.ended, /^pwrite64\(\d+<.*data\.mdb>.* = 128$/).ended < large.began);
});
