/** Mail filters: who is filtered, which of Courier's filters are on, and the programs that contentfilters names. */
import { accessSync, constants, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseContentFilters } from '../grammar/config/content-filters.ts';
import { isBuiltIn, type ActiveFilter, type BuiltInSettings } from '../grammar/config/filter-folder.ts';
import { read, shown, wrong } from '../grammar/config/parsed.ts';
import { statOf, type Sheet, type ValueRule } from './sheet.ts';
import type { FilterSettings } from './types.ts';
import { durationRule, numberRule, textRule } from './values.ts';

type Source = 'esmtp' | 'local' | 'uucp';

export function readFilters(sheet: Sheet, stateFolder: string): FilterSettings {
  const sources = sheet.value('enablefiltering', new Set<Source>(), sourcesRule);
  const { filters, courier } = sheet.list('contentfilters', parseContentFilters) ?? { filters: [], courier: new Map() };
  sheet.setting('contentfilters', filters.map(({ name, kind }) => `${name} (${kind})`).join(', '), filters.length > 0 ? 'contentfilters' : undefined);
  const active = readActive(sheet);
  sheet.setting('filters/active', active.map(({ name }) => name).join(', '), active.length > 0 ? 'filters/active' : undefined);
  if (sources.size === 0 && (active.length > 0 || filters.length > 0)) sheet.notice(sheet.path('enablefiltering'), 'filters are configured, but this file names no mail that they should see: esmtp, local, uucp');
  for (const { passwordFile, line } of filters) {
    if (passwordFile !== undefined && statOf(passwordFile) === undefined) sheet.problem(sheet.path('contentfilters'), line, `there is no ${passwordFile}`, 'a file with the password');
  }
  return {
    sources,
    folder: sheet.path('filters'),
    sockets: resolve(sheet.folder, sheet.value('filtersockets', stateFolder, { ...textRule, example: '/var/lib/courier' })),
    active,
    builtIn: readBuiltIn(sheet),
    rules: filters,
    courier,
  };
}

const sourcesRule: ValueRule<ReadonlySet<Source>> = {
  example: 'esmtp local uucp',
  show: value => [...value].join(' '),
  parse(text) {
    const found = new Set<Source>();
    for (const word of text.toLowerCase().split(/\s+/)) {
      if (word !== 'esmtp' && word !== 'local' && word !== 'uucp') return wrong(`${shown(word)} is no way in that can be filtered`, 'esmtp local uucp');
      found.add(word);
    }
    return read(found);
  },
};

const filterName = /^[\w][\w.+-]*$/;

function readActive(sheet: Sheet): readonly ActiveFilter[] {
  const active: ActiveFilter[] = [];
  for (const name of sheet.names('filters/active') ?? []) {
    if (name.startsWith('.')) continue;
    const path = sheet.path(`filters/active/${name}`);
    const optional = modeOf(sheet, name) === 'filters';
    if (!filterName.test(name)) sheet.problem(path, undefined, 'no name for a filter', 'letters, digits, dots and dashes');
    else if (isBuiltIn(name)) active.push({ kind: 'built-in', name, optional });
    else if (pointsTo(path) === null) sheet.problem(path, undefined, 'this leads nowhere: the mail it should see would wait for ever', `posthorn filterctl stop ${name}`);
    else if (pointsTo(path)?.endsWith('.mjs') === true) active.push({ kind: 'module', name, path: pointsTo(path) as string, optional });
    else if (runs(path)) active.push({ kind: 'program', name, path });
    else sheet.problem(path, undefined, 'not a program that may be run', `chmod +x, or posthorn filterctl stop ${name}`);
  }
  return active;
}

/** Courier's convention: `NAME-mode` holding `all` shows the filter every message, else whitelisting recipients are spared. */
function modeOf(sheet: Sheet, name: string): 'all' | 'filters' {
  return sheet.text(`filters/${name}-mode`)?.trim() === 'all' ? 'all' : 'filters';
}

function pointsTo(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}

function runs(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statOf(path)?.isFile() === true;
  } catch {
    return false;
  }
}

function readBuiltIn(sheet: Sheet): BuiltInSettings {
  return {
    duplicates: {
      hashes: sheet.value('filters/dupfilter-hashsize', 500, numberRule(1, 1_000_000, '500')),
      level: sheet.value('filters/dupfilter-duplevel', 4, numberRule(2, 1_000_000, '4')),
    },
    rate: {
      intervalMs: Math.max(LEAST_INTERVAL_MS, sheet.value('filters/ratefilter-interval', LEAST_INTERVAL_MS, durationRule('60'))),
      recipients: sheet.value('filters/ratefilter-maxrcpts', 100, numberRule(1, 1_000_000_000, '100')),
      leastUid: sheet.value('filters/ratefilter-minuid', 100, numberRule(0, 4_294_967_295, '100')),
    },
    verification: {
      cache: sheet.value('filters/verifyfilter-logmode', 'base', cacheRule),
      parallel: sheet.value('filters/verifyfilter-nthreads', 10, numberRule(1, 1000, '10')),
    },
  };
}

/** Courier's own. */
const LEAST_INTERVAL_MS = 60_000;

const cacheRule: ValueRule<'base' | 'full'> = {
  example: 'base',
  show: String,
  parse: text => (text === 'base' || text === 'full' ? read(text) : wrong(`${shown(text)} is neither base nor full`, 'base')),
};
