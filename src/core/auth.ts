/** Proving who somebody is. 'unavailable' is 454 4.7.0, 'rejected' is 535 5.7.8 (RFC 4954 §6). */
export interface AuthBackend {
  readonly name: string;
  verify(login: string, proof: Proof): Promise<AuthAnswer>;
  find(login: string): Promise<AuthAnswer>;
}

export type Proof =
  | { readonly kind: 'password'; readonly password: string; readonly service: 'esmtp' | 'imap' | 'pop3' | 'webmail' }
  | { readonly kind: 'cram'; readonly digest: 'md5' | 'sha1' | 'sha256'; readonly challenge: string; readonly response: string };

export type AuthAnswer =
  | { readonly kind: 'accepted'; readonly account: Account }
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
