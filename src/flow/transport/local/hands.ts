/** Delivers with the rights of this process: the gateway's own, or those of the user that the helper became. */
import { cp, mkdir, rename, rm, stat } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../../core/clock.ts';
import type { Log } from '../../../core/log.ts';
import type { Mailboxes } from '../../../core/mailbox.ts';
import type { Maildrop } from '../../../core/maildrop.ts';
import type { Outcome } from '../../../core/outcome.ts';
import { parseDotCourier, type Instruction } from '../../../grammar/local/dot-courier.ts';
import { findDotFile, isOpenToOthers, readDotFile } from './dot-files.ts';
import { environmentOf, linesOf, type Done, type Errand, type Hands, type LocalSettings, type Octets } from './errand.ts';
import { createInstructions } from './instructions.ts';

export interface HandsOptions {
  readonly mailboxes: Mailboxes;
  /** Recipes of the maildrop language; absent: none run within the process. */
  readonly maildrop?: Maildrop;
  readonly clock: Clock;
  readonly log: Log;
  settings(): LocalSettings;
}

export function createHands(options: HandsOptions): Hands {
  const run = createInstructions(options);
  return {
    async deliver(errand, content, signal) {
      try {
        return await deliverAs(errand, content, signal);
      } catch (cause) {
        // A file that cannot be read, or a bug: never the recipient's last word.
        options.log.error('local', { addr: errand.recipient, cause });
        return ended(deferred('4.2.0', 'The delivery instructions cannot be followed now'));
      }
    },
  };

  async function deliverAs(errand: Errand, content: Octets, signal: AbortSignal): Promise<Done> {
    const settings = options.settings();
    const trouble = await enterHome(errand, settings);
    if (trouble !== null) return ended(trouble);
    const dot = errand.ordered === undefined && !errand.ours ? findDotFile(errand.home, settings.dotExtension, errand.extension) : null;
    // It was there when the recipient was accepted; nobody else is meant by an extension.
    if (errand.extension !== '' && dot === null && errand.ordered === undefined && !errand.ours) {
      return ended({ kind: 'failed', status: '5.1.1', said: { type: 'x-unix', text: `No mailbox for ${errand.recipient}` } });
    }
    const written = errand.ordered !== undefined ? (parseDotCourier(errand.ordered) ?? []) : dot === null ? null : await readDotFile(dot.path);
    if (written === 'unsafe') return ended(deferred('4.7.0', 'The delivery instructions can be changed by others'));
    const lines = linesOf(errand, options.clock.now());
    return run(written ?? defaultDelivery(errand, settings), {
      home: errand.home, sender: errand.sender, content, lines, settings,
      environment: environmentOf(errand, settings, lines, dot?.matched ?? ''),
      ...(errand.quota === undefined ? {} : { quota: errand.quota }),
    }, signal);
  }
}

/** The account's own, else the box's; there `./Maildir` is wherever this account's mail lies. */
function defaultDelivery({ delivery, folder }: Errand, settings: LocalSettings): readonly Instruction[] {
  if (delivery !== undefined) return parseDotCourier(delivery) ?? [];
  return (parseDotCourier(settings.delivery) ?? []).map(one => (one.kind === 'mailbox' && one.path === './Maildir' ? { kind: 'mailbox', path: folder, maildir: true } : one));
}

/** Null: we may go on. A home that is not there may be a disk that is not mounted: its owner's mail waits. */
async function enterHome({ home, ours, ordered, delivery }: Errand, settings: LocalSettings): Promise<Outcome | null> {
  if (ours) {
    // Only programs need it; whoever writes a mailbox makes, and syncs, what is missing.
    if (/^\s*\|/m.test(ordered ?? delivery ?? settings.delivery)) await mkdir(home, { recursive: true, mode: 0o700 });
    return null;
  }
  let found = await stat(home).catch(() => null);
  if (found === null && settings.skeleton !== undefined) {
    await copySkeleton(settings.skeleton, home);
    found = await stat(home).catch(() => null);
  }
  if (found === null || !found.isDirectory()) return deferred('4.2.1', 'The home of this mailbox is not there now');
  return isOpenToOthers(found.mode) ? deferred('4.7.0', 'The home of this mailbox can be changed by others') : null;
}

/** Whole or not at all: a half copied home would be taken for one. */
async function copySkeleton(skeleton: string, home: string): Promise<void> {
  const temporary = `${home}.${randomUUID()}`;
  try {
    await cp(skeleton, temporary, { recursive: true, verbatimSymlinks: true, errorOnExist: true, force: false });
    await rename(temporary, home);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    if ((await stat(home).catch(() => null)) === null) throw error;
  }
}

function ended(outcome: Outcome): Done {
  return { outcome, forwards: [] };
}

function deferred(status: '4.2.0' | '4.2.1' | '4.7.0', text: string): Outcome {
  return { kind: 'deferred', status, blame: 'recipient', said: { type: 'x-unix', text } };
}
