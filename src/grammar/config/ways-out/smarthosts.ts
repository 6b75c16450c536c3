/**
 * `smarthosts`: what a relay wants besides mail. `RELAY [oauth=NAME] [sender=ADDRESS|senders=NAME] [messages=N/TIME]
 * [recipients=N/TIME] [backup=RELAY] …`, one a line; RELAY as in `esmtpauthclient`: as the route says it, port included, or
 * the recipient's domain where no route names a relay.
 */
import type { Address } from '../../../core/envelope.ts';
import { parseAddress } from '../../address.ts';
import { parseLines } from '../control-file.ts';
import { parseDuration } from '../duration.ts';
import { settle, shown, type Parsed, type Problem } from '../parsed.ts';
import { parseRelayPlace, type RouteRelay } from './routes.ts';

export interface Smarthost {
  readonly line: number;
  /** Lower case. */
  readonly relay: string;
  /** The account in `oauth` whose token is shown. */
  readonly oauth?: string;
  /** SASL mechanisms, upper case; absent: the strongest. */
  readonly mechanisms?: readonly string[];
  /** The password may go over a connection without TLS. */
  readonly inClear: boolean;
  /** Everybody's sender. */
  readonly sender?: Address;
  /** Or the map in `sendermaps`. */
  readonly senders?: string;
  /** From: and Sender: as well, not the envelope alone. */
  readonly fields: boolean;
  readonly replyTo: boolean;
  readonly messages: readonly RateLimit[];
  readonly recipients: readonly RateLimit[];
  /** Tried in this order when the relay before is down. */
  readonly backups: readonly RouteRelay[];
}

export interface RateLimit {
  readonly count: number;
  readonly perMs: number;
}

const EXAMPLE = 'smtp.example.com,587 oauth=office sender=scanner@example.com messages=30/1m recipients=10000/24h';
const EXAMPLES: Readonly<Record<string, string>> = {
  oauth: 'oauth=office', mechanisms: 'mechanisms=PLAIN,LOGIN', clear: 'clear=yes', sender: 'sender=scanner@example.com', senders: 'senders=office', header: 'header=no',
  replyto: 'replyto=no', messages: 'messages=30/1m', recipients: 'recipients=10000/24h', backup: 'backup=relay2.example.net,587',
};
const MOST_BACKUPS = 8;
/** A week of counting is as far as providers go, and as far as a file of counters should. */
const LONGEST_MS = 8 * 86_400_000;

export function parseSmarthosts(text: string, mechanisms: readonly string[]): Parsed<readonly Smarthost[]> {
  const problems: Problem[] = [];
  const found: Smarthost[] = [];
  for (const { line, text: entry } of parseLines(text)) {
    const say = (what: string, right = EXAMPLE): void => void problems.push({ line, what, right });
    const [relay = '', ...options] = entry.split(/\s+/);
    const key = relay.toLowerCase();
    if (/[=/]/.test(relay)) say(`${shown(relay)} is not a relay`);
    const earlier = found.find(one => one.relay === key);
    if (earlier !== undefined) say(`a second line for ${shown(relay)}, the first is line ${earlier.line}`, 'one line for each relay');
    let host: Smarthost = { line, relay: key, inClear: false, fields: true, replyTo: true, messages: [], recipients: [], backups: [] };
    for (const option of options) {
      const [, name = '', value = ''] = /^([a-z]+)=(.+)$/.exec(option) ?? [];
      const change = optionOf(host, name, value, mechanisms);
      if (typeof change === 'string') say(`${name === '' ? shown(option) : `${name}=${shown(value)}`} ${change}`, EXAMPLES[name] ?? Object.values(EXAMPLES).join(' '));
      else host = { ...host, ...change };
    }
    if (host.sender !== undefined && host.senders !== undefined) say('sender= and senders= at once', 'one of them');
    found.push(host);
  }
  return settle(found, problems);
}

/** What the option changes, or what is wrong with it. */
function optionOf(host: Smarthost, name: string, value: string, known: readonly string[]): Partial<Smarthost> | string {
  switch (name) {
    case 'oauth':
      return isName(value) ? { oauth: value } : 'is no name';
    case 'senders':
      return isName(value) ? { senders: value } : 'is no name';
    case 'mechanisms': {
      const words = value.toUpperCase().split(',');
      const strange = words.find(word => !known.includes(word));
      return strange === undefined ? { mechanisms: words } : `has ${shown(strange)}, which is none of ${known.join(', ')}`;
    }
    case 'sender': {
      const address = parseAddress(value);
      return address === null || !address.includes('@') ? 'is no address' : { sender: address };
    }
    case 'clear':
      return flag(value, inClear => ({ inClear }));
    case 'header':
      return flag(value, fields => ({ fields }));
    case 'replyto':
      return flag(value, replyTo => ({ replyTo }));
    case 'messages':
    case 'recipients': {
      const limits = value.split(',').map(readLimit);
      return limits.every(limit => limit !== null) ? { [name]: limits } : 'is not a number and a time of at most 8 days';
    }
    case 'backup': {
      const place = parseRelayPlace(value);
      if (place === null) return 'is not a relay with an optional port';
      return host.backups.length >= MOST_BACKUPS ? `is one too many, ${MOST_BACKUPS} are enough` : { backups: [...host.backups, place] };
    }
    default:
      return 'is no option here';
  }
}

function readLimit(text: string): RateLimit | null {
  const [, digits = '', time = ''] = /^([1-9]\d{0,8})\/(\S+)$/.exec(text) ?? [];
  const per = parseDuration(time);
  return digits === '' || per.kind === 'wrong' || per.value < 1000 || per.value > LONGEST_MS ? null : { count: Number(digits), perMs: per.value };
}

function flag(value: string, change: (on: boolean) => Partial<Smarthost>): Partial<Smarthost> | string {
  return value === 'yes' || value === 'no' ? change(value === 'yes') : 'is neither yes nor no';
}

function isName(text: string): boolean {
  return /^[a-z0-9][a-z0-9_-]{0,31}$/.test(text);
}
