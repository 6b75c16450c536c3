/** Who is told of what: hooks, and the limits that alarm. */
import { parseAlarms, usualAlarms } from '../grammar/config/alarms.ts';
import { formatDuration } from '../grammar/config/duration.ts';
import { nearestName } from '../grammar/config/nearest-name.ts';
import { networkHas, parseIpAddress } from '../grammar/config/network.ts';
import { shown } from '../grammar/config/parsed.ts';
import type { Proxies, SocksProxy } from '../grammar/config/proxies.ts';
import { formatSize } from '../grammar/config/size.ts';
import { parseWebhooks, type WebhookRule } from '../grammar/config/webhooks.ts';
import type { Sheet } from './sheet.ts';
import type { EventSettings, Webhook } from './types.ts';

export function readEvents(sheet: Sheet, proxies: Proxies): EventSettings {
  const rules = sheet.list('webhooks', parseWebhooks) ?? [];
  if (rules.length > 0) sheet.demandPrivate('webhooks', { group: true });
  const webhooks = rules.map((rule): Webhook => {
    const proxy = proxyOf(rule, proxies);
    if (proxy === null) sheet.problem(sheet.path('webhooks'), rule.line, `there is no proxy ${shown(rule.proxy ?? '')} in socksproxy`, nearestName(rule.proxy ?? '', proxies.proxies.map(({ name }) => name)) ?? 'proxy=none, or a name that socksproxy has');
    return { ...rule, via: proxy ?? undefined };
  });
  for (const { name, url, events } of webhooks) sheet.setting(`webhooks: ${name}`, `${hostOf(url)}: ${[...events].join(', ')}`, 'webhooks');
  const given = sheet.list('alarms', parseAlarms);
  const alarms = given ?? usualAlarms;
  const { messages, oldest, free, quarantine } = alarms;
  const words = [
    messages === null ? '' : `messages ${messages}`, oldest === null ? '' : `oldest ${formatDuration(oldest)}`,
    free === null ? '' : `free ${formatSize(free)}`, quarantine === null ? '' : `quarantine ${quarantine}`,
  ];
  sheet.setting('alarms', words.filter((word) => word !== '').join(', ') || 'off', given === undefined ? undefined : 'alarms');
  return { webhooks, alarms };
}

/** A path may hold a secret, as those of chat rooms do. */
function hostOf(url: string): string {
  const { protocol, host } = new URL(url);
  return `${protocol}//${host}`;
}

/** The rule's own word, else the one called `default`, but for addresses that are always reached directly. Null: there is none of that name. */
function proxyOf({ proxy, url }: WebhookRule, { proxies, noProxy }: Proxies): SocksProxy | undefined | null {
  if (proxy === null) return undefined;
  if (proxy !== undefined) return proxies.find(({ name }) => name === proxy) ?? null;
  const host = new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');
  const address = parseIpAddress(host === 'localhost' ? '127.0.0.1' : host);
  if (address !== null && noProxy.some((network) => networkHas(network, address))) return undefined;
  return proxies.find(({ name }) => name === 'default');
}
