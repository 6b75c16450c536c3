/** What a command is, and what it is given. One file a command, in the folder of who uses it; each has its own --help. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import type { Readable, Writable } from 'node:stream';
import type { Address, Origin } from '../../core/envelope.ts';
import type { Mailboxes } from '../../core/mailbox.ts';
import type { Maildrop } from '../../core/maildrop.ts';
import type { Operations } from '../../core/operations.ts';
import type { Configuration } from '../../configuration.ts';
import type { FaxOptions } from '../../grammar/fax/fax-address.ts';
import type { BitmapPage } from '../../kit/bitmap-file.ts';

/** Exit codes of sysexits(3), as Courier's tools use them. */
export const exits = { ok: 0, failed: 1, usage: 64, badInput: 65, noInput: 66, noUser: 67, unavailable: 69, software: 70, osError: 71, cantCreate: 73, ioError: 74, tryLater: 75, noPermission: 77, configuration: 78 } as const;

export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What follows `posthorn`, then a paragraph or two. */
  readonly help: string;
  run(args: readonly string[], context: Context): Promise<number>;
}

export interface Context {
  readonly stdin: Readable;
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** The folder of --config, POSTHORN_CONFIG, or the system's. */
  readonly folder: string;
  readonly rooms: Rooms;
}

/** What the command line needs of the house; main.ts hands it over, so that front looks at nobody's room. */
export interface Rooms {
  start(configuration: Configuration, folder: string): Promise<number>;
  /** The gateway that runs on this state folder, or null. */
  running(configuration: Pick<Configuration, 'stateFolder'>): Promise<Operations | null>;
  /** The queue itself, for when no gateway runs. */
  offline(configuration: Configuration): Promise<Operations & { close(): Promise<void> }>;
  /** What the configuration makes of addresses; the alias files are read at once. */
  addresses(configuration: Configuration): Promise<Addresses>;
  uucp(configuration: Configuration): Promise<UucpDesk>;
  /** Runs the deputy until somebody stops it; gives the exit code. */
  deputy(configuration: Configuration): Promise<number>;
  oauth(configuration: Configuration): Promise<OauthDesk>;
  /** What stands under a name, each record's strings joined. */
  lookUpTxt(configuration: Configuration, name: string): Promise<TxtAnswer>;
  /** With `tls`: and how mail to each relay is encrypted, and why. */
  lookUpMx(configuration: Configuration, domain: string, how: { readonly tls: boolean; readonly whose: Whose }): Promise<MxAnswer>;
  /** A message file as it would be faxed. */
  faxProof(configuration: Configuration, file: string, request: { readonly number: string; readonly options: FaxOptions }): Promise<FaxProof>;
  /** The modems and the spool, beside the gateway. */
  faxDesk(configuration: Configuration): Promise<FaxDesk>;
  /** When attempts begin, in ms since acceptance, by the settings in force. */
  attempts(configuration: Configuration): Promise<readonly number[]>;
  /** Recipes and mailboxes for a person's own commands; the folder has the system's recipe, and nothing else is read. */
  maildrop(folder: string): Promise<{ readonly maildrop: Maildrop; readonly mailboxes: Mailboxes }>;
}

/** The UUCP site beside the queue; no gateway need run. */
export interface UucpDesk {
  neighbors(): Promise<readonly NeighborListing[]>;
  poll(node: string, timeoutMs: number): Promise<{
    readonly kind: 'called' | 'failed' | 'absent';
    readonly before: number;
    readonly after: number;
    readonly sent: { readonly files: number; readonly octets: number };
    readonly received: { readonly files: number; readonly octets: number };
    readonly said: string;
  }>;
  recall(name: string): Promise<{ readonly octets: Uint8Array; readonly what: string } | null>;
  close(): Promise<void>;
}

export interface NeighborListing {
  readonly node: string;
  readonly jobs: readonly { readonly id: string; readonly at: number; readonly what: string; readonly octets: number }[];
  readonly waiting: { readonly messages: number; readonly octets: number; readonly oldestAt: number | null; readonly names: readonly string[] };
  readonly lastCall?: { readonly at: number; readonly said: string };
}

export type FaxProof =
  | { readonly kind: 'made'; readonly count: number; readonly coverPages: number; readonly notes: readonly string[]; page(n: number): Promise<BitmapPage>; close(): Promise<void> }
  | { readonly kind: 'unfit' | 'trouble'; readonly why: string };

export interface Addresses {
  find(address: Address, source: 'esmtp' | 'local' | 'uucp', whose: Whose): Promise<{ readonly steps: readonly string[]; readonly verdict: AddressVerdict }>;
  /** 'common': those that hold for every way in. */
  aliases(source: 'esmtp' | 'local' | 'uucp' | 'common'): readonly { readonly where: string; readonly name: string; readonly members: readonly string[] }[];
  problems(): readonly string[];
}

export type AddressVerdict =
  | { readonly kind: 'accepted'; readonly recipients: readonly { readonly address: string; readonly instruction?: string }[] }
  | { readonly kind: 'refused'; readonly reply: number; readonly text: string };

export interface FaxDesk {
  modems(): readonly string[];
  /** Null: all of them. A device that no file names is asked as well. */
  probe(wanted: string | null): Promise<readonly { readonly name: string; readonly device: string; readonly works: boolean; readonly found: readonly string[]; readonly problems: readonly string[] }[]>;
  states(): Promise<readonly { readonly name: string; readonly device: string; readonly driver: string; readonly state: 'absent' | 'free' | 'in-use'; readonly pid?: number }[]>;
  waiting(): Promise<number>;
  receive(fax: { readonly hangup: number; readonly senderId: string; readonly files: readonly string[]; readonly device: string; readonly callerId?: string; readonly calledId?: string }): Promise<{ readonly kind: 'full' } | { readonly kind: 'kept'; readonly pages: number; readonly unreadable: number }>;
}

export type MxAnswer =
  | { readonly kind: 'relays'; readonly route?: string; readonly relays: readonly { readonly host: string; readonly address: string; readonly preference: number; readonly local: boolean; readonly authentic: boolean; readonly tls?: string }[]; readonly steps?: readonly string[] }
  | { readonly kind: 'no-mail' | 'hard-error' | 'soft-error'; readonly why: string; readonly steps?: readonly string[] };

export type TxtAnswer = { readonly kind: 'found'; readonly records: readonly string[] } | { readonly kind: 'none' } | { readonly kind: 'unavailable'; readonly why: string };

/** Accounts at providers; the gateway need not run. */
export interface OauthDesk {
  readonly accounts: readonly { readonly name: string; readonly provider: string; readonly login: string; readonly grant: 'user' | 'client'; readonly device: boolean; readonly browser: boolean }[];
  byDevice(name: string, show: (code: { readonly url: string; readonly userCode: string; readonly wholeUrl?: string; readonly livesS: number }) => Promise<void>, signal: AbortSignal): Promise<OauthLogin>;
  /** Null: the provider has no such flow. */
  byBrowser(name: string): { readonly url: string; finish(address: string, signal: AbortSignal): Promise<OauthLogin> } | null;
  standing(name: string): Promise<OauthStanding>;
  /** Whether somebody was logged in. */
  logOut(name: string): Promise<boolean>;
  close(): Promise<void>;
}

export type OauthLogin = { readonly kind: 'in'; readonly until: number; readonly refreshable: boolean } | { readonly kind: 'denied' | 'unavailable'; readonly why: string };

interface OauthTimes {
  readonly until: number;
  readonly loginAt: number;
  readonly refreshedAt: number;
  readonly refreshable: boolean;
}

export type OauthStanding = { readonly state: 'absent' } | ({ readonly state: 'in' } & OauthTimes) | ({ readonly state: 'withdrawn'; readonly why: string } & OauthTimes);

/** Whose mail is asked about; nobody's in particular: what holds for all. */
export type Whose = Pick<Origin, 'virtualHost' | 'login'>;

/** A wrong call: printed with the command's usage, exit 64. */
export class Usage extends Error {
  /** Where the command has words: how this one is called. */
  readonly usage: string | undefined;
  constructor(message = '', usage?: string) {
    super(message);
    this.usage = usage;
  }
}

/** Ends the command: its message goes to standard error as it is. */
export class Ended extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** A file that somebody named and that cannot be used. */
export function fileTrouble(file: string, error: unknown, otherwise: number): Ended {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return new Ended(otherwise, otherwise === exits.noInput ? `${file} is not there.` : `${file}: its folder is not there.`);
    case 'EISDIR':
      return new Ended(otherwise, `${file} is a folder.`);
    case 'EACCES':
    case 'EPERM':
      return new Ended(exits.noPermission, `${file} is closed to this account.`);
    case 'ENOSPC':
    case 'EDQUOT':
      return new Ended(exits.ioError, `${file}: no room is left on its disk.`);
    default:
      return new Ended(exits.ioError, `${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export function readArguments<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new Usage(error instanceof Error ? error.message.split('. To specify')[0] : String(error));
  }
}

/** Whoever read the output has enough (`posthorn mailq | head`): a list need not go on. */
export function isUnheard(to: Writable): boolean {
  return to.destroyed;
}

/** A line, or octets as they are. A closed pipe is nobody's fault, and ends nothing that is under way. */
export function print(to: Writable, what: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    to.write(typeof what !== 'string' || what.endsWith('\n') ? what : `${what}\n`, error => {
      if (error && 'code' in error && error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') reject(error);
      else resolve();
    });
  });
}
