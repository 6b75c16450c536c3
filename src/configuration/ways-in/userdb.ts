/** Looks over the accounts' text. Who needs them reads them anew whenever they change; here their mistakes are found. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isKnownForm, parseUserdb } from '../../grammar/config/ways-in/userdb.ts';
import { leftovers } from '../known-files.ts';
import type { Sheet } from '../sheet.ts';

/** The path, whether there is anything or not. */
export function readUserdb(sheet: Sheet): string {
  let accounts = 0;
  for (const file of filesOf(sheet)) {
    sheet.demandPrivate(file, { group: false });
    const { records, problems } = parseUserdb(sheet.text(file) ?? '');
    for (const { line, what, right } of problems) sheet.problem(sheet.path(file), line, what, right);
    for (const { line, name, fields } of records) {
      const foreign = [...fields].filter(([field, stored]) => /^[a-z]+pw$/.test(field) && !isKnownForm(stored)).map(([field]) => field);
      const what = `line ${line}: ${foreign.join(', ')} of ${name} is in a form that cannot be compared here; logins with it are answered 454`;
      if (foreign.length > 0) sheet.notice(sheet.path(file), what);
    }
    accounts += records.length;
  }
  sheet.setting('userdb', `${accounts} accounts`, existsSync(sheet.path('userdb')) ? 'userdb' : undefined);
  return sheet.path('userdb');
}

function filesOf(sheet: Sheet): readonly string[] {
  if (!existsSync(sheet.path('userdb'))) return [];
  return sheet.names('userdb')?.filter((name) => !leftovers.test(name) && !name.endsWith('.dat')).map((name) => join('userdb', name)) ?? ['userdb'];
}
