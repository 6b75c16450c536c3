/** An account at a provider, as the room needs it: what the file `oauth` says, with its proxy found. */
import type { OauthAccount } from '../../grammar/config/ways-out/oauth-accounts.ts';
import type { Proxy } from '../../kit/net/socks.ts';

export interface Account extends Omit<OauthAccount, 'line' | 'provider' | 'proxy'> {
  readonly via?: Proxy;
}
