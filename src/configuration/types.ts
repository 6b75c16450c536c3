/** The configuration as the rooms get it: read and validated once, never changed; a reload makes a new one. */
import type { Mechanism } from '../grammar/sasl.ts';
import type { KeyObject } from 'node:crypto';
import type { Address } from '../core/envelope.ts';
import type { AccessEntry } from '../grammar/config/access.ts';
import type { AuthTokens } from '../grammar/config/auth-tokens.ts';
import type { AlarmLimits } from '../grammar/config/alarms.ts';
import type { BanSettings } from '../grammar/config/bans.ts';
import type { Bofh } from '../grammar/config/bofh.ts';
import type { ContentFilter, FilterManners } from '../grammar/config/content-filters.ts';
import type { DeviceRule } from '../grammar/config/devices.ts';
import type { DomainList } from '../grammar/config/domain-list.ts';
import type { Endpoint, ListenEndpoint } from '../grammar/config/endpoint.ts';
import type { ActiveFilter, BuiltInSettings } from '../grammar/config/filter-folder.ts';
import type { Network } from '../grammar/config/network.ts';
import type { GreylistSettings } from '../grammar/config/greylist.ts';
import type { HostedDomains } from '../grammar/config/hosted-domains.ts';
import type { ListenerOptions } from '../grammar/config/listener-options.ts';
import type { LogTarget } from '../grammar/config/log-targets.ts';
import type { LinkRule } from '../grammar/config/links.ts';
import type { HttpsServer, NameServerLine } from '../grammar/config/name-servers.ts';
import type { PipeRoute, PipeRule } from '../grammar/config/pipes.ts';
import type { OauthAccount } from '../grammar/config/oauth-accounts.ts';
import type { Proxies, SocksProxy } from '../grammar/config/proxies.ts';
import type { RelayLogin } from '../grammar/config/relay-logins.ts';
import type { EsmtpRoute } from '../grammar/config/routes.ts';
import type { SenderMapLine } from '../grammar/config/sender-maps.ts';
import type { Smarthost } from '../grammar/config/smarthosts.ts';
import type { SocksBind } from '../grammar/config/socks-bind.ts';
import type { TlsReports } from '../grammar/config/tls-reports.ts';
import type { TlsRule } from '../grammar/config/tls-policies.ts';
import type { WebhookRule } from '../grammar/config/webhooks.ts';
import type { CoverLine } from '../grammar/fax/cover-template.ts';
import type { ArrivalForm, ArrivalRule } from '../grammar/fax/arrival-rules.ts';
import type { FaxRule } from '../grammar/fax/fax-rules.ts';
import type { ModemLine } from '../grammar/fax/modem-lines.ts';
import type { NumberPattern } from '../grammar/fax/number-pattern.ts';
import type { Site } from '../grammar/uucp/bang-path.ts';
import type { BatchRule } from '../grammar/uucp/batch-rules.ts';
import type { GradeRule } from '../grammar/uucp/grades.ts';
import type { PollRule } from '../grammar/uucp/polls.ts';

export interface Configuration {
  /** Absolute. */
  readonly folder: string;
  /** Where the queue lives; absolute. */
  readonly stateFolder: string;
  readonly names: Names;
  readonly domains: Domains;
  readonly addresses: AddressRules;
  readonly listeners: readonly Listener[];
  /** Let in without a login, by their addresses, on listeners of their own. */
  readonly devices: readonly DeviceRule[];
  /** At the outside of SOCKS proxies. */
  readonly outsideListeners: readonly OutsideListener[];
  /** That receive on them; 1 is the gateway's own. */
  readonly receiveProcesses: number;
  readonly bofh: Bofh;
  readonly bans: BanSettings;
  readonly greylist: GreylistSettings;
  readonly limits: Limits;
  readonly queue: QueueSettings;
  readonly reports: ReportSettings;
  readonly client: ClientSettings;
  /** ARCHIVEDIR; null: finished messages are deleted. */
  readonly archiveFolder: string | null;
  readonly dkim: readonly DkimDomain[];
  /** null: foreign mail is not sealed. */
  readonly arcSeal: DkimDomain['keys'][number] | null;
  readonly uucp: UucpSettings;
  readonly pipes: PipeSettings;
  /** Ways out that are not always there. */
  readonly links: readonly LinkRule[];
  readonly fax: FaxSettings;
  /** Which accounts of this machine may leave mail while they cannot reach the gateway. */
  readonly pickup: 'everyone' | 'owner';
  readonly local: LocalDelivery;
  readonly modules: { readonly local: ModuleLimits };
  readonly faxModems: FaxModemSettings;
  readonly filters: FilterSettings;
  /** null: off. */
  readonly http: Endpoint | null;
  readonly log: readonly LogTarget[];
  readonly web: WebSettings;
  readonly events: EventSettings;
  /** Never empty; null: as the system's resolv.conf says. */
  readonly dnsServers: readonly NameServerSetting[] | null;
  /** Absent: no bearer token is any good. */
  readonly authTokens?: AuthTokenSettings;
  /** Absolute path of userdb, whether it exists or not. */
  readonly userdb: string;
  /** Virtual hosts, by address or login domain: each a configuration with what it has of its own. */
  readonly hosts: ReadonlyMap<string, Configuration>;
  /** Everything that was decided, for people; each name once. */
  readonly settings: readonly Setting[];
  /** What is known but does nothing yet, and other things worth a line; never a reason to refuse. */
  readonly notices: readonly Notice[];
}

/** A server to ask; one for HTTPS with its proxy instead of the proxy's name. */
export type NameServerSetting = Exclude<NameServerLine, HttpsServer> | (Omit<HttpsServer, 'via'> & { readonly proxy?: SocksProxy });

/** What a program needs that hands mail over. */
export type Essentials = Pick<Configuration, 'names' | 'stateFolder'> & Pick<Limits, 'sizeOctets'>;

export interface Setting {
  readonly name: string;
  /** Secrets are left out. */
  readonly value: string;
  /** The file it comes from, or 'default'. */
  readonly source: string;
}

export interface Notice {
  readonly file: string;
  readonly what: string;
}

export interface Names {
  readonly me: string;
  readonly defaultDomain: string;
  readonly messageIdHost: string;
  /** EHLO name of our client; 'reverse' asks DNS for the name of the local address. */
  readonly helo: { readonly kind: 'name'; readonly name: string } | { readonly kind: 'reverse' };
  /** The banner's lines after 220; absent: `<me> ESMTP`. */
  readonly greeting?: readonly string[];
}

export interface Domains {
  readonly locals: DomainList;
  readonly hosted: HostedDomains;
  readonly acceptMailFor: DomainList;
  /** Reached as user%domain@ours. */
  readonly percentRelay: DomainList;
  /** Domains whose addresses order their own fate. */
  readonly trial: DomainList;
}

export type AliasFile = 'aliases' | 'aliases-esmtp' | 'aliases-local' | 'aliases-uucp';

export interface AddressRules {
  /** Local-parts of our own addresses mean the same in any case. */
  readonly lowerCase: boolean;
  /** Characters, besides `-`, that part an account from its extension. */
  readonly separators: string;
  /** Where the alias files are, whether they exist or not; absolute. */
  readonly aliasFiles: Readonly<Record<AliasFile, string>>;
}

export type ListenerName = 'esmtpd' | 'esmtpd-msa' | 'esmtpd-ssl' | 'lmtpd' | 'esmtpd-devices' | 'esmtpd-devices-ssl';

export interface Listener {
  readonly name: ListenerName;
  /** Empty only where there is a socket. */
  readonly endpoints: readonly ListenEndpoint[];
  /** A Unix socket, of the LMTP listener. */
  readonly socket?: { readonly path: string; readonly mode: number };
  readonly tls: 'starttls' | 'implicit';
  /** Absent: no TLS on this listener. */
  readonly identity?: TlsIdentity;
  /** That one, and what there is beside it. */
  readonly tlsDetails?: ListenerTls;
  readonly authRequired: boolean;
  readonly tlsRequired: boolean;
  /** Offered before and after TLS. */
  readonly mechanisms: { readonly plain: readonly Mechanism[]; readonly tls: readonly Mechanism[] };
  /** Appended to the recipients of an authenticated client, as RELAYCLIENT is. */
  readonly authRelayClient: string;
  readonly maxConnections: number;
  readonly maxPerAddress: number;
  /** Addresses equal in all but the last octet. */
  readonly maxPerBlock: number;
  readonly tarpit: boolean;
  readonly expn: boolean;
  readonly vrfy: boolean;
  readonly addMessageId: boolean;
  readonly addDate: boolean;
  readonly sizeOctets: number | null;
  readonly access: readonly AccessEntry[];
  readonly trust: ListenerTrust;
  /** What TCPDOPTS says. */
  readonly options?: ListenerOptions;
  /** A connection's variables before the access file's are laid over them: bofh's opt lines, then this file's. */
  readonly variables: ReadonlyMap<string, string>;
}

/** A line of `socksbind`. */
export interface OutsideListener extends Omit<SocksBind, 'line' | 'listener' | 'via'> {
  readonly listener: ListenerName;
  readonly proxy: SocksProxy;
}

/** Networks whose word on who the client is counts. Empty: nobody's. */
export interface ListenerTrust {
  /** Not empty: every connection must come from there, with a PROXY header. */
  readonly proxy: readonly Network[];
  readonly xclient: readonly Network[];
  readonly xforward: readonly Network[];
}

export interface ListenerTls {
  readonly identity: TlsIdentity;
  /** For clients that ask for that name, `*.domain` included. */
  readonly names: ReadonlyMap<string, TlsIdentity>;
  /** For clients that ask for no name we know, on one of our addresses. */
  readonly addresses: ReadonlyMap<string, TlsIdentity>;
  /** Absent: clients are asked for no certificate. */
  readonly clients?: {
    readonly demand: boolean;
    /** PEM. */
    readonly authorities: string;
    readonly subjectField?: string;
  };
}

export interface TlsIdentity {
  readonly certificateFile: string;
  readonly keyFile: string;
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
  readonly minVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
  readonly ciphers?: string;
}

export interface Limits {
  /** Largest message; null: no limit. */
  readonly sizeOctets: number | null;
  readonly headerOctets: number;
  /** Below this much room for the queue, mail is refused for now (452). */
  readonly freeSpaceOctets: number;
}

export interface QueueSettings {
  readonly queueTimeMs: number;
  readonly faxQueueTimeMs: number;
  /** 0: never. */
  readonly warnTimeMs: number;
  readonly retry: { readonly alphaMs: number; readonly beta: number; readonly gammaMs: number; readonly maxDelta: number };
  readonly submitDelayMs: number;
  readonly low: number;
  readonly high: number;
  /** 0: off. */
  readonly fillMs: number;
  /** Recipients in one queue entry. */
  readonly batchSize: number;
}

/** What a module.* file says. */
export interface ModuleLimits {
  readonly deliveries: number;
  readonly perNexthop: number;
  readonly recipients: number;
}

export interface ReportSettings {
  /** The From field's text as configured; absent: our own. */
  readonly from?: string;
  /** A failed message below this size comes back whole. */
  readonly limitOctets: number;
  readonly toAuthAddress: boolean;
  /** Who did not say what he wants to hear hears of delays. */
  readonly delaysByDefault: boolean;
  /** In place of our own. */
  readonly texts: Partial<ReportTexts>;
}

/** What people read; one dsn*.txt each. */
export interface ReportTexts {
  readonly subjectNotice: string;
  readonly subjectWarning: string;
  readonly header: string;
  readonly delivered: string;
  readonly relayed: string;
  readonly failed: string;
  readonly delayed: string;
  readonly footer: string;
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

export interface FilterSettings {
  /** Which ways in are filtered; `esmtp` is submission too. Empty: nothing is. */
  readonly sources: ReadonlySet<'esmtp' | 'local' | 'uucp'>;
  /** Where filters have their own files; absolute. */
  readonly folder: string;
  /** Has `filters` and `allfilters`, where programs put their sockets; absolute. */
  readonly sockets: string;
  readonly active: readonly ActiveFilter[];
  readonly builtIn: BuiltInSettings;
  /** Asked after the others, in this order. */
  readonly rules: readonly ContentFilter[];
  /** For socket filters, by name; `*` for the others. */
  readonly courier: ReadonlyMap<string, FilterManners>;
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

export interface WebSettings {
  readonly shown: boolean;
  /** Names, beside `me`, that a browser may call this box by; in lower case. */
  readonly names: readonly string[];
  readonly token?: string;
}

export interface EventSettings {
  readonly webhooks: readonly Webhook[];
  readonly alarms: AlarmLimits;
}

/** Who says whether a token is good, and by which proxy it is asked. */
export interface AuthTokenSettings extends AuthTokens {
  readonly via?: SocksProxy;
}

export interface Webhook extends WebhookRule {
  readonly via: SocksProxy | undefined;
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

export interface ConfigurationProblem {
  /** Path as the operator would open it. */
  readonly file: string;
  readonly line?: number;
  readonly what: string;
  readonly right: string;
}
