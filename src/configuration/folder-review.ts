/** Every name in the folder is known, or wrong: a file that is silently not read is worse than none. */
import { existsSync, readdirSync } from 'node:fs';
import { nearestName } from '../grammar/config/nearest-name.ts';
import { knownFiles, knownPatterns, leftovers, type KnownFile } from './known-files.ts';
import type { Sheet } from './sheet.ts';
import { isByHost } from './host-files.ts';

export function reviewFolder(sheet: Sheet): void {
  const entries = readdirSync(sheet.folder, { withFileTypes: true }).toSorted((left, right) => (left.name < right.name ? -1 : 1));
  const byName = new Map(knownFiles.map((file) => [file.name, file]));
  const hosts = entries.filter(({ name }) => name.startsWith('vhost.')).map(({ name }) => name.slice('vhost.'.length));
  const idle: string[] = [];
  const left: string[] = [];
  for (const entry of entries) {
    const known = byName.get(entry.name);
    const own = ofVirtualHost(entry.name, hosts, byName);
    const pattern = knownPatterns.find((candidate) => candidate.pattern.test(entry.name));
    if (known !== undefined) {
      reviewShape(sheet, known, existsSync(`${sheet.path(entry.name)}/.`));
      if (known.use === 'later') idle.push(entry.name);
    } else if (pattern !== undefined) {
      if (pattern.use === 'later') idle.push(entry.name);
    } else if (own !== null) reviewOwn(sheet, entry.name, own.known, own.suffix);
    else if (leftovers.test(entry.name)) left.push(entry.name);
    else {
      const near = nearestName(entry.name, byName.keys());
      sheet.problem(sheet.path(entry.name), undefined, 'unknown file', near ?? 'see docs/configuration.md for the files there are');
    }
  }
  if (idle.length > 0) sheet.notice(sheet.folder, `known, not used yet: ${idle.join(', ')}`);
  if (left.length > 0) sheet.notice(sheet.folder, `leftovers, not read: ${left.join(', ')}`);
}

function reviewShape(sheet: Sheet, known: KnownFile, isFolder: boolean): void {
  const path = sheet.path(known.name);
  if (known.shape === 'file' && isFolder) sheet.problem(path, undefined, 'a folder where a file is expected', `a text file ${known.name}`);
  if (known.shape === 'folder' && !isFolder) sheet.problem(path, undefined, 'a file where a folder is expected', `a folder ${known.name}/ of text files`);
  if (known.use === 'compiled') reviewCompiled(sheet, path, known.text ?? '');
}

/** What is only in the compiled file would silently not hold. */
function reviewCompiled(sheet: Sheet, path: string, text: string): void {
  if (existsSync(sheet.path(text))) sheet.notice(path, `compiled, not read: ${text} is the truth`);
  else sheet.problem(path, undefined, `compiled, and its text ${text} is not here; only the text is read`, `the text file ${text}`);
}

/** The file that `name.<suffix>` stands for, where `vhost.<suffix>` is there too. */
function ofVirtualHost(name: string, hosts: readonly string[], byName: ReadonlyMap<string, KnownFile>): { readonly known: KnownFile; readonly suffix: string } | null {
  const suffix = hosts.find((one) => name.endsWith(`.${one}`) && byName.has(name.slice(0, -one.length - 1)));
  const known = suffix === undefined ? undefined : byName.get(name.slice(0, -suffix.length - 1));
  return suffix === undefined || known === undefined ? null : { known, suffix };
}

function reviewOwn(sheet: Sheet, name: string, known: KnownFile, suffix: string): void {
  const meant = known.use === 'compiled' ? (known.text ?? '') : known.name;
  if (known.use === 'compiled' && isByHost(meant)) reviewCompiled(sheet, sheet.path(name), `${meant}.${suffix}`);
  else if (!isByHost(meant)) sheet.notice(sheet.path(name), `not used: ${known.name} is one for all virtual hosts`);
}
