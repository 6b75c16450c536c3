/** Bearer tokens of our accounts at providers: whoever shows one asks for it each time, and says when it was not taken. */
export interface TokenKeeper {
  /** One that is good for some time yet. Waits for a refresh where there must be one. */
  find(account: string, signal: AbortSignal): Promise<TokenAnswer>;
  /** This token was shown and not taken, though its time was not over: the next one will be another. */
  refused(account: string, token: string, why: string): void;
  /** It was shown, and taken. */
  accepted(account: string, token: string): void;
  /** Accounts that cannot be used until somebody does something, in words. */
  troubles(): readonly string[];
  close(): Promise<void>;
}

export type TokenAnswer =
  | { readonly kind: 'token'; readonly token: string; readonly login: string }
  /** Nobody logged in, or the provider withdrew what it gave: a person is needed. */
  | { readonly kind: 'none'; readonly why: string }
  /** Not now. */
  | { readonly kind: 'unavailable'; readonly why: string };
