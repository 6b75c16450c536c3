/**
 * Does what a `.courier` file says, from the top, on every attempt. Forwards are collected and go out at the end,
 * even if a later instruction fails. What is wrong on this box defers; only a program's or a mailbox owner's clear
 * word fails.
 */
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { Mailboxes, MailboxMessage } from '../../../core/mailbox.ts';
import type { Outcome } from '../../../core/outcome.ts';
import type { StoredContent } from '../../../core/queue-store.ts';
import type { Refusal, Status } from '../../../core/status.ts';
import { parseDotCourier, type Instruction } from '../../../grammar/dot-courier.ts';
import { createLfLines } from '../../../grammar/line-ends.ts';
import { runProgram } from './program.ts';
import { outcomeOf } from './stored.ts';

export interface Mission {
  /** Paths of instructions are below it, and programs start there. */
  readonly home: string;
  /** '' is the null sender. */
  readonly sender: string;
  /** Delivered-To and Return-Path, LF line ends: for mailboxes and forwards, not for programs. */
  readonly fields: Uint8Array;
  readonly content: StoredContent;
  readonly environment: Readonly<Record<string, string>>;
  /** The owner's, for mailboxes of the owner. */
  readonly quota?: string;
}

export interface InstructionsOptions {
  readonly mailboxes: Mailboxes;
  /** `localtimeout`. */
  readonly limitMs: number;
  /** Hands on a copy; absent: nobody may forward. */
  forward?(addresses: readonly string[], mission: Mission, signal: AbortSignal): Promise<Refusal | { readonly kind: 'queued' }>;
}

const SAID_OCTETS = 4096;
const DYNAMIC_OCTETS = 8191;
const DEEPEST = 4;
const STOP = 99;
/** Exit codes of programs that mean never (courier-core 8.2); everything else may pass. */
const PERMANENT: ReadonlyMap<number, Status<5>> = new Map<number, Status<5>>([
  [64, '5.3.5'], [65, '5.6.0'], [67, '5.1.1'], [68, '5.1.2'], [69, '5.3.0'], [70, '5.3.0'], [76, '5.5.0'], [77, '5.7.1'], [78, '5.3.5'], [100, '5.0.0'], [112, '5.0.0'],
]);
const DONE: Outcome = { kind: 'delivered', status: '2.0.0', said: { type: 'x-unix', text: 'Delivered' } };

export type Instructions = (list: readonly Instruction[], mission: Mission, signal: AbortSignal) => Promise<Outcome>;

export function createInstructions(options: InstructionsOptions): Instructions {
  return async (list, mission, signal) => {
    const forwards: string[] = [];
    const outcome = await runAll(list, 0);
    const handed = forwards.length === 0 ? null : await handOn(forwards, mission, signal);
    return outcome?.kind === 'failed' || outcome?.kind === 'deferred' ? outcome : (handed ?? DONE);

    /** Null: all done, go on. */
    async function runAll(instructions: readonly Instruction[], depth: number): Promise<Outcome | null> {
      for (const instruction of instructions) {
        const outcome = await runOne(instruction, depth);
        if (outcome !== null) return outcome;
      }
      return null;
    }
    async function runOne(instruction: Instruction, depth: number): Promise<Outcome | null> {
      switch (instruction.kind) {
        case 'forward':
          forwards.push(...instruction.addresses);
          return null;
        case 'mailbox':
          return intoMailbox(instruction, mission, signal);
        case 'program':
          return intoProgram(instruction.command, mission, signal);
        case 'dynamic':
          return dynamically(instruction.command, depth);
        default:
          return instruction satisfies never;
      }
    }
    async function dynamically(command: string, depth: number): Promise<Outcome | null> {
      if (depth >= DEEPEST) return failed('5.1.1', 'Instructions within instructions, too deep');
      const ended = await withMessage(mission, signal, stdin => runProgram({ ...common(mission), command, stdin, outputOctets: DYNAMIC_OCTETS, keep: 'first', limitMs: options.limitMs }, signal));
      if (ended.kind !== 'exit' || (ended.code !== 0 && ended.code !== STOP)) return judge(ended);
      // Half an instruction is not the one that was meant.
      if (ended.cut) return deferred('The program that gives instructions says too much');
      const outcome = await runAll(parseDotCourier(ended.output) ?? [], depth + 1);
      return outcome ?? (ended.code === STOP ? DONE : null);
    }
  };

  async function intoProgram(command: string, mission: Mission, signal: AbortSignal): Promise<Outcome | null> {
    return judge(await withMessage(mission, signal, stdin => runProgram({ ...common(mission), command, stdin, outputOctets: SAID_OCTETS, keep: 'last', limitMs: options.limitMs }, signal)));
  }
  async function intoMailbox({ path, maildir }: Extract<Instruction, { kind: 'mailbox' }>, mission: Mission, signal: AbortSignal): Promise<Outcome | null> {
    const target = isAbsolute(path) ? path : join(mission.home, path);
    if (target === '/dev/null') return null;
    const stored = await options.mailboxes.deliver(maildir ? `${target}/` : target, messageOf(mission), signal);
    return stored.kind === 'stored' ? null : outcomeOf(stored);
  }
  async function handOn(forwards: readonly string[], mission: Mission, signal: AbortSignal): Promise<Outcome | null> {
    if (options.forward === undefined) return failed('5.7.1', 'Forwarding is not allowed here');
    const answer = await options.forward([...new Set(forwards)], mission, signal);
    if (answer.kind === 'queued') return null;
    const said = { type: 'smtp', text: `${answer.reply} ${answer.status} ${answer.text}` } as const;
    return answer.reply < 500 ? { kind: 'deferred', status: answer.status as Status<4>, blame: 'recipient', said } : { kind: 'failed', status: answer.status as Status<5>, said };
  }
}

export function messageOf({ fields, sender, content, quota }: Mission): MailboxMessage {
  return { fields, reversePath: sender, content: () => content.read(), ...(quota === undefined ? {} : { quota }) };
}

function common(mission: Mission) {
  return { folder: mission.home, environment: mission.environment };
}

/** The message in a file that has no name any more: it goes with the last who holds it. */
async function withMessage<T>({ content }: Mission, signal: AbortSignal, work: (stdin: FileHandle) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-'));
  try {
    const path = join(folder, 'message');
    const written = await open(path, 'wx', 0o600);
    try {
      const lines = createLfLines();
      for await (const piece of content.read()) {
        signal.throwIfAborted();
        await written.writeFile(lines.feed(piece));
      }
      await written.writeFile(lines.finish());
    } finally {
      await written.close();
    }
    const stdin = await open(path, 'r');
    try {
      await rm(folder, { recursive: true, force: true });
      return await work(stdin);
    } finally {
      await stdin.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function judge(ended: Awaited<ReturnType<typeof runProgram>>): Outcome | null {
  if (ended.kind !== 'exit') return deferred(ended.kind === 'overtime' ? 'The program took too long' : 'The program cannot be started now');
  if (ended.code === 0) return null;
  if (ended.code === STOP) return DONE;
  const words = ended.output.trim() || `The program ended with ${ended.code}`;
  const permanent = PERMANENT.get(ended.code);
  return permanent === undefined ? deferred(words) : failed(permanent, words);
}

function failed(status: Status<5>, text: string): Outcome {
  return { kind: 'failed', status, said: { type: 'x-unix', text } };
}
function deferred(text: string): Outcome {
  return { kind: 'deferred', status: '4.2.0', blame: 'recipient', said: { type: 'x-unix', text } };
}
