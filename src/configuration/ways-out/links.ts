/** Ways out that are not always there. */
import { parseLinks, type LinkRule } from '../../grammar/config/ways-out/links.ts';
import { formatWeek } from '../../grammar/config/week.ts';
import type { Sheet } from '../sheet.ts';

export function readLinks(sheet: Sheet): readonly LinkRule[] {
  const rules = sheet.list('links', parseLinks) ?? [];
  sheet.setting('links', rules.map(({ name, when }) => `${name} ${when.kind === 'timetable' ? formatWeek(when.spans) : when.kind === 'program' ? when.command.join(' ') : 'signal'}`).join('; '), rules.length > 0 ? 'links' : undefined);
  return rules;
}
