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
  const paths = new Map<number, string>();
  const pathOf = (file: number) => paths.get(file) ?? '';
  return {
    ...nodeFiles,
    async open(path, flags, mode) {
      before('open', path);
      const file = await nodeFiles.open(path, flags, mode);
      paths.set(file, path);
      return file;
    },
    openFolder(path) {
      before('open', path);
      const file = nodeFiles.openFolder(path);
      paths.set(file, path);
      return file;
    },
    async write(file, buffers) {
      before('write', pathOf(file));
      await nodeFiles.write(file, buffers);
    },
    async sync(file) {
      before('sync', pathOf(file));
      await nodeFiles.sync(file);
    },
    look(file) {
      before('stat', pathOf(file));
      return nodeFiles.look(file);
    },
    close(file) {
      nodeFiles.close(file);
      before('close', pathOf(file));
    },
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
