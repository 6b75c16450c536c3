/** `--vhost` and `--login`: whose mail is asked about. */
import type { Configuration } from '../../configuration.ts';
import { hostKey } from '../../grammar/virtual-host.ts';
import { Usage, type Whose } from './command.ts';

export const whoseOptions = { vhost: { type: 'string' }, login: { type: 'string' } } as const;

export const whoseHelp = `  --vhost HOST   as for mail of that virtual host: its address or its domain, as in vhost.HOST
  --login USER   as for mail of who logs in so; the domain behind the @ may have a virtual host`;

/** A word that fits no virtual host would be answered as for everybody, and believed. */
export function whoseMail({ hosts }: Pick<Configuration, 'hosts'>, { vhost, login }: { readonly vhost?: string | undefined; readonly login?: string | undefined }): Whose {
  if (vhost === undefined) return login === undefined ? {} : { login };
  const key = hostKey(vhost);
  if (key === null || !hosts.has(key)) throw new Usage(`there is no virtual host ${vhost}: no file vhost.${vhost}`);
  return { virtualHost: key, ...(login === undefined ? {} : { login }) };
}
