/** A room of mailboxes on a real disk, with steps that a test can make fail. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock, Instant } from '../../src/core/clock.ts';
import { silent } from '../../src/core/log.ts';
import type { MailboxMessage, Mailboxes } from '../../src/core/mailbox.ts';
import { nodeFiles, type Files } from '../../src/service/mailbox/files.ts';
import { createMailboxes } from '../../src/service/mailbox/index.ts';

export const stillClock: Clock = { now: () => 1_700_000_000_123 as Instant, sleepUntil: () => Promise.resolve() };

export type Step = 'open' | 'write' | 'sync' | 'stat' | 'close' | 'rename';

/** `before` is asked with each step's name and path; what it throws is what the disk says. */
export function watchedFiles(before: (step: Step, path: string) => void): Files {
  const openFile = async (...given: Parameters<Files['open']>) => {
    const path = String(given[0]);
    before('open', path);
    const file = await nodeFiles.open(...given);
    const watched: Readonly<Record<string, Step>> = { write: 'write', writev: 'write', sync: 'sync', stat: 'stat', close: 'close' };
    return new Proxy(file, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]): unknown => {
          const step = watched[String(name)];
          try {
            if (step !== undefined) before(step, path);
          } catch (error) {
            return step === 'close' ? target.close().then(() => Promise.reject(error)) : Promise.reject(error);
          }
          return Reflect.apply(member, target, args) as unknown;
        };
      },
    });
  };
  return {
    ...nodeFiles, open: openFile,
    async rename(from, to) {
      before('rename', String(from));
      await nodeFiles.rename(from, to);
    },
  };
}

export function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code });
}

export function mailboxesOn(files: Files = nodeFiles, clock: Clock = stillClock): Mailboxes {
  return createMailboxes({ host: 'gate.example', clock, log: silent, files });
}

export function message(text: string | readonly string[], own: Partial<MailboxMessage> = {}): MailboxMessage {
  const pieces = (typeof text === 'string' ? [text] : text).map(piece => Buffer.from(piece, 'latin1'));
  return { fields: Buffer.from('Delivered-To: ann@gate.example\nReturn-Path: <bob@there.example>\n'), reversePath: 'bob@there.example', content: () => pieces, ...own };
}

export const FIELDS = 'Delivered-To: ann@gate.example\nReturn-Path: <bob@there.example>\n';

export function mailsIn(folder: string, part = 'new'): string[] {
  return readdirSync(join(folder, part)).map(name => readFileSync(join(folder, part, name), 'latin1'));
}
