/** Whom addresses mean: `locallowercase`, `defaultsep`, and a first look at the alias files. */
import { join } from 'node:path';
import { parseAliases } from '../grammar/alias/aliases.ts';
import { read, shown, wrong, type Parsed } from '../grammar/config/parsed.ts';
import { leftovers } from './known-files.ts';
import type { Sheet } from './sheet.ts';
import type { AddressRules } from './types.ts';

const ALIAS_FILES = ['aliases', 'aliases-esmtp', 'aliases-local', 'aliases-uucp'] as const;
const DEFAULT_SEPARATORS = '+';

export function readAddresses(sheet: Sheet): AddressRules {
  for (const name of ALIAS_FILES) reviewAliases(sheet, name);
  const lowerCase = sheet.text('locallowercase') !== undefined;
  sheet.setting('locallowercase', lowerCase ? 'yes' : 'no', lowerCase ? 'locallowercase' : undefined);
  // An empty file says something here: only the dash.
  const text = sheet.text('defaultsep');
  const separators = text === undefined ? DEFAULT_SEPARATORS : (sheet.note('defaultsep', parseSeparators(text.replace(/\r?\n[^]*$/, ''))) ?? DEFAULT_SEPARATORS);
  sheet.setting('defaultsep', `-${separators}`, text === undefined ? undefined : 'defaultsep');
  const [all, esmtp, local, uucp] = ALIAS_FILES;
  return { lowerCase, separators, aliasFiles: { [all]: sheet.path(all), [esmtp]: sheet.path(esmtp), [local]: sheet.path(local), [uucp]: sheet.path(uucp) } };
}

/** The gateway reads these files itself, whenever they change; here they are only looked at for mistakes. */
function reviewAliases(sheet: Sheet, name: string): void {
  const files = sheet.names(name)?.filter((entry) => !leftovers.test(entry) && !entry.endsWith('.dat')).map((entry) => join(name, entry)) ?? [name];
  const lines = files.flatMap((file) => sheet.list(file, parseAliases) ?? []);
  sheet.setting(name, `${lines.length} names`, lines.length > 0 ? name : undefined);
}

function parseSeparators(text: string): Parsed<string> {
  const plain = text.trim();
  const bad = /[^!-~]|[@"()<>[\]\\,;:.a-z0-9]/i.exec(plain)?.[0];
  return bad === undefined ? read(plain.replaceAll('-', '')) : wrong(`${shown(bad)} cannot part an address`, '+');
}
