/** What crosses between the gateway and a filter module's worker. docs/posthorn-filter.d.ts says the same to module authors. */

export interface FilterMessage {
  readonly id: string;
  /** '' is the null sender. */
  readonly from: string;
  readonly recipients: readonly string[];
  readonly source: string;
  readonly remoteAddress?: string;
  readonly remoteName?: string;
  readonly helo?: string;
  readonly login?: string;
  readonly tls: boolean;
  readonly smtputf8: boolean;
  readonly variables: Readonly<Record<string, string>>;
  readonly sizeOctets: number;
  /** In order, names in lower case, values unfolded; ours first. */
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  /** Header and body with CRLF line ends, as far as it is shown. */
  readonly content: Uint8Array;
  readonly truncated: boolean;
}

export interface FilterDecision {
  readonly action?: 'pass' | 'reject' | 'defer' | 'quarantine';
  readonly code?: number;
  readonly text?: string;
}

export interface FilterResult extends FilterDecision {
  /** By address, for recipients who are to be treated otherwise. */
  readonly recipients?: Readonly<Record<string, FilterDecision>>;
  readonly addHeaders?: readonly (readonly [string, string])[];
  /** Replaced, or added; null takes all of that name out. */
  readonly setHeaders?: Readonly<Record<string, string | null>>;
  /** No later filter is asked. */
  readonly final?: boolean;
}

export type ToWorker = { readonly kind: 'inspect'; readonly n: number; readonly message: FilterMessage } | { readonly kind: 'ping'; readonly n: number };

export type FromWorker =
  | { readonly kind: 'loaded' }
  | { readonly kind: 'pong'; readonly n: number }
  | { readonly kind: 'answer'; readonly n: number; readonly answer: unknown }
  | { readonly kind: 'threw'; readonly n: number; readonly why: string };
