/** Deliveries on this box: what .courier files are called, what holds without one, and for how long a program may run. */
import { read, shown, wrong } from '../../grammar/config/parsed.ts';
import { courierdVocabulary } from './client.ts';
import { readEnvironment } from '../environment.ts';
import type { Sheet, ValueRule } from '../sheet.ts';
import type { LocalDelivery } from './types.ts';
import { durationRule } from '../values.ts';

const QUARTER_HOUR_MS = 15 * 60_000;

export function readLocal(sheet: Sheet): LocalDelivery {
  const environment = readEnvironment(sheet, ['courierd'], courierdVocabulary);
  const delivery = environment.text('DEFAULTDELIVERY', './Maildir');
  if (delivery.trim() === '') environment.problem('DEFAULTDELIVERY', 'DEFAULTDELIVERY is empty: mail would be thrown away', 'DEFAULTDELIVERY=./Maildir');
  sheet.setting('courierd: DEFAULTDELIVERY', delivery, environment.source('DEFAULTDELIVERY'));
  const dynamic = environment.flag('DYNAMICDELIVERIES', true);
  sheet.setting('courierd: DYNAMICDELIVERIES', dynamic ? '1' : '0', environment.source('DYNAMICDELIVERIES'));
  const skeleton = environment.get('AUTH_MKHOMEDIR_SKEL') ?? '';
  if (skeleton !== '' && !skeleton.startsWith('/')) environment.problem('AUTH_MKHOMEDIR_SKEL', `${shown(skeleton)} is no path from the root on`, 'AUTH_MKHOMEDIR_SKEL=/etc/skel');
  sheet.setting('courierd: AUTH_MKHOMEDIR_SKEL', skeleton, environment.source('AUTH_MKHOMEDIR_SKEL'));
  const maildrop = sheet.value('maildrop', undefined, pathRule('/usr/bin/maildrop'));
  const recipientFilter = sheet.value('maildropfilter', undefined, pathRule('/usr/bin/maildrop'));
  const aliasFilters = sheet.value('aliasfilteracct', undefined, pathRule('/home/filters'));
  const deputy = sheet.value('systemusers', undefined, pathRule('/run/posthorn/deliver.sock'));
  return {
    dotExtension: sheet.value('dotextension', 'courier', extensionRule),
    delivery,
    dynamic,
    limitMs: sheet.value('localtimeout', QUARTER_HOUR_MS, durationRule('15m', 1000)),
    ...(maildrop === undefined ? {} : { maildrop }),
    path: SEARCH_PATH,
    shell: '/bin/sh',
    ...(skeleton === '' ? {} : { skeleton }),
    ...(deputy === undefined ? {} : { deputy }),
    ...(recipientFilter === undefined ? {} : { recipientFilter }),
    ...(aliasFilters === undefined ? {} : { aliasFilters }),
    aliasFolder: sheet.path('aliasdir'),
  };
}

const SEARCH_PATH = '/usr/local/bin:/usr/bin:/bin';

const extensionRule: ValueRule<string> = {
  example: 'qmail',
  show: String,
  parse: text => (/^[a-z0-9_]{1,32}$/i.test(text) ? read(text) : wrong(`${shown(text)} cannot be the name of dot files`, 'qmail')),
};

function pathRule(example: string): ValueRule<string | undefined> {
  return { example, show: value => value ?? '', parse: text => (text.startsWith('/') && !/\s/.test(text) ? read(text) : wrong(`${shown(text)} is no path from the root on`, example)) };
}
