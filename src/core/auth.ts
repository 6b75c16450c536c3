/** Proving who somebody is. 'unavailable' is 454 4.7.0, 'rejected' is 535 5.7.8 (RFC 4954 §6). */
export interface AuthBackend {
  readonly name: string;
  verify(login: string, proof: Proof): Promise<AuthAnswer>;
  find(login: string): Promise<AuthAnswer>;
  /**
   * What a SCRAM client must hear before it can prove anything (RFC 5802 §3). For nobody's login too, always the same
   * for the same login, and no different from somebody's. Absent: this backend knows no SCRAM.
   */
  salt?(login: string, digest: ScramDigest): Promise<SaltAnswer>;
}

export type ScramDigest = 'sha1' | 'sha256';

export type SaltAnswer =
  /** `known`: never for the peer. */
  | { readonly kind: 'salted'; readonly salt: Uint8Array; readonly iterations: number; readonly known: boolean }
  | { readonly kind: 'unavailable'; readonly why: string };

/** Who has guessed too often, from where and whom. The answers of others decide; this only counts. */
export interface AuthFailures {
  /** Asked before each attempt; `login` is null while nobody was named. */
  allowed(address: string, login: string | null): boolean;
  failed(address: string, login: string | null): void;
  /** Who has proved to be somebody from there is no guesser there. */
  succeeded(address: string, login: string): void;
}

export type Proof =
  | { readonly kind: 'password'; readonly password: string; readonly service: 'esmtp' | 'imap' | 'pop3' | 'webmail' }
  | { readonly kind: 'cram'; readonly digest: 'md5' | 'sha1' | 'sha256'; readonly challenge: string; readonly response: string }
  /** `message`: RFC 5802 §3's AuthMessage. */
  | { readonly kind: 'scram'; readonly digest: ScramDigest; readonly message: string; readonly proof: Uint8Array }
  /** Issued by somebody else, who can be asked. */
  | { readonly kind: 'token'; readonly token: string };

export type AuthAnswer =
  /** With a SCRAM proof: what proves to the client that we know the account. */
  | { readonly kind: 'accepted'; readonly account: Account; readonly serverSignature?: Uint8Array }
  | { readonly kind: 'rejected' }
  | { readonly kind: 'unavailable'; readonly why: string };

export interface Account {
  readonly login: string;
  /** Where this account's files live; absolute. */
  readonly home?: string;
  readonly mailbox?: string;
  readonly quota?: string;
  /** A user of the system: files of this account are written with these rights only. Absent: with the gateway's own. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  readonly options: ReadonlyMap<string, string>;
}
