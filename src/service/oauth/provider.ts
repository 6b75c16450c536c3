/** What is said to a provider (RFC 6749, RFC 8628), one question at a time. Nothing here remembers. */
import { createHash } from 'node:crypto';
import type { HttpClient } from '../../kit/net/http-client.ts';
import type { Account } from './account.ts';

export interface Tokens {
  readonly kind: 'tokens';
  readonly access: string;
  /** Seconds from now; RFC 6749 §5.1 only recommends to say it. */
  readonly livesS: number;
  /** Absent: the one before stays good (RFC 6749 §6). */
  readonly refresh?: string;
}

export type Trouble =
  /** The provider's clear no. `error` is its word (RFC 6749 §5.2, RFC 8628 §3.5). */
  | { readonly kind: 'denied'; readonly error: string; readonly why: string }
  /** Not reached, or not understood. */
  | { readonly kind: 'unavailable'; readonly why: string };

export interface DeviceCode {
  readonly kind: 'device';
  readonly deviceCode: string;
  readonly userCode: string;
  readonly url: string;
  /** With the code in it already. */
  readonly wholeUrl?: string;
  readonly livesS: number;
  readonly intervalS: number;
}

const TIMEOUT_MS = 30_000;
const LIMIT_OCTETS = 64 * 1024;
const USUAL_LIFE_S = 3600;
const LONGEST_LIFE_S = 30 * 86_400;
const USUAL_INTERVAL_S = 5; // RFC 8628 §3.2
const WORDS = 300;

export async function askDeviceCode(http: HttpClient, account: Account, signal: AbortSignal): Promise<DeviceCode | Trouble> {
  const { deviceUrl, client, scope } = account;
  if (deviceUrl === undefined) return { kind: 'denied', error: 'no_device_flow', why: 'this provider has no device flow; use --browser' };
  const answer = await post(http, deviceUrl, { client_id: client, scope }, signal);
  if ('kind' in answer) return answer;
  const { body } = answer;
  const deviceCode = textOf(body, 'device_code');
  const userCode = textOf(body, 'user_code');
  // Google says verification_url, as the draft did.
  const url = textOf(body, 'verification_uri') ?? textOf(body, 'verification_url');
  if (deviceCode === undefined || userCode === undefined || url === undefined) return unreadable(answer);
  const wholeUrl = textOf(body, 'verification_uri_complete');
  return {
    kind: 'device', deviceCode, userCode, url, ...(wholeUrl === undefined ? {} : { wholeUrl }),
    livesS: numberOf(body, 'expires_in', 1, 86_400) ?? 900, intervalS: numberOf(body, 'interval', 0, 3600) ?? USUAL_INTERVAL_S,
  };
}

export function askWithDeviceCode(http: HttpClient, account: Account, deviceCode: string, signal: AbortSignal): Promise<Tokens | Trouble> {
  return askTokens(http, account, { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: deviceCode }, signal);
}

export function askWithRefresh(http: HttpClient, account: Account, refresh: string, signal: AbortSignal): Promise<Tokens | Trouble> {
  return askTokens(http, account, { grant_type: 'refresh_token', refresh_token: refresh, scope: account.scope }, signal);
}

export function askAsClient(http: HttpClient, account: Account, signal: AbortSignal): Promise<Tokens | Trouble> {
  return askTokens(http, account, { grant_type: 'client_credentials', scope: account.scope }, signal);
}

export function askWithCode(http: HttpClient, account: Account, given: { readonly code: string; readonly verifier: string; readonly redirect: string }, signal: AbortSignal): Promise<Tokens | Trouble> {
  return askTokens(http, account, { grant_type: 'authorization_code', code: given.code, redirect_uri: given.redirect, code_verifier: given.verifier }, signal);
}

/** Where a person's browser goes (RFC 6749 §4.1.1, RFC 7636 §4.3). */
export function browserUrl({ authorizeUrl, client, scope, login }: Account, given: { readonly state: string; readonly verifier: string; readonly redirect: string }): string | null {
  if (authorizeUrl === undefined) return null;
  const url = new URL(authorizeUrl);
  const parameters = {
    response_type: 'code', client_id: client, redirect_uri: given.redirect, scope, state: given.state, login_hint: login,
    // Google gives a refresh token only to whom asks for it so.
    access_type: 'offline', prompt: 'consent', code_challenge: createHash('sha256').update(given.verifier).digest('base64url'), code_challenge_method: 'S256',
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}

async function askTokens(http: HttpClient, { tokenUrl, client, secret }: Account, asked: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Tokens | Trouble> {
  const answer = await post(http, tokenUrl, { client_id: client, ...(secret === undefined ? {} : { client_secret: secret }), ...asked }, signal);
  if ('kind' in answer) return answer;
  const access = textOf(answer.body, 'access_token');
  // It goes into a line of SMTP (RFC 6750 §2.1).
  if (access === undefined || !/^[\w.~+/-]+=*$/.test(access) || (textOf(answer.body, 'token_type') ?? 'bearer').toLowerCase() !== 'bearer') return unreadable(answer);
  const refresh = textOf(answer.body, 'refresh_token');
  return { kind: 'tokens', access, livesS: numberOf(answer.body, 'expires_in', 1, LONGEST_LIFE_S) ?? USUAL_LIFE_S, ...(refresh === undefined ? {} : { refresh }) };
}

interface Answered {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function post(http: HttpClient, url: string, form: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Answered | Trouble> {
  const answer = await http.request({
    method: 'POST', url, body: new URLSearchParams(form).toString(), headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    timeoutMs: TIMEOUT_MS, limitOctets: LIMIT_OCTETS, signal,
  });
  const { host } = new URL(url);
  if (answer.kind !== 'answer') return { kind: 'unavailable', why: `${host}: ${answer.why}` };
  const body = readObject(answer.body.toString('utf8'));
  if (answer.status === 200 && body !== null) return { status: 200, body };
  const error = body === null ? undefined : textOf(body, 'error');
  const words = `${answer.status} ${error ?? ''} ${body === null ? '' : (textOf(body, 'error_description') ?? '')}`.replaceAll(/\s+/g, ' ').trim().slice(0, WORDS);
  // RFC 6749 §5.2: 400, and 401 for the client; what else there is speaks of the moment.
  const clear = error !== undefined && (answer.status === 400 || answer.status === 401 || answer.status === 403 || answer.status === 428);
  return clear ? { kind: 'denied', error, why: `${host}: ${words}` } : { kind: 'unavailable', why: `${host}: ${words}` };
}

function unreadable({ status }: Answered): Trouble {
  return { kind: 'unavailable', why: `the provider answered ${status} with something else than was asked` };
}

function readObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const read: unknown = JSON.parse(text);
    return typeof read === 'object' && read !== null && !Array.isArray(read) ? (read as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function textOf(body: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = body[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** QUIRK: some providers write numbers as text (unit/oauth/provider). */
function numberOf(body: Readonly<Record<string, unknown>>, name: string, least: number, most: number): number | undefined {
  const value = Number(body[name] ?? Number.NaN);
  return Number.isFinite(value) && value >= least ? Math.min(value, most) : undefined;
}
