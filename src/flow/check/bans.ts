/**
 * Who has guessed too many passwords is not listened to for a while: a neighbourhood at connect, a login at AUTH. Bans
 * are noted, so that they survive a restart and hold in every process; of what each process counts the others are told.
 */
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Metrics } from '../../core/metrics.ts';
import type { Notes } from '../../core/notes.ts';
import type { Variables } from '../../core/policy.ts';
import { refuse, type Refusal } from '../../core/status.ts';
import type { BanSettings, Rate } from '../../grammar/config/ways-in/bans.ts';
import { formatNetwork, networkHas, parseIpAddress, type IpAddress } from '../../grammar/config/network.ts';
import { createWindows } from '../../kit/windows.ts';

export interface BansOptions {
  readonly notes: Notes;
  readonly clock: Clock;
  readonly log: Log;
  settings(): BanSettings;
  /** May relay by its address: an office is not locked out for one wrong password. */
  trusts(address: string): boolean;
  readonly metrics: Metrics;
  /** What has been counted here, for other processes that receive as well. */
  readonly counted?: (what: Counted, key: string) => void;
}

/** `end`: the key was banned, and its count begins anew. */
export type Counted = 'failure' | 'connection' | 'end';

export interface Bans {
  /** Asked for each connection. */
  admit(address: string, variables: Variables): Refusal | null;
  /** Before each attempt to log in. */
  allowed(address: string, login: string | null): boolean;
  failed(address: string, login: string | null): void;
  succeeded(address: string, login: string): void;
  /** Counted by another process. It decides nothing here: whoever counts the next one does. */
  heard(what: Counted, key: string, times: number): void;
}

/** Keys counted at once, of strangers' choosing. */
const COUNTED = 50_000;

export function createBans({ notes, clock, log, metrics, settings, trusts, counted = () => undefined }: BansOptions): Bans {
  const bans = metrics.counter('posthorn_bans_total', 'Networks and logins banned after too many failed logins, by kind.');
  const failures = createWindows(COUNTED);
  const connections = createWindows(COUNTED);

  function isBanned(key: string): boolean {
    return notes.recall('ban', key) !== null;
  }

  function count(key: string, rate: Rate | null, why: string): void {
    if (rate === null) return;
    const now = clock.now();
    const times = failures.add(key, now, rate.withinMs);
    counted('failure', key);
    if (times < rate.count || isBanned(key)) return;
    const { banForMs } = settings();
    failures.forget(key);
    counted('end', key);
    notes.note('ban', key, { at: now, until: now + banForMs, count: times, why });
    bans.add(1, { kind: key.startsWith('net ') ? 'network' : 'login' });
    log.warn('banned', { who: key, why: `${times} ${why}`, until: new Date(now + banForMs).toISOString() });
  }

  function blockOf(address: string): string | null {
    const parsed = parseIpAddress(address);
    if (parsed === null || isLoopback(parsed)) return null;
    const { bits4, bits6, never } = settings();
    if (never.some(network => networkHas(network, parsed))) return null;
    return `net ${formatNetwork(cut(parsed, parsed.family === 4 ? bits4 : bits6))}`;
  }

  /** A person who has logged in from there is not locked out of it by those who guess elsewhere. */
  function isProven(login: string, block: string | null): boolean {
    return block !== null && notes.recall('proven', `${login} ${block}`) !== null;
  }

  return {
    admit(address, variables) {
      const block = variables.has('RELAYCLIENT') ? null : blockOf(address);
      if (block === null) return null;
      if (isBanned(block)) return refuse('banned', { why: `${block} is banned; posthorn bans clear ${block.slice(4)} lets it in` });
      const rate = settings().connections;
      if (rate === null) return null;
      const times = connections.add(block, clock.now(), rate.withinMs);
      counted('connection', block);
      return times <= rate.count ? null : refuse('tooManyConnectionsLately', { why: `${times} connections of ${block} in ${rate.withinMs / 1000} s` });
    },
    allowed(address, login) {
      const block = blockOf(address);
      if (block !== null && !trusts(address) && isBanned(block)) return false;
      return login === null || !isBanned(`login ${fold(login)}`) || isProven(fold(login), block);
    },
    failed(address, login) {
      const { authFailures, loginFailures } = settings();
      const block = trusts(address) ? null : blockOf(address);
      if (block !== null) count(block, authFailures, 'failed logins');
      if (login !== null) count(`login ${fold(login)}`, loginFailures, 'failed logins');
    },
    succeeded(address, login) {
      const block = blockOf(address);
      if (block === null) return;
      const key = `${fold(login)} ${block}`;
      const now = clock.now();
      // Who logs in all day long is written down once a day.
      if ((notes.recall('proven', key)?.at ?? 0) > now - NOTED_AGAIN_MS) return;
      notes.note('proven', key, { at: now, until: now + PROVEN_MS, count: 1 });
    },
    heard(what, key, times) {
      if (what === 'end') return failures.forget(key);
      const { authFailures, loginFailures, connections: connecting } = settings();
      const rate = what === 'connection' ? connecting : key.startsWith('login ') ? loginFailures : authFailures;
      if (rate !== null) (what === 'connection' ? connections : failures).add(key, clock.now(), rate.withinMs, times);
    },
  };
}

const PROVEN_MS = 30 * 86_400_000;
const NOTED_AGAIN_MS = 86_400_000;
/** Letters of a login that are kept: more is nobody's. */
const LOGIN_LETTERS = 200;

function fold(login: string): string {
  return login.toLowerCase().replaceAll(/[\u0000-\u001f\u007f]/g, '_').slice(0, LOGIN_LETTERS);
}

function isLoopback({ family, octets }: IpAddress): boolean {
  return family === 4 ? octets[0] === 127 : octets.every((octet, at) => octet === (at === 15 ? 1 : 0));
}

/** The network of so many bits that an address is in. */
export function cut({ family, octets }: IpAddress, bits: number): IpAddress & { readonly bits: number } {
  return { family, bits, octets: octets.map((octet, at) => octet & (0xff00 >> Math.min(8, Math.max(0, bits - at * 8))) & 255) };
}
