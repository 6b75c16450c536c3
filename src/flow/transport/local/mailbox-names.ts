/** Which folder a local recipient's mail lies in. What a stranger wrote never leaves the mailboxes' folder. */
import { join } from 'node:path';
import type { AuthBackend } from '../../../core/auth.ts';
import type { Address } from '../../../core/envelope.ts';
import type { Awaitable } from '../../../core/intake.ts';
import { domainOf, unquotedLocalPart } from '../../../grammar/address.ts';

export interface MailboxNames {
  find(recipient: Address): Awaitable<FoundMailbox>;
}

/** 'unavailable': nobody can say now. */
export type FoundMailbox = { readonly kind: 'found'; readonly folder: string } | { readonly kind: 'none' | 'unavailable' };

export interface MailboxNamesOptions {
  /** Virtual mailboxes lie here, one folder each. */
  readonly folder: string;
  readonly accounts?: AuthBackend;
  /** Every name has a mailbox: the trial domain. */
  readonly everyone?: boolean;
}

const none = { kind: 'none' } as const;
const NAME = /^[a-z0-9_][a-z0-9_.+=-]{0,99}$/;

export function createMailboxNames(options: MailboxNamesOptions): MailboxNames {
  const found = (name: string) => ({ kind: 'found', folder: join(options.folder, name) }) as const;
  return {
    async find(recipient) {
      const name = unquotedLocalPart(recipient).toLowerCase();
      if (!NAME.test(name) || name.includes('..')) return none;
      // Every domain that takes mail has a postmaster (RFC 5321 §4.5.1).
      if (name === 'postmaster' || options.everyone === true) return found(name);
      if (options.accounts === undefined) return none;
      for (const login of [name, `${name}@${domainOf(recipient)}`]) {
        const answer = await options.accounts.find(login);
        if (answer.kind === 'unavailable') return answer;
        if (answer.kind === 'accepted') return answer.account.mailbox === undefined ? found(name) : { kind: 'found', folder: answer.account.mailbox };
      }
      return none;
    },
  };
}
