/** By which ways mail leaves: ESMTP, mailboxes here, pipes, UUCP, fax; and what each goes by. */
import type { KeyObject } from 'node:crypto';
import type { Address } from '../../core/envelope.ts';
import type { PipeRoute, PipeRule } from '../../grammar/config/ways-out/pipes.ts';
import type { OauthAccount } from '../../grammar/config/ways-out/oauth-accounts.ts';
import type { Proxies, SocksProxy } from '../../grammar/config/proxies.ts';
import type { RelayLogin } from '../../grammar/config/ways-out/relay-logins.ts';
import type { EsmtpRoute } from '../../grammar/config/ways-out/routes.ts';
import type { SenderMapLine } from '../../grammar/config/ways-out/sender-maps.ts';
import type { Smarthost } from '../../grammar/config/ways-out/smarthosts.ts';
import type { TlsReports } from '../../grammar/config/ways-out/tls-reports.ts';
import type { TlsRule } from '../../grammar/config/ways-out/tls-policies.ts';
import type { CoverLine } from '../../grammar/fax/cover-template.ts';
import type { ArrivalForm, ArrivalRule } from '../../grammar/fax/arrival-rules.ts';
import type { FaxRule } from '../../grammar/fax/fax-rules.ts';
import type { ModemLine } from '../../grammar/fax/modem-lines.ts';
import type { NumberPattern } from '../../grammar/fax/number-pattern.ts';
import type { Site } from '../../grammar/uucp/bang-path.ts';
import type { BatchRule } from '../../grammar/uucp/batch-rules.ts';
import type { GradeRule } from '../../grammar/uucp/grades.ts';
import type { PollRule } from '../../grammar/uucp/polls.ts';
import type { TlsIdentity } from '../ways-in/types.ts';

/** What a module.* file says. */
export interface ModuleLimits {
  readonly deliveries: number;
  readonly perNexthop: number;
  readonly recipients: number;
}

/** Mail whose author is of a domain that `match` fits is signed with these keys. */
export interface DkimDomain {
  /** As the house writes domains; a leading dot: every subdomain. */
  readonly match: string;
  /** In A-labels: d=. */
  readonly domain: string;
  readonly keys: readonly { readonly domain: string; readonly selector: string; readonly key: KeyObject }[];
}

/** A line of `smarthosts`, with the map that its senders go by. */
export interface SmarthostSettings extends Smarthost {
  readonly map: readonly SenderMapLine[];
}

/** A line of `oauth`, with its proxy found. */
export interface OauthSettings extends OauthAccount {
  readonly via?: SocksProxy;
}

export interface ClientSettings {
  readonly smarthosts: readonly SmarthostSettings[];
  readonly oauth: readonly OauthSettings[];
  readonly routes: readonly EsmtpRoute[];
  readonly logins: readonly RelayLogin[];
  readonly proxies: Proxies;
  readonly backupRelay?: { readonly host: string; readonly port?: number; readonly literal: boolean; readonly transport: string };
  readonly timeouts: ClientTimeouts;
  /** How long a domain is left alone after all its relays failed; 0: not at all. */
  readonly delayMs: number;
  /** null: the system chooses. */
  readonly source4: string | null;
  readonly source6: string | null;
  readonly maxDeliveries: number;
  readonly maxPerDomain: number;
  readonly maxRecipients: number;
  readonly useStartTls: boolean;
  readonly preferIpv6: boolean;
  /** The next hop's certificate must be good and name its MX host. */
  readonly verifyPeer: boolean;
  /** PEM of the authorities trusted; absent: the system's. */
  readonly trustedAuthorities?: string;
  /** PEM of the private authority that SECURITY=STARTTLS asks for. */
  readonly securityAuthorities?: string;
  /** Source tags whose mail is not sent out (ESMTP_BLOCKBACKSCATTER). */
  readonly blockedBackscatter: ReadonlySet<string>;
  readonly identity?: TlsIdentity;
  /** By domain; the first that matches. */
  readonly tls: readonly DomainTls[];
  readonly tlsReports: TlsReports;
}

/** A line of `tlspolicy`. */
export interface DomainTls extends Pick<TlsRule, 'domain' | 'policy' | 'names'> {
  /** PEM, one certificate each; with `private`. */
  readonly authorities?: readonly string[];
}

export interface LocalDelivery {
  /** `courier`: dot files are `.courier`, `.courier-EXT`. */
  readonly dotExtension: string;
  /** DEFAULTDELIVERY, in the language of dot files. */
  readonly delivery: string;
  /** DYNAMICDELIVERIES: a program may give instructions. */
  readonly dynamic: boolean;
  /** How long a program may run. */
  readonly limitMs: number;
  /** The delivery agent that is called without a shell. */
  readonly maildrop?: string;
  /** maildropfilter: what recipients' own filters are run by. */
  readonly recipientFilter?: string;
  /** aliasfilteracct: the home whose filters are asked about aliases. */
  readonly aliasFilters?: string;
  /** PATH and SHELL of programs. */
  readonly path: string;
  readonly shell: string;
  /** Copied where a home is missing. */
  readonly skeleton?: string;
  /** The deputy's socket; absent: users of the system have no mailboxes. */
  readonly deputy?: string;
  /** Dot files for addresses that nobody has. */
  readonly aliasFolder: string;
}

export interface PipeSettings {
  readonly rules: ReadonlyMap<string, PipeRule>;
  /** Which pipe takes a domain's mail. */
  find(domain: string): PipeRoute | undefined;
}

export interface UucpSettings {
  readonly site: Site;
  /** Address fields too, not only the envelope. */
  readonly rewriteHeaders: boolean;
  /** UUXFLAGS, as words. */
  readonly flags: readonly string[];
  /** Taylor UUCP's `-I`; absent: the system's. */
  readonly configFile?: string;
  /** Where uux and its kin are; absent: where systems put them. */
  readonly programs?: string;
  readonly maxDeliveries: number;
  readonly maxPerNeighbor: number;
  readonly maxRecipients: number;
  /** By node in lower case. */
  readonly batches: ReadonlyMap<string, BatchRule>;
  readonly grades: readonly GradeRule[];
  readonly polls: readonly PollRule[];
  /** How long mail may wait for a neighbour before somebody is told; 0: for ever. */
  readonly alarmMs: number;
}

/** The line, and faxes that come in. */
export interface FaxModemSettings {
  readonly modems: readonly ModemLine[];
  readonly arrivals: {
    readonly mailFrom: Address | null;
    readonly recipients: readonly Address[];
    readonly postmaster: Address;
    readonly from: string;
    readonly to?: string;
    readonly subject?: string;
    readonly messageIdHost: string;
    readonly attach: readonly ArrivalForm[];
    readonly routes: readonly ArrivalRule[];
    /** mgetty's own files are removed when a fax is ours. */
    readonly removesOriginals: boolean;
  };
}

export interface FaxSettings {
  /** There is a faxrc. */
  readonly enabled: boolean;
  readonly rules: readonly FaxRule[];
  readonly blocked: readonly NumberPattern[];
  readonly cover: readonly CoverLine[];
  /** TSI, and in the line at the top of each page. */
  readonly stationId: string;
  readonly stationName: string;
  readonly paper: 'a4' | 'letter';
  readonly resolution: 'fine' | 'normal';
  readonly fonts: readonly string[];
  readonly ghostscript: string;
  /** Words with {file} and {folder}. */
  readonly office?: readonly string[];
  /** Folder of the site's own filters; absolute. */
  readonly filters: string;
  readonly limits: { readonly pages: number; readonly pixels: number; readonly timeMs: number; readonly memoryOctets: number };
  readonly busyDelaysMs: readonly number[];
  readonly paidDelaysMs: readonly number[];
  readonly paidTries: number;
  /** 0: any number. */
  readonly callsADay: number;
  readonly callsADayPerNumber: number;
  /** Several messages for one number in one call; null: one call each. */
  readonly together: { readonly pages: number } | null;
}

/** Courier's seven. */
export interface ClientTimeouts {
  readonly connectMs: number;
  readonly heloMs: number;
  readonly commandMs: number;
  readonly dataMs: number;
  readonly quitMs: number;
  readonly keepAliveMs: number;
  /** 0: off. */
  readonly keepAlivePingMs: number;
}
