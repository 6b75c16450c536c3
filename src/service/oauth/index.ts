/**
 * Accounts at providers that want tokens instead of passwords (RFC 6749, RFC 8628, RFC 7636). A person logs in once; from
 * then on the keeper behind core's TokenKeeper refreshes ahead of time. Tokens lie in files that the service alone reads.
 * It must never show a refresh token to anybody but the provider that gave it, nor lose one that it was given.
 */
export { openTokenKeeper, type KeeperOptions } from './keeper.ts';
export { createTokenFiles, type Kept, type TokenFiles } from './token-file.ts';
export { logInByBrowser, logInByDevice, type BrowserLogin, type LoggedIn, type LoginRooms } from './login.ts';
export type { DeviceCode } from './provider.ts';
export type { Account } from './account.ts';
