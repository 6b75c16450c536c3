/**
 * Does what a `.courier` file says, from the top, on every attempt. Addresses to forward to are collected and handed
 * back, even when a later instruction fails. What is wrong on this box defers; only a program's clear word fails.
 */
import { isAbsolute, join } from 'node:path';
import type { Mailboxes, MailboxMessage } from '../../../core/mailbox.ts';
import type { Maildrop } from '../../../core/maildrop.ts';
import type { Outcome } from '../../../core/outcome.ts';
import type { Status } from '../../../core/status.ts';
import { parseDotCourier, type Instruction } from '../../../grammar/local/dot-courier.ts';
import type { Done, Lines, LocalSettings, Octets } from './errand.ts';
import { followForward } from './forward-file.ts';
import { withMessageFile } from './message-file.ts';
import { followRecipe, isOwnMaildrop } from './own-maildrop.ts';
import { runProgram, type Ended, type Running } from './program.ts';
import { outcomeOf } from './stored.ts';

export interface Mission {
  readonly home: string;
  /** '' is the null sender. */
  readonly sender: string;
  readonly lines: Lines;
  readonly content: Octets;
  readonly environment: Readonly<Record<string, string>>;
  /** The owner's, for mailboxes of the owner. */
  readonly quota?: string;
  readonly settings: LocalSettings;
}

export interface InstructionsOptions {
  readonly mailboxes: Mailboxes;
  /** Absent: `maildrop` is a program like any other. */
  readonly maildrop?: Maildrop;
}

const SAID_OCTETS = 4096;
const DYNAMIC_OCTETS = 8191;
/** Courier's documentation says four; its code stops one sooner. */
const DEEPEST = 4;
/** More addresses are a mailing list's work. */
const MOST_FORWARDS = 1000;
const STOP = 99;
/** Exit codes of programs that mean never (courier-core 8.2); everything else may pass. */
const PERMANENT: ReadonlyMap<number, Status<5>> = new Map<number, Status<5>>([
  [64, '5.3.5'], [65, '5.6.0'], [67, '5.1.1'], [68, '5.1.2'], [69, '5.3.0'], [70, '5.3.0'], [76, '5.5.0'], [77, '5.7.1'], [78, '5.3.5'], [100, '5.0.0'], [112, '5.0.0'],
]);
const DONE: Outcome = { kind: 'delivered', status: '2.0.0', said: { type: 'x-unix', text: 'Delivered to mailbox' } };

export type Instructions = (list: readonly Instruction[], mission: Mission, signal: AbortSignal) => Promise<Done>;

export function createInstructions({ mailboxes, maildrop }: InstructionsOptions): Instructions {
  return async (list, mission, signal) => {
    const forwards = new Set<string>();
    return { outcome: (await runAll(list, 0)) ?? DONE, forwards: [...forwards] };

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
          for (const address of instruction.addresses) if (forwards.size < MOST_FORWARDS) forwards.add(address);
          return null;
        case 'mailbox':
          return intoMailbox(mailboxes, instruction, mission, signal);
        case 'program':
          return judge(await commandOf(instruction.command, { outputOctets: SAID_OCTETS, keep: 'last' }));
        case 'dynamic':
          return dynamically(instruction.command, depth);
        default:
          return instruction satisfies never;
      }
    }
    function commandOf(command: string, output: Pick<Running, 'outputOctets' | 'keep'>): Promise<Ended> {
      return maildrop !== undefined && isOwnMaildrop(command, mission) ? followRecipe(maildrop, mission, output, signal) : runCommand(command, mission, output, signal);
    }
    async function dynamically(command: string, depth: number): Promise<Outcome | null> {
      if (!mission.settings.dynamic) return failed('5.1.1', 'Instructions that a program gives are not allowed here');
      if (depth >= DEEPEST) return failed('5.1.1', 'Instructions within instructions, too deep');
      const ended = isDotForward(command) ? await followForward(mission) : await commandOf(command, { outputOctets: DYNAMIC_OCTETS, keep: 'first' });
      if (ended.kind !== 'exit' || (ended.code !== 0 && ended.code !== STOP)) return judge(ended);
      // Half an instruction is not the one that was meant.
      if (ended.cut) return deferred('The program that gives instructions says too much');
      const outcome = await runAll(parseDotCourier(ended.output) ?? [], depth + 1);
      return outcome ?? (ended.code === STOP ? DONE : null);
    }
  };
}

/** `dotforward` is built in: it only reads, and a shell and a process for it would be a waste. */
function isDotForward(command: string): boolean {
  return /^(?:\/\S*\/)?dotforward$/.test(command);
}

function runCommand(command: string, mission: Mission, output: Pick<Running, 'outputOctets' | 'keep'>, signal: AbortSignal): Promise<Ended> {
  const { settings, lines, home: folder, environment } = mission;
  // `preline` is built in too: its command finds the three lines before the message.
  const behind = /^(?:\/\S*\/)?preline\s+(\S[^]*)$/.exec(command)?.[1];
  const head = behind === undefined ? '' : `${lines.uf}\n${lines.rp}\n${lines.dt}\n`;
  // Exactly the delivery agent's path: it is told who and from whom, by no shell (courier-core 8.3).
  const words = command === settings.maildrop ? [command, '-A', lines.dt, '-A', lines.rp, '-f', mission.sender] : [settings.shell, '-c', behind ?? command];
  return withMessageFile(head, mission.content, signal, stdin => runProgram({ words, folder, environment, stdin, limitMs: settings.limitMs, ...output }, signal));
}

async function intoMailbox(mailboxes: Mailboxes, { path, maildir }: Extract<Instruction, { kind: 'mailbox' }>, mission: Mission, signal: AbortSignal): Promise<Outcome | null> {
  const target = isAbsolute(path) ? path : join(mission.home, path);
  const stored = await mailboxes.deliver(maildir ? `${target}/` : target, messageOf(mission), signal);
  return stored.kind === 'stored' ? null : outcomeOf(stored);
}

function messageOf({ lines, sender, content, quota }: Mission): MailboxMessage {
  return { fields: Buffer.from(`${lines.dt}\n${lines.rp}\n`), reversePath: sender, content: () => content.read(), ...(quota === undefined ? {} : { quota }) };
}

/** Null: go on. A program that a signal ended has not spoken: the box ran out of memory, or is going down. */
function judge(ended: Ended): Outcome | null {
  if (ended.kind !== 'exit') return deferred(WHY[ended.kind]);
  if (ended.code === 0) return null;
  if (ended.code === STOP) return DONE;
  const words = ended.output.trim() || `The program ended with ${ended.code}`;
  const permanent = PERMANENT.get(ended.code);
  return permanent === undefined ? deferred(words) : failed(permanent, words);
}

const WHY = { overtime: 'The program took too long', unstartable: 'The program cannot be started now', killed: 'The program was killed' } as const;

function failed(status: Status<5>, text: string): Outcome {
  return { kind: 'failed', status, said: { type: 'x-unix', text } };
}
function deferred(text: string): Outcome {
  return { kind: 'deferred', status: '4.2.0', blame: 'recipient', said: { type: 'x-unix', text } };
}
