/** A World made of this machine: files below the job's home, programs, locks, and the message. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Clock } from '../../core/clock.ts';
import type { Mailboxes } from '../../core/mailbox.ts';
import type { MaildropJob } from '../../core/maildrop.ts';
import { createDeliveries, inside } from './delivery.ts';
import { Overtime } from './turn.ts';
import { takeOwnDotLock, takeFlock } from './locks.ts';
import { openMessage, type Message } from './message.ts';
import { decoded, runProgram } from './programs.ts';
import { createQuotaWarning } from './quota-warning.ts';
import { openTextMap } from './text-maps.ts';
import type { World } from './world.ts';

const LARGEST_TEXT = 4 * 1024 * 1024;
/** Of a command in backticks; what comes after is dropped. */
const MOST_SUBSTITUTED = 1024 * 1024;

export interface JobWorld extends World {
  close(): Promise<void>;
}

export interface JobWorldOptions {
  readonly job: MaildropJob;
  readonly mailboxes: Mailboxes;
  readonly clock: Clock;
  readonly message: Message;
  readonly signal: AbortSignal;
  verbosity(): number;
}

export function createJobWorld({ job, mailboxes, clock, message: first, signal, verbosity }: JobWorldOptions): JobWorld {
  let message = first;
  const folder = job.folder ?? job.home;
  const output = (octets: Buffer): void => job.output(octets);
  const errors = (octets: Buffer): void => job.complain(octets.toString('utf8').trimEnd());
  const deliveries = createDeliveries({
    mailboxes, clock, folder, output, errors, signal, message: () => message,
    ...(job.quotaWarning === undefined ? {} : { warning: createQuotaWarning(job.quotaWarning.percent, job.quotaWarning.template, clock) }),
  });
  return {
    message: () => message,
    deliver: (mailbox, variables) => deliveries.deliver(mailbox, variables),
    async run(command, how, variables) {
      const pieces: Buffer[] = [];
      let held = 0;
      const keep = (octets: Buffer): void => {
        if (held < MOST_SUBSTITUTED) pieces.push(octets);
        held += octets.length;
      };
      const ended = await runProgram({ command: decoded(command), folder, variables, errors, ...(how === 'system' ? { output } : { output: keep, message }) }, signal);
      return ended.kind === 'refused' ? ended : { ...ended, output: Buffer.concat(pieces).toString('latin1', 0, MOST_SUBSTITUTED) };
    },
    async filter(command, variables) {
      let filtered: Promise<Message | null> = Promise.resolve(null);
      const ended = await runProgram({
        command: decoded(command), folder, variables, message, errors, output,
        reader(stdout) {
          filtered = openMessage([], stdout as AsyncIterable<Uint8Array>).catch(() => null);
        },
      }, signal);
      const next = await filtered;
      if (ended.kind === 'ran' && ended.code === 0 && next !== null) {
        await message.close();
        message = next;
        return { ...ended, output: '' };
      }
      await next?.close();
      return ended.kind === 'refused' ? ended : { kind: 'ran', code: ended.code === 0 ? 1 : ended.code, output: '' };
    },
    readText: path => readText(inside(folder, path)),
    echo: text => job.output(Buffer.from(text, 'latin1')),
    openLog: path => deliveries.openLog(path),
    log: text => deliveries.log(text),
    lock: (how, path, variables) => (how === 'flock' ? takeFlock(inside(folder, path), signal) : takeOwnDotLock(inside(folder, path), variables, clock, signal)),
    openMap: (path, mode) => openTextMap(inside(folder, path), mode),
    now: () => clock.now(),
    trace(level, text) {
      if (verbosity() >= level) job.complain(text);
    },
    complain: text => job.complain(text),
    breathe: () => new Promise((resolve, reject) => {
      setImmediate(() => {
        if (signal.aborted) reject(new Overtime('Time is up.'));
        else resolve();
      });
    }),
    async close() {
      await deliveries.close();
      await message.close();
    },
  };
}

/** Octets, one a character; null when it cannot be read, or is no file of text. */
export async function readText(path: string): Promise<string | null> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const found = await file.stat();
      if (!found.isFile() || found.size > LARGEST_TEXT) return null;
      return await file.readFile('latin1');
    } finally {
      await file.close();
    }
  } catch {
    return null;
  }
}
