/** `smtpaccess/`: a folder of access files, or one file; and what may never be in it. */
import { existsSync } from 'node:fs';
import { basename, isAbsolute, join, relative } from 'node:path';
import { formatAccessNetwork, formatPlace, parseAccess, type AccessEntry } from '../../grammar/config/ways-in/access.ts';
import { parseCheckVariables } from '../../grammar/config/ways-in/check-variables.ts';
import { parseWholeNumber } from '../../grammar/config/control-file.ts';
import type { ListenerOptions } from '../../grammar/config/ways-in/listener-options.ts';
import { parseMailRules } from '../../grammar/config/ways-in/mail-rules.ts';
import type { Environment } from '../environment.ts';
import { leftovers } from '../known-files.ts';
import { openRelayFlag, opensRelay, opensRelayAt } from '../open-relay.ts';
import type { Sheet } from '../sheet.ts';

const example = '192.168<TAB>allow,RELAYCLIENT';

export function readAccess(sheet: Sheet, environment: Environment, { local }: Pick<ListenerOptions, 'local'>): readonly AccessEntry[] {
  const name = accessName(sheet, environment);
  const entries: AccessEntry[] = [];
  const places = new Map<string, string>();
  for (const file of name === undefined ? [] : accessFiles(sheet, name)) {
    for (const entry of sheet.list(file, parseAccess) ?? []) {
      const key = entry.place === undefined ? formatAccessNetwork(entry.network) : formatPlace(entry.place);
      if (entry.place !== undefined && !local && !environment.files.includes('lmtpd')) sheet.notice(sheet.path(file), `line ${entry.line}: ${key} is a place of ours, and counts with -accesslocal in TCPDOPTS only`);
      const earlier = places.get(key);
      if (earlier !== undefined) sheet.problem(sheet.path(file), entry.line, `a second entry for ${key}, the first is ${earlier}`, 'one entry for each network');
      places.set(key, `${sheet.path(file)}:${entry.line}`);
      review(sheet, file, entry);
      entries.push(entry);
    }
  }
  return entries;
}

/** Paths are as the folder's own tools write them: ACCESSFILE is the text folder's path without `.dat`. */
function accessName(sheet: Sheet, environment: Environment): string | undefined {
  const named = environment.text('ACCESSFILE', '') || 'smtpaccess';
  if (!isAbsolute(named)) return existsSync(sheet.path(named)) || named === 'smtpaccess' ? named : missing(environment, named);
  if (existsSync(named)) return relative(sheet.folder, named);
  // A folder that was moved still names its old place.
  return existsSync(sheet.path(basename(named))) ? basename(named) : missing(environment, named);
}

function missing(environment: Environment, named: string): undefined {
  environment.problem('ACCESSFILE', `the access file ${named} is not there`, 'ACCESSFILE=smtpaccess');
  return undefined;
}

function accessFiles(sheet: Sheet, name: string): readonly string[] {
  const names = sheet.names(name);
  if (names === undefined) return [name];
  const files: string[] = [];
  for (const entry of names) {
    if (entry.includes('~') || entry.startsWith('.')) continue;
    if (!leftovers.test(entry)) files.push(join(name, entry));
    else {
      const right = `merge it into ${join(name, 'default')}, then remove it`;
      sheet.problem(sheet.path(join(name, entry)), undefined, 'a leftover of an update: are its rules meant or not?', right);
    }
  }
  return files;
}

function review(sheet: Sheet, file: string, entry: AccessEntry): void {
  if (entry.decision.kind === 'deny') return;
  const { variables } = entry.decision;
  const opens = entry.place === undefined ? opensRelay(entry.network) : opensRelayAt(entry.place.address);
  if (variables.has('RELAYCLIENT') && opens && !sheet.openRelay) {
    const right = `${example}, for your own networks (or ${openRelayFlag.name}: ${openRelayFlag.text})`;
    sheet.problem(sheet.path(file), entry.line, `RELAYCLIENT for ${entry.place === undefined ? formatAccessNetwork(entry.network) : `whoever calls ${formatPlace(entry.place)}`} makes an open relay`, right);
  }
  for (const rules of [parseMailRules(variables, false), parseCheckVariables(variables)]) {
    for (const { what, right } of rules.kind === 'wrong' ? rules.problems : []) sheet.problem(sheet.path(file), entry.line, what, `10<TAB>allow,${right}`);
  }
  for (const name of ['SIZELIMIT', 'MAXCPERIP'] as const) {
    const value = variables.get(name);
    if (value !== undefined && parseWholeNumber(value, 0, Number.MAX_SAFE_INTEGER, '').kind === 'wrong') {
      sheet.problem(sheet.path(file), entry.line, `${name}=${value} is not a whole number`, `10<TAB>allow,${name}=${name === 'SIZELIMIT' ? 10_485_760 : 20}`);
    }
  }
}
