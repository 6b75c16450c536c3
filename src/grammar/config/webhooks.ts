/**
 * `webhooks`: who is told of events over HTTP. `NAME URL secret=… [events=accepted,failed,…] [keep=10000] [timeout=10s]
 * [proxy=NAME|none] [private=yes|no]`, one a line.
 */
import { parseLines } from './control-file.ts';
import { parseDuration } from './duration.ts';
import { settle, shown, type Parsed, type Problem } from './parsed.ts';

export const webhookKinds = ['accepted', 'delivered', 'deferred', 'failed', 'fax', 'alarm'] as const;
export type WebhookKind = (typeof webhookKinds)[number];

export interface WebhookRule {
  readonly line: number;
  readonly name: string;
  readonly url: string;
  readonly secret: string;
  readonly events: ReadonlySet<WebhookKind>;
  /** Events that may wait; then the oldest go. */
  readonly keep: number;
  readonly timeoutMs: number;
  /** Absent: the default one, if there is one; null: none. */
  readonly proxy?: string | null;
  /** Hosts of this box and its networks may be told. */
  readonly privateHosts: boolean;
}

const EXAMPLE = 'office https://hooks.example.com/mail secret=0123456789abcdef events=failed,alarm';
/** HMAC-SHA256 gains nothing from more than 64 octets (RFC 2104 §3), and less than 16 can be guessed. */
const SHORTEST_SECRET = 16;
const MOST_KEPT = 100_000;

/** Complaints never show an option or URL that may hold the secret. */
export function parseWebhooks(text: string): Parsed<readonly WebhookRule[]> {
  const problems: Problem[] = [];
  const rules: WebhookRule[] = [];
  for (const { line, text: entry } of parseLines(text)) {
    const say = (what: string, right = EXAMPLE): void => void problems.push({ line, what, right });
    const [name = '', url = '', ...options] = entry.split(/\s+/);
    if (!/^[a-z0-9][a-z0-9_-]{0,31}$/.test(name)) say(`${shown(name)} cannot be the name of a hook: small letters, digits, - and _`);
    else if (rules.some((one) => one.name === name)) say(`a second hook ${name}`, 'another name');
    const wrongUrl = wrongWith(url);
    if (wrongUrl !== null) say(`the address of hook ${shown(name)} ${wrongUrl}`);
    let rule: WebhookRule = { line, name, url, secret: '', events: new Set(webhookKinds), keep: 10_000, timeoutMs: 10_000, privateHosts: true };
    const seen = new Set<string>();
    for (const option of options) {
      const [, key = '', value = ''] = /^([a-z]+)=(.*)$/.exec(option) ?? [];
      const change = optionOf(key, value);
      if (typeof change === 'string') say(key === '' ? 'an option of this hook is not NAME=VALUE' : `${change} of hook ${shown(name)}`, EXAMPLES[key] ?? Object.values(EXAMPLES).join(' '));
      else if (seen.has(key)) say(`${key}= is said twice`, 'once');
      else rule = { ...rule, ...change };
      seen.add(key);
    }
    if (!seen.has('secret')) say(`hook ${shown(name)} has no secret`);
    rules.push(rule);
  }
  return settle(rules, problems);
}

const EXAMPLES: Readonly<Record<string, string>> = {
  secret: 'secret= and what `openssl rand -hex 32` prints', events: `events=${webhookKinds.join(',')}`, keep: 'keep=10000', timeout: 'timeout=10s', proxy: 'proxy=none', private: 'private=no',
};

/** What the option changes, or what is wrong with it. */
function optionOf(key: string, value: string): Partial<WebhookRule> | string {
  switch (key) {
    case 'secret':
      return value.length >= SHORTEST_SECRET && /^[!-~]+$/.test(value) ? { secret: value } : `the secret has fewer than ${SHORTEST_SECRET} characters, or others than printable ASCII, it`;
    case 'events': {
      const named = value.split(',');
      const unknown = named.find((one) => !(webhookKinds as readonly string[]).includes(one));
      return unknown === undefined ? { events: new Set(named as WebhookKind[]) } : `${shown(unknown)} is no kind of event, in events`;
    }
    case 'keep': {
      const count = /^\d{1,6}$/.test(value) ? Number(value) : 0;
      return count >= 1 && count <= MOST_KEPT ? { keep: count } : `${shown(value)} is not a number from 1 to ${MOST_KEPT}, keep`;
    }
    case 'timeout': {
      const parsed = parseDuration(value, 'timeout=10s');
      return parsed.kind === 'read' && parsed.value >= 1000 && parsed.value <= 300_000 ? { timeoutMs: parsed.value } : `${shown(value)} is not a time from 1s to 5m, timeout`;
    }
    case 'proxy':
      return value === '' ? 'no name, proxy' : { proxy: value === 'none' ? null : value };
    case 'private':
      return value === 'yes' || value === 'no' ? { privateHosts: value === 'yes' } : `${shown(value)} is neither yes nor no, private`;
    default:
      return `there is no option ${shown(key)}`;
  }
}

function wrongWith(text: string): string | null {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return 'is not an http or https URL';
  if (url.username !== '' || url.password !== '') return 'has a name or password in it';
  return url.hash === '' ? null : 'has a # in it, which is never sent';
}
