/** One recipient of one message, as whoever delivers it must know it: plain data, so that it can go to another process. */
import type { StoredContent } from '../../../core/queue-store.ts';
import type { Outcome } from '../../../core/outcome.ts';
import { domainOf, unquotedLocalPart } from '../../../grammar/address.ts';
import { formatCtime } from '../../../grammar/date.ts';
import type { Address } from '../../../core/envelope.ts';

export interface Errand {
  readonly recipient: Address;
  /** '' is the null sender. */
  readonly sender: string;
  readonly login: string;
  /** Paths of instructions are below it, programs start there, dot files lie there. */
  readonly home: string;
  /** It is the gateway's own folder: made when it is not there, and nobody's dot files are in it. */
  readonly ours: boolean;
  /** What `./Maildir` of the default delivery means. */
  readonly folder: string;
  /** Behind the account's name; '' when there is none. */
  readonly extension: string;
  readonly quota?: string;
  /** Lines in the language of .courier that an alias or a program gave: no dot file is looked for. */
  readonly ordered?: string;
  /** The account's own default delivery, in that language. */
  readonly delivery?: string;
}

/** The hands do what the owner of a mailbox wrote down, with the owner's rights. */
export interface Hands {
  deliver(errand: Errand, content: Octets, signal: AbortSignal): Promise<Done>;
}

export type Octets = Pick<StoredContent, 'read' | 'sizeOctets'>;

/** Addresses to forward to are handed back: whoever has the hands has no queue. */
export interface Done {
  readonly outcome: Outcome;
  readonly forwards: readonly string[];
}

export interface LocalSettings {
  /** `courier`: dot files are `.courier`, `.courier-EXT`. */
  readonly dotExtension: string;
  /** DEFAULTDELIVERY. */
  readonly delivery: string;
  /** DYNAMICDELIVERIES. */
  readonly dynamic: boolean;
  /** `localtimeout`. */
  readonly limitMs: number;
  /** The delivery agent's path, in file `maildrop`. */
  readonly maildrop?: string;
  readonly path: string;
  readonly shell: string;
  /** AUTH_MKHOMEDIR_SKEL. */
  readonly skeleton?: string;
}

export interface Lines {
  readonly uf: string;
  readonly rp: string;
  readonly dt: string;
}

/** What stands before a message in a mailbox; programs get it in their environment (courier-core 8.3). */
export function linesOf({ recipient, sender }: Errand, now: number): Lines {
  return {
    uf: `From ${sender.replaceAll(/\s/g, '-') || 'MAILER-DAEMON'} ${formatCtime(now)}`,
    rp: `Return-Path: <${sender}>`,
    dt: `Delivered-To: ${recipient}`,
  };
}

/** `matched`: what `-default` stands for. Nothing of our own environment: there may be secrets in it. */
export function environmentOf(errand: Errand, settings: LocalSettings, lines: Lines, matched: string): Readonly<Record<string, string>> {
  const { recipient, extension } = errand;
  const second = behindDash(extension);
  const third = behindDash(second);
  return {
    PATH: settings.path, SHELL: settings.shell, HOME: errand.home, USER: errand.login, LOGNAME: errand.login,
    SENDER: errand.sender, RECIPIENT: recipient, HOST: domainOf(recipient), LOCAL: unquotedLocalPart(recipient),
    EXT: extension, EXT2: second, EXT3: third, EXT4: behindDash(third), DEFAULT: matched,
    UFLINE: lines.uf, RPLINE: lines.rp, DTLINE: lines.dt,
    MAILDROPDEFAULT: errand.folder,
    ...(errand.quota === undefined ? {} : { MAILDIRQUOTA: errand.quota }),
  };
}

function behindDash(text: string): string {
  const dash = text.indexOf('-');
  return dash < 0 ? '' : text.slice(dash + 1);
}
