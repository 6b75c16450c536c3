/** A person lets us in: by a code that is typed on another device (RFC 8628), or by a browser whose last address is brought back (RFC 6749 §4.1). */
import { randomBytes } from 'node:crypto';
import { after, type Clock } from '../../core/clock.ts';
import type { HttpClient } from '../../kit/net/http-client.ts';
import type { Account } from './account.ts';
import { keptFrom } from './keeper.ts';
import { askDeviceCode, askWithCode, askWithDeviceCode, browserUrl, type DeviceCode, type Tokens } from './provider.ts';
import type { TokenFiles } from './token-file.ts';

export interface LoginRooms {
  readonly files: TokenFiles;
  readonly http: HttpClient;
  readonly clock: Clock;
}

export type LoggedIn =
  | { readonly kind: 'in'; readonly until: number; readonly refreshable: boolean }
  | { readonly kind: 'denied' | 'unavailable'; readonly why: string };

/** RFC 8628 §3.5. */
const SLOWER_S = 5;
/** A provider that is away for a moment is asked again, until the code's time is over. */
export async function logInByDevice(account: Account, { files, http, clock }: LoginRooms, show: (code: DeviceCode) => Promise<void>, signal: AbortSignal): Promise<LoggedIn> {
  const code = await askDeviceCode(http, account, signal);
  if (code.kind !== 'device') return code;
  await show(code);
  const until = clock.now() + code.livesS * 1000;
  let { intervalS } = code;
  while (clock.now() < until) {
    await clock.sleepUntil(after(clock.now(), Math.max(intervalS, 1) * 1000), signal);
    if (signal.aborted) return { kind: 'unavailable', why: 'given up' };
    const heard = await askWithDeviceCode(http, account, code.deviceCode, signal);
    if (heard.kind === 'tokens') return keep(account, heard, { files, clock });
    if (heard.kind === 'denied' && heard.error === 'slow_down') intervalS += SLOWER_S;
    else if (heard.kind === 'denied' && heard.error !== 'authorization_pending') return heard;
  }
  return { kind: 'denied', why: 'the code was not used in time' };
}

export interface BrowserLogin {
  readonly url: string;
  /** `address` is where the browser ended, with the code in it. */
  finish(address: string, signal: AbortSignal): Promise<LoggedIn>;
}

/** RFC 8252 §7.3: an address of this machine, where nobody need listen: what counts is what the address bar shows. */
const REDIRECT = 'http://127.0.0.1:8400/';

/** Null: the provider has no such flow. */
export function logInByBrowser(account: Account, { files, http, clock }: LoginRooms): BrowserLogin | null {
  const given = { state: randomBytes(16).toString('base64url'), verifier: randomBytes(32).toString('base64url'), redirect: REDIRECT };
  const url = browserUrl(account, given);
  if (url === null) return null;
  return {
    url,
    async finish(address, signal) {
      const parameters = URL.parse(address.trim())?.searchParams;
      const code = parameters?.get('code') ?? null;
      if (parameters === undefined || code === null) return { kind: 'denied', why: parameters?.get('error') ?? 'that address has no code in it' };
      // Else somebody else's login would be ours (RFC 6749 §10.12).
      if (parameters.get('state') !== given.state) return { kind: 'denied', why: 'that address is of another login' };
      const heard = await askWithCode(http, account, { ...given, code }, signal);
      return heard.kind === 'tokens' ? keep(account, heard, { files, clock }) : heard;
    },
  };
}

async function keep(account: Account, tokens: Tokens, { files, clock }: Pick<LoginRooms, 'files' | 'clock'>): Promise<LoggedIn> {
  const kept = keptFrom(tokens, null, clock.now());
  await files.write(account, kept);
  return { kind: 'in', until: kept.expiresAt, refreshable: kept.refresh !== undefined };
}
