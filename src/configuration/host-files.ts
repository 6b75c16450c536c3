/** Which files a virtual host may have of its own, and which one holds for it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** What belongs to a message. The rest belongs to the process, and is one for all. */
const byHost: ReadonlySet<string> = new Set([
  'me', 'defaultdomain', 'msgidhost', 'esmtpgreeting', 'locals', 'hosteddomains', 'esmtpacceptmailfor', 'esmtpacceptmailfor.dir',
  'esmtppercentrelay', 'esmtppercentrelay.dir', 'bofh', 'sizelimit', 'aliases', 'aliases-esmtp', 'aliases-local', 'aliases-uucp', 'locallowercase',
  'dsnfrom', 'dsnlimit', 'esmtphelo', 'ipout', 'ip6out', 'esmtproutes', 'esmtpauthclient',
  'queuetime', 'warntime', 'retryalpha', 'retrybeta', 'retrygamma', 'retrymaxdelta',
  'dsnheader.txt', 'dsndelayed.txt', 'dsndelivered.txt', 'dsnrelayed.txt', 'dsnfailed.txt', 'dsnfooter.txt', 'dsnsubjectnotice.txt', 'dsnsubjectwarn.txt',
]);

export function isByHost(name: string): boolean {
  return byHost.has(name);
}

/** The name that holds for the host: its own file or folder where it has one. */
export function nameFor(folder: string, host: string, name: string): string {
  const slash = name.indexOf('/');
  const first = slash < 0 ? name : name.slice(0, slash);
  if (!byHost.has(first) || !existsSync(join(folder, `${first}.${host}`))) return name;
  return `${first}.${host}${slash < 0 ? '' : name.slice(slash)}`;
}
