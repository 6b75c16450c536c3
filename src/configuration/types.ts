/** The configuration as the rooms get it: read and validated once, never changed; a reload makes a new one. */
import type { AuthTokens } from '../grammar/config/ways-in/auth-tokens.ts';
import type { AlarmLimits } from '../grammar/config/alarms.ts';
import type { BanSettings } from '../grammar/config/ways-in/bans.ts';
import type { Bofh } from '../grammar/config/ways-in/bofh.ts';
import type { ContentFilter, FilterManners } from '../grammar/config/content-filters.ts';
import type { DeviceRule } from '../grammar/config/ways-in/devices.ts';
import type { DomainList } from '../grammar/config/domain-list.ts';
import type { Endpoint } from '../grammar/config/endpoint.ts';
import type { ActiveFilter, BuiltInSettings } from '../grammar/config/filter-folder.ts';
import type { GreylistSettings } from '../grammar/config/ways-in/greylist.ts';
import type { HostedDomains } from '../grammar/config/hosted-domains.ts';
import type { LogTarget } from '../grammar/config/log-targets.ts';
import type { LinkRule } from '../grammar/config/ways-out/links.ts';
import type { HttpsServer, NameServerLine } from '../grammar/config/name-servers.ts';
import type { SocksProxy } from '../grammar/config/proxies.ts';
import type { WebhookRule } from '../grammar/config/webhooks.ts';
import type { Listener, OutsideListener } from './ways-in/types.ts';
import type { ClientSettings, DkimDomain, FaxModemSettings, FaxSettings, LocalDelivery, ModuleLimits, PipeSettings, UucpSettings } from './ways-out/types.ts';

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

export interface ConfigurationProblem {
  /** Path as the operator would open it. */
  readonly file: string;
  readonly line?: number;
  readonly what: string;
  readonly right: string;
}
