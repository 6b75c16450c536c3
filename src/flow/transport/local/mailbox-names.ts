/**
 * Whose mailbox a local recipient is: the account that the longest part of the local-part names, with the rest as its
 * extension; then the domain's catch-all. What a stranger wrote never leaves the folders that it is looked up in.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Account, AuthBackend } from '../../../core/auth.ts';
import type { Address } from '../../../core/envelope.ts';
import type { Awaitable } from '../../../core/intake.ts';
import { domainOf, unquotedLocalPart } from '../../../grammar/address.ts';

export interface MailboxNames {
  find(recipient: Address): Awaitable<FoundMailbox>;
}

/** 'unavailable': nobody can say now. */
export type FoundMailbox =
  | {
      readonly kind: 'found';
      /** The Maildir of the default delivery. */
      readonly folder: string;
      readonly account?: Account;
      /** Behind the account's name; '' when there is none. */
      readonly extension: string;
      /** Instructions that take the place of the default delivery. */
      readonly dotFile?: string;
      /** What `-default` stands for. */
      readonly rest?: string;
    }
  | { readonly kind: 'none' | 'unavailable' };

export interface MailboxNamesOptions {
  /** Virtual mailboxes lie here, one folder each. */
  readonly folder: string;
  readonly accounts?: AuthBackend;
  /** Every name has a mailbox: the trial domain. */
  readonly everyone?: boolean;
  /** Mailboxes are called `user` here; elsewhere `user@domain`. Absent: everywhere. */
  isLocal?(domain: string): boolean;
  /** What parts an account from its extension, besides `-`. */
  separators?(): string;
}

const none = { kind: 'none' } as const;
const NAME = /^[a-z0-9_][a-z0-9_.+=-]{0,99}$/;
/** Courier's: up to the fourth separator. */
const MOST_PARTS = 4;
const CATCH_ALL = 'alias';

export function createMailboxNames(options: MailboxNamesOptions): MailboxNames {
  const isSeparator = (char: string) => char === '-' || (options.separators?.() ?? '+').includes(char);

  return {
    async find(recipient) {
      const name = unquotedLocalPart(recipient).toLowerCase();
      if (!NAME.test(name) || name.includes('..')) return none;
      // Every domain that takes mail has a postmaster (RFC 5321 §4.5.1).
      if (name === 'postmaster' || options.everyone === true) return plain(name);
      if (options.accounts === undefined) return none;
      const domain = domainOf(recipient);
      const hosted = options.isLocal?.(domain) === false;
      for (const suffix of hosted ? [`@${domain}`, ...wildcards(domain)] : ['']) {
        for (const [part, extension] of splits(name, isSeparator)) {
          const found = await account(options.accounts, `${part}${suffix}`, extension);
          if (found.kind !== 'none') return found;
        }
        if (!hosted) continue;
        const all = await account(options.accounts, `${CATCH_ALL}${suffix}`, name, true);
        if (all.kind !== 'none') return all;
      }
      return none;
    },
  };

  function plain(name: string): FoundMailbox {
    return { kind: 'found', folder: join(options.folder, name), extension: '' };
  }

  async function account(accounts: AuthBackend, login: string, extension: string, catchAll = false): Promise<FoundMailbox> {
    const answer = await accounts.find(login);
    if (answer.kind === 'unavailable') return answer;
    if (answer.kind === 'rejected') return none;
    const { home, mailbox } = answer.account;
    const dot = home === undefined ? null : findDotFile(home, extension);
    // An extension is somebody only when its owner wrote down what is to be done with it.
    if (extension !== '' && dot === null && !(catchAll && home === undefined)) return none;
    const folder = mailbox ?? (home === undefined ? join(options.folder, login) : join(home, 'Maildir'));
    return { kind: 'found', folder, account: answer.account, extension, ...dot };
  }
}

/** `a-b-c` is a-b-c, or a-b with c, or a with b-c. */
export function splits(name: string, isSeparator: (char: string) => boolean): readonly (readonly [string, string])[] {
  const cuts = Array.from(name).flatMap((char, at) => (at > 0 && isSeparator(char) ? [at] : [])).slice(0, MOST_PARTS);
  return [[name, ''] as const, ...cuts.toReversed().map(at => [name.slice(0, at), name.slice(at + 1)] as const)];
}

function wildcards(domain: string): readonly string[] {
  const found: string[] = [];
  for (let dot = domain.indexOf('.'); dot >= 0 && found.length < MOST_PARTS + 1; dot = domain.indexOf('.', dot + 1)) found.push(`@${domain.slice(dot)}`);
  return found;
}

/** `.courier-a-b`, then `.courier-a-default`, then `.courier-default`; without an extension `.courier` alone. */
export function findDotFile(home: string, extension: string): { readonly dotFile: string; readonly rest?: string } | null {
  // A dot would make `..` possible and hide a file; Courier writes a colon.
  const name = extension.replaceAll('.', ':');
  const file = (end: string) => join(home, `.courier${end}`);
  if (name === '') return isFile(file('')) ? { dotFile: file('') } : null;
  if (isFile(file(`-${name}`))) return { dotFile: file(`-${name}`) };
  for (let before = name; before !== ''; ) {
    before = before.slice(0, Math.max(0, before.lastIndexOf('-')));
    const end = before === '' ? '-default' : `-${before}-default`;
    if (isFile(file(end))) return { dotFile: file(end), rest: extension.slice(before === '' ? 0 : before.length + 1) };
  }
  return null;
}

function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  } catch {
    // Not ours to look into: it is taken to be there, and the delivery finds out.
    return true;
  }
}
