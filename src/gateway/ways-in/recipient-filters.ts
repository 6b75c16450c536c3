/** Recipients' own filters, as the gateway's rules and accounts place them. */
import { stat } from 'node:fs/promises';
import type { Address, Origin } from '../../core/envelope.ts';
import type { Log } from '../../core/log.ts';
import type { Maildrop } from '../../core/maildrop.ts';
import type { MailboxNames } from '../../flow/transport/local/index.ts';
import { domainOf, unquotedLocalPart } from '../../grammar/address.ts';
import type { Rules } from '../rules.ts';
import { createRecipientFilters, type FilterPlace, type RecipientFilters } from '../../service/maildrop/index.ts';

export interface RecipientFilterRooms {
  readonly names: MailboxNames;
  readonly maildrop: Maildrop;
  readonly log: Log;
}

export function createFiltersOfRecipients(rules: () => Rules, { names, ...rooms }: RecipientFilterRooms): RecipientFilters {
  return createRecipientFilters({
    ...rooms,
    program: () => rules().configuration.local.recipientFilter ?? null,
    filters: ({ source }) => rules().configuration.filters.sources.has(source === 'submission' ? 'esmtp' : source === 'fax' || source === 'list' ? 'local' : source === 'dsn' ? NEVER : source),
    place: async (recipient, origin) => place(rules(), names, recipient, origin),
  });
}

/** Our own reports meet no filter. */
const NEVER = '' as 'local';

async function place(rules: Rules, names: MailboxNames, recipient: Address, origin: Origin): Promise<FilterPlace | 'unavailable' | null> {
  const resolved = await rules.resolve(recipient, origin);
  if (typeof resolved !== 'string') {
    const home = rules.configuration.local.aliasFilters;
    if (resolved.kind === 'refused' || home === undefined) return null;
    return { address: recipient, home, login: '', extension: `alias-${recipient}`, isAlias: true, folder: './Maildir' };
  }
  if (rules.ownTransport(domainOf(resolved)) !== 'local') return null;
  const found = await names.find(resolved);
  if (found.kind !== 'found') return found.kind === 'unavailable' ? 'unavailable' : null;
  // Only where mail is delivered with our own rights do we read what somebody wrote: a user of the system's is not ours to run.
  if (found.home === undefined || (await stat(found.home).catch(() => null))?.uid !== process.getuid?.()) return null;
  return {
    address: resolved, home: found.home, login: found.account?.login ?? unquotedLocalPart(resolved), extension: found.extension, isAlias: false, folder: found.folder,
    ...(found.account?.quota === undefined ? {} : { quota: found.account.quota }),
  };
}
