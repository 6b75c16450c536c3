/** Fax: who may send it, how numbers are dialled, how pages look, and how calls are made. No faxrc: no fax. */
import { join, resolve } from 'node:path';
import { parseDuration } from '../../grammar/config/duration.ts';
import { read, shown, wrong, type Parsed } from '../../grammar/config/parsed.ts';
import { parseSize } from '../../grammar/config/size.ts';
import { parseCoverTemplate, shippedCover, type CoverLine } from '../../grammar/fax/cover-template.ts';
import { parseBlockedNumbers, parseFaxRules } from '../../grammar/fax/fax-rules.ts';
import { moduleVocabulary } from './client.ts';
import { readEnvironment, reviewEnvironment, type Vocabulary } from '../environment.ts';
import { statOf, type Sheet } from '../sheet.ts';
import type { FaxSettings } from './types.ts';

const vocabulary: Vocabulary = {
  used: [
    'STATION_ID', 'STATION_NAME', 'PAPER', 'RESOLUTION', 'FONTS', 'GHOSTSCRIPT', 'OFFICE', 'MAXPAGES', 'MAXPIXELS', 'PARTTIME', 'PARTMEMORY',
    'BUSYRETRY', 'PAIDRETRY', 'PAIDTRIES', 'DAYCALLS', 'DAYCALLSPERNUMBER', 'ONECALL', 'ONECALLPAGES',
  ],
  idle: [],
};

export function readFax(sheet: Sheet): FaxSettings {
  const rules = sheet.list('faxrc', parseFaxRules);
  const blocked = sheet.list('faxblocked', parseBlockedNumbers) ?? [];
  const cover = sheet.list('faxcover', parseCoverTemplate) ?? coverOf(shippedCover);
  const environment = readEnvironment(sheet, ['faxout'], vocabulary);
  reviewEnvironment(sheet, 'faxout', vocabulary);
  reviewEnvironment(sheet, 'module.fax', moduleVocabulary);
  sheet.setting('faxrc', rules === undefined ? 'no fax is sent' : `${rules.length} rules`, rules === undefined ? undefined : 'faxrc');
  sheet.setting('faxblocked', String(blocked.length), blocked.length > 0 ? 'faxblocked' : undefined);
  const show = <T>(name: string, value: T, text: (value: T) => string = String): T => {
    sheet.setting(`faxout: ${name}`, text(value), environment.source(name));
    return value;
  };
  const office = show('OFFICE', environment.parsed('OFFICE', undefined, parseCommand), words => (words ?? []).join(' '));
  const together = show('ONECALL', environment.flag('ONECALL', false), on => (on ? '1' : '0'));
  const togetherPages = show('ONECALLPAGES', environment.number('ONECALLPAGES', 30, 1, 1000));
  if (rules !== undefined && environment.text('STATION_ID', '') === '') sheet.notice(sheet.path('faxout'), 'STATION_ID is not set: the line at the top of each page has no number of ours, which the law of some countries asks for');
  return {
    enabled: rules !== undefined,
    rules: rules ?? [],
    blocked,
    cover,
    stationId: show('STATION_ID', environment.parsed('STATION_ID', '', parseStationId)),
    stationName: show('STATION_NAME', environment.text('STATION_NAME', '').replaceAll(/\p{C}/gu, '').trim()),
    paper: show('PAPER', environment.parsed('PAPER', 'a4', text => choice(text, ['a4', 'letter'], 'PAPER=a4'))),
    resolution: show('RESOLUTION', environment.parsed('RESOLUTION', 'fine', text => choice(text, ['fine', 'normal'], 'RESOLUTION=fine'))),
    fonts: show('FONTS', environment.parsed('FONTS', [], text => parseFonts(text)), fonts => fonts.join(':')),
    ghostscript: show('GHOSTSCRIPT', environment.parsed('GHOSTSCRIPT', 'gs', text => (/^(\/[!-~]+|gs)$/.test(text) ? read(text) : wrong(`${shown(text)} is no absolute path of a program`, 'GHOSTSCRIPT=/usr/bin/gs')))),
    ...(office === undefined ? {} : { office }),
    filters: resolve(sheet.folder, 'faxmail'),
    limits: {
      pages: show('MAXPAGES', environment.number('MAXPAGES', 100, 1, 1000)),
      pixels: show('MAXPIXELS', environment.number('MAXPIXELS', 40_000_000, 10_000, 1_000_000_000)),
      timeMs: show('PARTTIME', environment.parsed('PARTTIME', 120_000, text => atLeast(parseDuration(text, 'PARTTIME=2m'), 1000, 'PARTTIME=2m')), ms => `${ms / 1000}s`),
      memoryOctets: show('PARTMEMORY', environment.parsed('PARTMEMORY', 536_870_912, text => atLeast(parseSize(text, 'PARTMEMORY=512M'), 67_108_864, 'PARTMEMORY=512M'))),
    },
    busyDelaysMs: show('BUSYRETRY', environment.parsed('BUSYRETRY', [60_000, 180_000, 300_000, 600_000, 900_000], text => parseDelays(text, 'BUSYRETRY="1m 3m 5m 15m"')), delays => delays.map(ms => `${ms / 1000}s`).join(' ')),
    paidDelaysMs: show('PAIDRETRY', environment.parsed('PAIDRETRY', [600_000, 1_800_000, 3_600_000], text => parseDelays(text, 'PAIDRETRY="10m 30m 1h"')), delays => delays.map(ms => `${ms / 1000}s`).join(' ')),
    paidTries: show('PAIDTRIES', environment.number('PAIDTRIES', 3, 1, 100)),
    callsADay: show('DAYCALLS', environment.number('DAYCALLS', 0, 0, 1_000_000)),
    callsADayPerNumber: show('DAYCALLSPERNUMBER', environment.number('DAYCALLSPERNUMBER', 0, 0, 1_000_000)),
    together: together ? { pages: togetherPages } : null,
  };

  /** Only where they are there: a font that is missing would be missed on a page, at night. */
  function parseFonts(text: string): Parsed<readonly string[]> {
    const fonts = text.split(':').filter(one => one !== '').map(one => resolve(sheet.folder, one));
    const absent = fonts.find(one => statOf(one.replace(/#[^/]*$/, ''))?.isFile() !== true);
    return absent === undefined ? read(fonts) : wrong(`there is no font ${shown(absent)}`, `FONTS=${join('/usr/share/fonts/truetype', 'droid/DroidSansFallbackFull.ttf')}`);
  }
}

function coverOf(text: string): readonly CoverLine[] {
  const parsed = parseCoverTemplate(text);
  if (parsed.kind === 'wrong') throw new Error('the shipped cover page is wrong');
  return parsed.value;
}

/** T.30: twenty characters; digits, blank and plus are what every modem takes. */
function parseStationId(text: string): Parsed<string> {
  return /^[0-9 +]{0,20}$/.test(text) ? read(text.trim()) : wrong(`${shown(text)} is not at most 20 digits, blanks and +`, 'STATION_ID="+1 212 555 1212"');
}

function parseCommand(text: string): Parsed<readonly string[] | undefined> {
  const words = text.split(/\s+/).filter(word => word !== '');
  const [program] = words;
  if (program === undefined) return read(undefined);
  const example = 'OFFICE="/usr/bin/soffice --headless --convert-to pdf --outdir {folder} {file}"';
  if (!program.startsWith('/')) return wrong(`${shown(program)} is not the absolute path of a program`, example);
  return words.some(word => word.includes('{file}')) && words.some(word => word.includes('{folder}')) ? read(words) : wrong('{file} and {folder} are both needed', example);
}

function parseDelays(text: string, example: string): Parsed<readonly number[]> {
  const delays: number[] = [];
  for (const word of text.split(/[\s,]+/).filter(one => one !== '')) {
    const parsed = atLeast(parseDuration(word, example), 1000, example);
    if (parsed.kind === 'wrong') return parsed;
    delays.push(parsed.value);
  }
  return delays.length === 0 ? wrong('no time in it', example) : read(delays);
}

function atLeast(parsed: Parsed<number>, least: number, example: string): Parsed<number> {
  return parsed.kind === 'read' && parsed.value < least ? wrong('that is too little', example) : parsed;
}

function choice<T extends string>(text: string, words: readonly T[], example: string): Parsed<T> {
  const found = words.find(word => word === text.toLowerCase());
  return found === undefined ? wrong(`${shown(text)} is not ${words.join(' or ')}`, example) : read(found);
}
