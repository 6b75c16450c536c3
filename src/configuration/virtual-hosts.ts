/**
 * Virtual hosts: an empty file `vhost.SUFFIX`, and then `name.SUFFIX` in the place of `name`, for every file that says
 * something about one message. SUFFIX is one of our addresses, or the domain that a login ends in.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { shown } from '../grammar/config/parsed.ts';
import { hostKey } from '../grammar/virtual-host.ts';
import type { Sheet } from './sheet.ts';

const PREFIX = 'vhost.';

/** Suffixes as the files spell them, by the form they are looked up in. */
export function readHosts(sheet: Sheet): ReadonlyMap<string, string> {
  const hosts = new Map<string, string>();
  for (const name of namesIn(sheet.folder)) {
    if (!name.startsWith(PREFIX)) continue;
    const suffix = name.slice(PREFIX.length);
    const key = hostKey(suffix);
    const other = key === null ? undefined : hosts.get(key);
    if (key === null) sheet.problem(join(sheet.folder, name), undefined, `${shown(suffix)} is neither an IP address nor a domain`, `${PREFIX}192.0.2.1 or ${PREFIX}example.com`);
    else if (other !== undefined) sheet.problem(join(sheet.folder, name), undefined, `the same as ${PREFIX}${other}`, 'one of the two');
    else hosts.set(key, suffix);
  }
  return hosts;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch {
    return []; // said elsewhere
  }
}
