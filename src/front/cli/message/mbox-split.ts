/** reformail -s: a program for each message of an mbox, one after the other. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createLfLines } from '../../../grammar/line-ends.ts';
import { exits, Usage, type Context } from '../command.ts';

const LONGEST_LINE = 1024 * 1024;

export async function splitMbox([program, ...args]: readonly string[], context: Context): Promise<number> {
  if (program === undefined) throw new Usage('reformail -s PROGRAM [ARG ...]');
  let number = context.environment['FILENO'] ?? '000';
  let running: ChildProcess | null = null;
  /** The empty line before the next From_ line belongs to the mbox. */
  let blank = '';
  const end = async (): Promise<void> => {
    if (running === null) return;
    const child = running;
    running = null;
    const gone = child.exitCode === null ? once(child, 'close') : null;
    child.stdin?.end();
    await gone;
  };
  for await (const line of linesOf(context)) {
    if (line.startsWith('From ') && (running === null || blank !== '')) {
      await end();
      blank = '';
      running = await begin(program, args, { ...context.environment, FILENO: number }, context);
      if (running === null) return exits.unavailable;
      number = following(number);
    }
    if (running === null) continue;
    const child: ChildProcess = running;
    if (blank !== '') await give(child, blank);
    blank = line === '\n' ? line : '';
    if (blank === '') await give(child, line);
  }
  await end();
  return exits.ok;
}

async function begin(program: string, args: readonly string[], environment: Context['environment'], context: Context): Promise<ChildProcess | null> {
  const child = spawn(program, [...args], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...environment } });
  child.stdin.on('error', () => undefined);
  child.stdout.on('data', (octets: Buffer) => void context.stdout.write(octets));
  return new Promise(resolve => {
    child.once('spawn', () => resolve(child));
    child.once('error', () => resolve(null));
  });
}

async function give(child: ChildProcess, line: string): Promise<void> {
  const { stdin } = child;
  if (stdin === null || stdin.destroyed || stdin.write(line, 'latin1')) return;
  await Promise.race([once(stdin, 'drain'), once(stdin, 'close')]);
}

/** `009` becomes `010`; what is no number stays. */
function following(number: string): string {
  return /^\d+$/.test(number) ? String(Number(number) + 1).padStart(number.length, '0') : number;
}

async function* linesOf({ stdin }: Context): AsyncGenerator<string> {
  const lf = createLfLines();
  let held = '';
  for await (const chunk of stdin as AsyncIterable<Buffer>) {
    held += lf.feed(chunk).toString('latin1');
    let from = 0;
    for (let at = held.indexOf('\n'); at >= 0; at = held.indexOf('\n', from)) {
      yield held.slice(from, at + 1);
      from = at + 1;
    }
    held = held.slice(from);
    if (held.length > LONGEST_LINE) {
      yield held;
      held = '';
    }
  }
  held += lf.finish().toString('latin1');
  if (held !== '') yield held;
}
