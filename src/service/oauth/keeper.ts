/**
 * Tokens that are always fresh: refreshed ahead of their end, one refresh at a time, and what a refresh brought is on disk
 * before anybody is shown it, for a provider that rotates refresh tokens takes the old one no more (RFC 6749 §6, RFC 9700 §4.14).
 *
 *   good ──(5 minutes before its end, or refused by the relay)──▶ refreshing ──▶ good
 *                                                                 │      └─ not reached: again later; good until its end
 *                                                                 └─ denied: withdrawn, until somebody logs in again
 */
import { after, type Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { TokenAnswer, TokenKeeper } from '../../core/tokens.ts';
import type { HttpClient } from '../../kit/net/http-client.ts';
import type { Account } from './account.ts';
import { askAsClient, askWithRefresh, type Tokens, type Trouble } from './provider.ts';
import type { Kept, TokenFiles } from './token-file.ts';

export interface KeeperOptions {
  accounts(): readonly Account[];
  readonly files: TokenFiles;
  http(account: Account): HttpClient;
  readonly clock: Clock;
  readonly log: Log;
}

interface State {
  mark: string | null;
  kept: Kept | null;
  /** Brought by a refresh and not on disk yet: the disk would not. */
  unwritten: Kept | null;
  refreshing: Promise<TokenAnswer> | null;
  /** The relay refused it. */
  suspect: string | null;
  /** The relay refused a fresh one, and has taken none since: no token of ours ends that trouble. */
  untaken: boolean;
  /** No refresh before: the provider could not be reached a moment ago. */
  restUntil: number;
  failures: number;
  trouble: string | null;
}

type NoToken = Exclude<TokenAnswer, { kind: 'token' }>;

/** What no later refresh can mend: RFC 6749 §5.2, OpenID Connect's kin of it, and Microsoft's words. Anything else may pass. */
const WITHDRAWN: ReadonlySet<string> = new Set(['invalid_grant', 'interaction_required', 'consent_required', 'login_required', 'access_denied']);
const LOOK_MS = 30_000;
const AHEAD_MS = 5 * 60_000;
/** Less than this left is not enough for a connection. */
const LEAST_MS = 30_000;
const FIRST_REST_MS = 15_000;
const LONGEST_REST_MS = 10 * 60_000;
/** A relay that refuses fresh tokens is not won over by fresher ones. */
const YOUNG_MS = 10 * 60_000;

export function openTokenKeeper(options: KeeperOptions): TokenKeeper {
  const { files, clock, log } = options;
  const states = new Map<string, State>();
  const closing = new AbortController();

  function stateOf({ name, client, tokenUrl }: Account): State {
    // Tokens of one client are nothing to another of the same name.
    const key = `${name} ${client} ${tokenUrl}`;
    const known = states.get(key);
    if (known !== undefined) return known;
    const state: State = { mark: null, kept: null, unwritten: null, refreshing: null, suspect: null, untaken: false, restUntil: 0, failures: 0, trouble: null };
    states.set(key, state);
    return state;
  }

  /** What somebody else wrote meanwhile, a login, counts from now on. */
  async function load(account: Account, state: State): Promise<void> {
    const mark = await files.mark(account.name);
    if (mark === state.mark) return;
    const kept = mark === null ? null : await files.read(account);
    if (kept?.loginAt !== state.kept?.loginAt) {
      state.suspect = null;
      state.untaken = false;
      state.unwritten = null;
      state.restUntil = 0;
      state.failures = 0;
    }
    state.mark = mark;
    state.kept = kept;
  }

  async function find(name: string, signal: AbortSignal): Promise<TokenAnswer> {
    const account = options.accounts().find(one => one.name === name);
    if (account === undefined) return { kind: 'none', why: `the file oauth has no account ${name}` };
    const state = stateOf(account);
    try {
      await load(account, state);
    } catch (cause) {
      log.error('oauth', { account: name, cause });
      return { kind: 'unavailable', why: `the tokens of ${name} cannot be read` };
    }
    const { kept } = state;
    const standing = standingOf(account, state, clock.now());
    if (standing === 'withdrawn') return { kind: 'none', why: kept?.withdrawn ?? '' };
    if (standing === 'absent') return raise(account, state, { kind: 'none', why: `nobody is logged in as ${name}: posthorn oauth login ${name}` });
    if (standing === 'old') return giveUpAt(signal, refresh(account, state));
    if (standing === 'ageing') void refresh(account, state);
    return { kind: 'token', token: kept?.access ?? '', login: account.login };
  }

  function refresh(account: Account, state: State): Promise<TokenAnswer> {
    state.refreshing ??= refreshNow(account, state).catch((cause: unknown): TokenAnswer => {
      log.error('oauth', { account: account.name, cause });
      return { kind: 'unavailable', why: `the token of ${account.name} could not be kept` };
    }).finally(() => {
      state.refreshing = null;
    });
    return state.refreshing;
  }

  async function refreshNow(account: Account, state: State): Promise<TokenAnswer> {
    const { kept, unwritten } = state;
    if (unwritten !== null) return keep(account, state, unwritten);
    if (clock.now() < state.restUntil) return { kind: 'unavailable', why: state.trouble ?? 'the provider could not be reached' };
    const http = options.http(account);
    const heard = account.grant === 'client' ? await askAsClient(http, account, closing.signal) : await askWithRefresh(http, account, kept?.refresh ?? '', closing.signal);
    if (heard.kind === 'tokens') return keep(account, state, keptFrom(heard, kept, clock.now()));
    return heard.kind === 'denied' && account.grant === 'user' && WITHDRAWN.has(heard.error) ? withdraw(account, state, heard, kept?.loginAt) : rest(account, state, heard);
  }

  /** On disk first. A login that came meanwhile is newer than what we brought. */
  async function keep(account: Account, state: State, brought: Kept): Promise<TokenAnswer> {
    const newer = await newerLogin(account, state, brought.loginAt);
    if (newer !== null) return newer;
    state.unwritten = brought;
    await files.write(account, brought);
    state.mark = await files.mark(account.name);
    state.kept = brought;
    state.unwritten = null;
    state.suspect = null;
    state.failures = 0;
    log.info('oauth', { account: account.name, what: 'refreshed', until: new Date(brought.expiresAt).toISOString() });
    if (!state.untaken) clear(account, state);
    return { kind: 'token', token: brought.access, login: account.login };
  }

  async function newerLogin(account: Account, state: State, than: number | undefined): Promise<TokenAnswer | null> {
    await load(account, state);
    const { kept } = state;
    return kept === null || kept.loginAt === than || than === undefined ? null : { kind: 'token', token: kept.access, login: account.login };
  }

  async function withdraw(account: Account, state: State, { why }: Extract<Trouble, { kind: 'denied' }>, than: number | undefined): Promise<TokenAnswer> {
    const newer = await newerLogin(account, state, than);
    if (newer !== null) return newer;
    const withdrawn = `${account.name} has to log in again (posthorn oauth login ${account.name}): ${why}`;
    const { kept } = state;
    if (kept !== null) {
      state.kept = { ...kept, withdrawn };
      await files.write(account, state.kept);
      state.mark = await files.mark(account.name);
    }
    return raise(account, state, { kind: 'none', why: withdrawn });
  }

  function rest(account: Account, state: State, { kind, why }: Trouble): TokenAnswer {
    state.restUntil = clock.now() + Math.min(FIRST_REST_MS * 2 ** state.failures++, LONGEST_REST_MS);
    const text = `the token of ${account.name} could not be refreshed: ${why}`;
    // Once is nothing: it is asked again long before the token ends.
    if (kind === 'denied' || state.failures > 3) return raise(account, state, { kind: 'unavailable', why: text });
    log.warn('oauth', { account: account.name, why });
    return { kind: 'unavailable', why: text };
  }

  function raise({ name }: Account, state: State, answer: NoToken): NoToken {
    if (state.trouble === null) log.warn('alarm', { alarm: 'oauth', state: 'raised', account: name, text: answer.why });
    state.trouble = answer.why;
    return answer;
  }

  function clear({ name }: Account, state: State): void {
    if (state.trouble !== null) log.info('alarm', { alarm: 'oauth', state: 'cleared', account: name, text: `${name} has a token again` });
    state.trouble = null;
  }

  /** Ahead of time, so that mail never waits for it. */
  async function look(): Promise<void> {
    for (const account of options.accounts()) {
      const state = stateOf(account);
      await load(account, state);
      const standing = standingOf(account, state, clock.now());
      if (standing === 'good' && !state.untaken) clear(account, state);
      if (standing === 'withdrawn') raise(account, state, { kind: 'none', why: state.kept?.withdrawn ?? '' });
      if (standing === 'old' || standing === 'ageing') await refresh(account, state);
    }
  }

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      await look().catch((cause: unknown) => log.error('oauth', { cause }));
      await clock.sleepUntil(after(clock.now(), LOOK_MS), closing.signal);
    }
  }
  const running = run();

  return {
    find,
    refused(name, token, why) {
      const account = options.accounts().find(one => one.name === name);
      const state = account === undefined ? undefined : stateOf(account);
      if (account === undefined || state?.kept?.access !== token) return;
      if (clock.now() - state.kept.refreshedAt > YOUNG_MS) {
        state.suspect = token;
        return;
      }
      state.untaken = true;
      raise(account, state, { kind: 'none', why: `the token of ${name} is fresh, and is not taken: ${why}` });
    },
    accepted(name, token) {
      const account = options.accounts().find(one => one.name === name);
      const state = account === undefined ? undefined : stateOf(account);
      if (account === undefined || state?.untaken !== true || state.kept?.access !== token) return;
      state.untaken = false;
      clear(account, state);
    },
    troubles: () => options.accounts().flatMap(account => stateOf(account).trouble ?? []),
    async close() {
      closing.abort();
      await running;
      for (const { refreshing } of states.values()) await refreshing;
    },
  };
}

function standingOf({ grant }: Account, { kept, suspect, unwritten }: State, now: number): 'absent' | 'withdrawn' | 'good' | 'ageing' | 'old' {
  if (kept === null) return grant === 'client' ? 'old' : 'absent';
  if (kept.withdrawn !== undefined) return 'withdrawn';
  if (unwritten !== null || suspect === kept.access) return 'old';
  const left = kept.expiresAt - now;
  if (left < LEAST_MS) return kept.refresh === undefined && grant === 'user' ? 'absent' : 'old';
  // Of a token that lives for minutes only, the last quarter.
  const ahead = Math.min(AHEAD_MS, (kept.expiresAt - kept.refreshedAt) / 4);
  return left < ahead && (kept.refresh !== undefined || grant === 'client') ? 'ageing' : 'good';
}

export function keptFrom({ access, livesS, refresh }: Tokens, before: Kept | null, now: number): Kept {
  const next = refresh ?? before?.refresh;
  return { access, expiresAt: now + livesS * 1000, loginAt: before?.loginAt ?? now, refreshedAt: now, ...(next === undefined ? {} : { refresh: next }) };
}

function giveUpAt(signal: AbortSignal, work: Promise<TokenAnswer>): Promise<TokenAnswer> {
  const aborted: TokenAnswer = { kind: 'unavailable', why: 'we are stopping' };
  if (signal.aborted) return Promise.resolve(aborted);
  return new Promise((resolve, reject) => {
    const gone = () => resolve(aborted);
    signal.addEventListener('abort', gone, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', gone));
  });
}
