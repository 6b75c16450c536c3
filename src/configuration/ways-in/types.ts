/** Where we listen, to whom, and with which certificates. */
import type { Mechanism } from '../../grammar/sasl/mechanisms.ts';
import type { AccessEntry } from '../../grammar/config/ways-in/access.ts';
import type { ListenEndpoint } from '../../grammar/config/endpoint.ts';
import type { Network } from '../../grammar/config/network.ts';
import type { ListenerOptions } from '../../grammar/config/ways-in/listener-options.ts';
import type { TlsVersion } from '../../grammar/config/tls-version.ts';
import type { SocksProxy } from '../../grammar/config/proxies.ts';
import type { SocksBind } from '../../grammar/config/ways-in/socks-bind.ts';

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
  /** DEFDOMAIN and DOMAINSEP: how a login without a domain is meant. Absent: as it is typed. */
  readonly loginDomain?: { readonly domain: string | null; readonly separators: string };
  /** ESMTP_LOG_DIALOG: every command and reply is in the log. */
  readonly logsDialogue?: boolean;
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
  readonly minVersion?: TlsVersion;
  readonly maxVersion?: TlsVersion;
  readonly ciphers?: string;
  /** PEM, or `auto`: OpenSSL's own groups. Absent: no key is exchanged by finite-field Diffie-Hellman. */
  readonly dhparam?: string;
}
