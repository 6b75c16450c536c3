/** Types of a filter module; see filters.md. */
export type Filter = (message: FilterMessage) => FilterResult | void | Promise<FilterResult | void>;

export interface FilterMessage {
  /** The queue id it will have. */
  readonly id: string;
  /** '' is the null sender. */
  readonly from: string;
  readonly recipients: readonly string[];
  /** esmtp, submission, local, uucp, fax or list. */
  readonly source: string;
  readonly remoteAddress?: string;
  readonly remoteName?: string;
  readonly helo?: string;
  readonly login?: string;
  readonly tls: boolean;
  readonly smtputf8: boolean;
  /** What the access file set for the client: RELAYCLIENT, BLOCK and free names. */
  readonly variables: Readonly<Record<string, string>>;
  readonly sizeOctets: number;
  /** In order, names in lower case, values unfolded; the gateway's own fields first. */
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  /** Header and body with CRLF line ends, at most 16 MB. */
  readonly content: Uint8Array;
  /** There is more than content shows. */
  readonly truncated: boolean;
}

export interface FilterDecision {
  /** Absent: pass. */
  readonly action?: 'pass' | 'reject' | 'defer' | 'quarantine';
  /** 500 to 599 with reject, 400 to 499 with defer. */
  readonly code?: number;
  /** For the client; an enhanced status may lead it. */
  readonly text?: string;
}

export interface FilterResult extends FilterDecision {
  /** By address, for recipients who are to be treated otherwise. */
  readonly recipients?: Readonly<Record<string, FilterDecision>>;
  readonly addHeaders?: readonly (readonly [name: string, value: string])[];
  /** Replaces the first of that name, or adds one; null takes them out. */
  readonly setHeaders?: Readonly<Record<string, string | null>>;
  /** No later filter is asked. */
  readonly final?: boolean;
}
