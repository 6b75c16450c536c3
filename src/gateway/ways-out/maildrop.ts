/** Recipes and mailboxes for commands that people run themselves, without a gateway: nothing is read but the recipes. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { silent } from '../../core/log.ts';
import type { Mailboxes } from '../../core/mailbox.ts';
import type { Maildrop } from '../../core/maildrop.ts';
import { createSystemClock } from '../../kit/system-clock.ts';
import { createMailboxes } from '../../service/mailbox/index.ts';
import { createMaildrop } from '../../service/maildrop/index.ts';

export function createLocalMaildrop(folder: string): { readonly maildrop: Maildrop; readonly mailboxes: Mailboxes } {
  const clock = createSystemClock();
  // What is wrong with a mailbox is in the answer; a log of the gateway's kind would only repeat it.
  const mailboxes = createMailboxes({ clock, log: silent, host: hostname() });
  return { mailboxes, maildrop: createMaildrop({ mailboxes, clock, systemRecipe: join(folder, 'maildroprc'), trustedFolder: join(folder, 'maildroprcs'), sendmail: '/usr/sbin/sendmail -oi' }) };
}
