/** `posthorn dotlock` (`lockmail`): lockmail(1). A program while a mailbox file is locked. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { takeDotLock } from '../../../kit/file/dot-lock.ts';
import { createSystemClock } from '../../../kit/system-clock.ts';
import { exits, print, Usage, type Command } from '../command.ts';
import { readOptions } from '../getopt.ts';

const HELP = `dotlock [-r] [-t SECONDS] FILE PROGRAM [ARG ...]

Runs PROGRAM while FILE is locked: FILE.lock is held, and flock(2) on FILE. Where no
FILE.lock can be made, flock alone does. lockmail is another name.

  -r          a shared flock will do
  -t SECONDS  give up then; 180 unless said

Exit status: PROGRAM's; 64 wrong call; 75 the lock cannot be had, or a signal ended PROGRAM.`;

const FLOCK = '/usr/bin/flock';
const PATIENCE_S = 180;
const SLEEP_MS = 1000;
const STALE_MS = 5 * 60_000;
/** flock's own exit when it does not get the lock: one that no program of ours has by chance. */
const CONFLICT = 213;

export const dotlock: Command = {
  name: 'dotlock',
  summary: 'run a program while a mailbox is locked',
  help: HELP,
  async run(args, context) {
    if (args[0] === '--help') {
      await print(context.stdout, `Usage: posthorn ${HELP}`);
      return exits.ok;
    }
    const options = readOptions(args, 'rt:h');
    const [file, program, ...rest] = options.rest;
    const seconds = Number(options.value('t') ?? PATIENCE_S);
    if (file === undefined || program === undefined || options.has('h') || !(seconds >= 0)) throw new Usage('dotlock FILE PROGRAM [ARG ...]');
    const clock = createSystemClock();
    const begun = clock.now();
    const limit = AbortSignal.timeout(Math.max(1, seconds * 1000));
    const lock = await takeDotLock(`${file}.lock`, { sleepMs: Math.min(SLEEP_MS, seconds * 250 + 50), staleMs: STALE_MS, refreshMs: 60_000 }, clock, limit);
    if (lock === null && limit.aborted) {
      await print(context.stderr, `posthorn dotlock: ${file} is locked`);
      return exits.tryLater;
    }
    try {
      const left = Math.max(0, seconds - (clock.now() - begun) / 1000);
      const words = existsSync(FLOCK) && existsSync(file)
        ? [FLOCK, options.has('r') ? '-s' : '-x', '-w', left.toFixed(1), '-E', String(CONFLICT), file, program, ...rest]
        : [program, ...rest];
      const code = await run(words);
      if (code === null) await print(context.stderr, `posthorn dotlock: ${program} cannot be run`);
      return code === null || code === CONFLICT ? exits.tryLater : code;
    } finally {
      await lock?.release();
    }
  },
};

/** Null: it did not start, or a signal ended it. */
function run([program = '', ...args]: readonly string[]): Promise<number | null> {
  return new Promise(resolve => {
    const child = spawn(program, args, { stdio: 'inherit' });
    child.once('error', () => resolve(null));
    child.once('exit', code => resolve(code));
  });
}
