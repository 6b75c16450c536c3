/** What Courier's `filters` folder says: which filters are on, and the settings of those that are built in. */
export const builtInFilters = ['dupfilter', 'ratefilter', 'verifyfilter'] as const;
export type BuiltInName = (typeof builtInFilters)[number];

export type ActiveFilter =
  /** A program of Courier's socket protocol; `path` is what to run. */
  | { readonly kind: 'program'; readonly name: string; readonly path: string }
  | { readonly kind: 'built-in'; readonly name: BuiltInName; readonly optional: boolean }
  /** An ES module. */
  | { readonly kind: 'module'; readonly name: string; readonly path: string; readonly optional: boolean };

export interface BuiltInSettings {
  /** dupfilter: how many hashes are remembered, and which repetition is refused. */
  readonly duplicates: { readonly hashes: number; readonly level: number };
  readonly rate: { readonly intervalMs: number; readonly recipients: number; readonly leastUid: number };
  /** verifyfilter: `base` cuts the local part at its first dash, so that VERP senders are one. */
  readonly verification: { readonly cache: 'base' | 'full'; readonly parallel: number };
}

export function isBuiltIn(name: string): name is BuiltInName {
  return builtInFilters.some(one => one === name);
}
