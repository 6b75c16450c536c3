/** Who sends, as sendmail(1) has always asked: options, then the environment, then the account. */
import type { Context } from '../command.ts';

export interface Account {
  readonly name: string;
  /** The full name, or ''. */
  readonly gecos: string;
}

export interface SenderWish {
  readonly sender?: string;
  readonly name?: string;
  readonly account: Account;
  readonly defaultDomain: string;
  readonly environment: Context['environment'];
}

/** For the From field. */
export interface Author {
  /** Replaces that part of a From field that is there. */
  readonly user?: string;
  readonly host?: string;
  readonly name?: string;
  /** The whole address and the name of a field that is missing. */
  readonly address: string;
  readonly usualName: string;
}

/** '' is the null sender. */
export function envelopeSender({ sender, account, defaultDomain, environment }: SenderWish): string {
  if (sender !== undefined) return sender === '' || sender.includes('@') || sender.includes('!') ? sender : `${sender}@${defaultDomain}`;
  const user = first(environment, ['MAILSUSER', 'MAILUSER', 'LOGNAME', 'USER']) ?? account.name;
  return `${user}@${first(environment, ['MAILSHOST', 'MAILHOST']) ?? defaultDomain}`;
}

export function authorOf(wish: SenderWish): Author {
  const { environment, account, defaultDomain, sender } = wish;
  const user = first(environment, ['MAILUSER']);
  const host = first(environment, ['MAILHOST']);
  const name = wish.name ?? first(environment, ['MAILNAME', 'NAME']);
  const own = `${user ?? first(environment, ['LOGNAME', 'USER']) ?? account.name}@${host ?? defaultDomain}`;
  return {
    ...(user === undefined ? {} : { user }), ...(host === undefined ? {} : { host }), ...(name === undefined ? {} : { name }),
    // -f says From as well (Courier's manual), where the message does not.
    address: sender === undefined || sender === '' ? own : envelopeSender(wish),
    usualName: name ?? account.gecos,
  };
}

/** passwd's fifth field up to its first comma; `&` is the account's name with a capital. */
export function fullName(gecos: string, name: string): string {
  return (gecos.split(',')[0] ?? '').replaceAll('&', name.charAt(0).toUpperCase() + name.slice(1)).trim();
}

function first(environment: Context['environment'], names: readonly string[]): string | undefined {
  // A line break in one would be a field of its own.
  return names.map(name => environment[name]).find(value => value !== undefined && value !== '' && !/\p{Cc}/u.test(value));
}
