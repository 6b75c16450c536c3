/** `bans` and `greylist`, and what they say, for `posthorn check --settings`. */
import { parseBans, usualBans, type BanSettings, type Rate } from '../../grammar/config/ways-in/bans.ts';
import { formatDuration } from '../../grammar/config/duration.ts';
import { parseGreylist, usualGreylist, type GreylistSettings } from '../../grammar/config/ways-in/greylist.ts';
import type { Sheet } from '../sheet.ts';

export function readBans(sheet: Sheet): BanSettings {
  const read = sheet.list('bans', parseBans);
  const bans = read ?? usualBans;
  const source = read === undefined ? undefined : 'bans';
  sheet.setting('bans: authfailures', rateText(bans.authFailures), source);
  sheet.setting('bans: loginfailures', rateText(bans.loginFailures), source);
  sheet.setting('bans: connections', rateText(bans.connections), source);
  sheet.setting('bans: banfor', formatDuration(bans.banForMs), source);
  sheet.setting('bans: blocks', `${bans.bits4} ${bans.bits6}`, source);
  return bans;
}

export function readGreylist(sheet: Sheet): GreylistSettings {
  const read = sheet.list('greylist', parseGreylist);
  const greylist = read ?? usualGreylist;
  const source = read === undefined ? undefined : 'greylist';
  sheet.setting('greylist: wait', formatDuration(greylist.waitMs), source);
  sheet.setting('greylist: within', formatDuration(greylist.withinMs), source);
  sheet.setting('greylist: keep', formatDuration(greylist.keepMs), source);
  return greylist;
}

function rateText(rate: Rate | null): string {
  return rate === null ? 'off' : `${rate.count} ${formatDuration(rate.withinMs)}`;
}
