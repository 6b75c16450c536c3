/** Who is told of what: hooks, and the limits that alarm. */
import { parseAlarms, usualAlarms } from '../grammar/config/alarms.ts';
import { formatDuration } from '../grammar/config/duration.ts';
import type { Proxies } from '../grammar/config/proxies.ts';
import { formatSize } from '../grammar/config/size.ts';
import { parseWebhooks } from '../grammar/config/webhooks.ts';
import { httpProxyOf, noSuchProxy } from './http-proxies.ts';
import type { Sheet } from './sheet.ts';
import type { EventSettings, Webhook } from './types.ts';

export function readEvents(sheet: Sheet, proxies: Proxies): EventSettings {
  const rules = sheet.list('webhooks', parseWebhooks) ?? [];
  if (rules.length > 0) sheet.demandPrivate('webhooks', { group: true });
  const webhooks = rules.map((rule): Webhook => {
    const proxy = httpProxyOf(rule, proxies);
    if (proxy === null) noSuchProxy(sheet, { file: 'webhooks', line: rule.line, proxy: rule.proxy ?? '', right: 'proxy=none, or a name that socksproxy has' }, proxies);
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
