/**
 * Whose mailbox a local recipient is: the account that the longest part of the local-part names, with the rest as its
 * extension; then the domain's catch-all; then `aliasdir`. What a stranger wrote never leaves the folders that it is
 * looked up in.
 */
import { isAbsolute, join } from 'node:path';
import type { Account, AuthBackend } from '../../../core/auth.ts';
import type { Address } from '../../../core/envelope.ts';
import type { Awaitable } from '../../../core/intake.ts';
import { domainOf, unquotedLocalPart } from '../../../grammar/address.ts';
import { findDotFile } from './dot-files.ts';

export interface MailboxNames {
  find(recipient: Address): Awaitable<FoundMailbox>;
}

/** 'unavailable': nobody can say now. */
export type FoundMailbox =
  | {
      readonly kind: 'found';
      /** The Maildir of the default delivery. */
      readonly folder: string;
      /** Where dot files are; absent: there is no such place. */
      readonly home?: string;
      readonly account?: Account;
      /** Behind the account's name; '' when there is none. */
      readonly extension: string;
      /** Instructions that take the place of the default delivery, as far as we can see. */
      readonly dotFile?: string;
      /** The account's own default delivery. */
      readonly delivery?: string;
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
  /** `courier`: what dot files are called. */
  dotExtension?(): string;
  /** Dot files for addresses that nobody has. */
  readonly aliasFolder?: string;
}

const none = { kind: 'none' } as const;
const NAME = /^[\p{L}\p{N}_][\p{L}\p{N}\p{M}_.+=-]{0,99}$/u;
/** Courier's: up to the fourth separator. */
const MOST_PARTS = 4;
const CATCH_ALL = 'alias';

export function createMailboxNames(options: MailboxNamesOptions): MailboxNames {
  const isSeparator = (char: string) => char === '-' || (options.separators?.() ?? '+').includes(char);
  const dotFile = (home: string, extension: string) => findDotFile(home, options.dotExtension?.() ?? 'courier', extension);

  return {
    async find(recipient) {
      const name = unquotedLocalPart(recipient).normalize('NFC').toLowerCase();
      if (!NAME.test(name) || name.includes('..')) return none;
      if (options.everyone === true) return plain(name);
      const domain = domainOf(recipient);
      const hosted = options.isLocal?.(domain) === false;
      const found = options.accounts === undefined ? none : await byAccount(options.accounts, name, domain, hosted);
      if (found.kind !== 'none') return found;
      // Every domain that takes mail has a postmaster (RFC 5321 §4.5.1).
      return name === 'postmaster' ? plain(name) : lastResort(hosted ? `${name}@${domain}` : name);
    },
  };

  async function byAccount(accounts: AuthBackend, name: string, domain: string, hosted: boolean): Promise<FoundMailbox> {
    for (const suffix of hosted ? [`@${domain}`, ...wildcards(domain)] : ['']) {
      for (const [part, extension] of splits(name, isSeparator)) {
        const found = await account(accounts, `${part}${suffix}`, extension);
        if (found.kind !== 'none') return found;
      }
      if (!hosted) continue;
      const all = await account(accounts, `${CATCH_ALL}${suffix}`, name, true);
      if (all.kind !== 'none') return all;
    }
    return none;
  }

  function plain(name: string): FoundMailbox {
    return { kind: 'found', folder: join(options.folder, name), extension: '' };
  }

  function lastResort(name: string): FoundMailbox {
    const home = options.aliasFolder;
    const dot = home === undefined ? null : dotFile(home, name);
    return home === undefined || dot === null ? none : { kind: 'found', folder: join(options.folder, 'postmaster'), home, extension: name, dotFile: dot.path };
  }

  async function account(accounts: AuthBackend, login: string, extension: string, catchAll = false): Promise<FoundMailbox> {
    const answer = await accounts.find(login);
    if (answer.kind === 'unavailable') return answer;
    if (answer.kind === 'rejected') return none;
    const { home, mailbox } = answer.account;
    const dot = home === undefined ? null : dotFile(home, extension);
    // An extension is somebody only when its owner wrote down what is to be done with it.
    if (extension !== '' && dot === null && !(catchAll && home === undefined)) return none;
    return {
      kind: 'found', account: answer.account, extension,
      ...whereMailLies(options.folder, login, home, mailbox),
      ...(home === undefined ? {} : { home }),
      ...(dot === null ? {} : { dotFile: dot.path }),
    };
  }
}

/** An account's own setting is a Maildir, or instructions as in .courier; it goes before the box's default delivery. */
function whereMailLies(mailboxes: string, login: string, home: string | undefined, mailbox: string | undefined): Pick<Extract<FoundMailbox, { kind: 'found' }>, 'folder' | 'delivery'> {
  const usual = home === undefined ? join(mailboxes, login) : join(home, 'Maildir');
  if (mailbox === undefined) return { folder: usual };
  if (/^[|&!]/.test(mailbox)) return { folder: usual, delivery: mailbox };
  const folder = isAbsolute(mailbox) ? mailbox : join(home ?? usual, mailbox);
  return { folder, delivery: folder.endsWith('/') ? folder : `${folder}/` };
}

/** `a-b-c` is a-b-c, or a-b with c, or a with b-c. */
export function splits(name: string, isSeparator: (char: string) => boolean): readonly (readonly [string, string])[] {
  const cuts = [...name.matchAll(/./gsu)].flatMap(({ 0: char, index }) => (index > 0 && isSeparator(char) ? [index] : [])).slice(0, MOST_PARTS);
  return [[name, ''] as const, ...cuts.toReversed().map(at => [name.slice(0, at), name.slice(at + 1)] as const)];
}

function wildcards(domain: string): readonly string[] {
  const found: string[] = [];
  for (let dot = domain.indexOf('.'); dot >= 0 && found.length < MOST_PARTS + 1; dot = domain.indexOf('.', dot + 1)) found.push(`@${domain.slice(dot)}`);
  return found;
}
