/**
 * Mail under somebody's recipe in the maildrop language: takes jobs of core/maildrop.ts, gives exit codes. Delivers
 * through core's Mailboxes, programs and forwards; runs within the process, a program only where a recipe asks for one.
 * Patterns take linear time, everything has a limit, and the watchdog ends what is left.
 * Must never put what a message says into a command, nor bounce mail for our own trouble: that is 75.
 */
import type { Maildrop } from '../../core/maildrop.ts';
import { createMaildropJobs, type MaildropOptions } from './maildrop.ts';

export function createMaildrop(options: MaildropOptions): Maildrop {
  return createMaildropJobs(options);
}
export type { MaildropOptions } from './maildrop.ts';
export { createRecipientFilters, type FilterPlace, type RecipientFilters } from './recipient-filters.ts';
