import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openLogbook } from '../../../src/front/log/index.ts';
import type { LogTarget } from '../../../src/grammar/config/log-targets.ts';
import { scratchFor } from '../../props/scratch.ts';
import { eventually } from '../../props/within.ts';

const lines = (path: string) => readFileSync(path, 'utf8').trimEnd().split('\n');

test('each place gets what it wants, in its own format', async t => {
  const folder = scratchFor(t, 'logbook');
  const receiver = createSocket('udp4').bind(0, '127.0.0.1');
  t.after(() => receiver.close());
  await once(receiver, 'listening');
  const got: string[] = [];
  receiver.on('message', message => got.push(message.toString()));
  const targets: readonly LogTarget[] = [
    { kind: 'file', path: join(folder, 'json'), format: 'json', level: 'info' },
    { kind: 'file', path: join(folder, 'text'), format: 'text', level: 'info' },
    { kind: 'file', path: join(folder, 'errors'), format: 'text', level: 'error' },
    { kind: 'file', path: join(folder, 'warnings'), format: 'json', level: 'warn' },
    { kind: 'syslog', host: '127.0.0.1', port: receiver.address().port, format: 'text', level: 'warn', protocol: '5424', facility: 2, tag: 'posthorn' },
  ];
  const book = openLogbook({ host: 'mail.example', pid: 42 }, targets);
  book.info('completed', { id: 'Q1' });
  book.warn('odd', { text: 'two\nlines' });
  book.error('bug', { cause: new TypeError('broken') });
  await book.close();
  assert.deepEqual(lines(join(folder, 'json')).map(line => (JSON.parse(line) as { event: string }).event), ['completed', 'odd', 'bug']);
  assert.deepEqual(lines(join(folder, 'warnings')).map(line => (JSON.parse(line) as { level: string }).level), ['warn', 'error']);
  const [first, second, third, ...more] = lines(join(folder, 'text'));
  assert.match(first ?? '', /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d mail\.example posthorn\[42\]: completed,id=Q1$/);
  assert.match(second ?? '', /: odd: two lines$/);
  assert.match(third ?? '', /: bug,cause=TypeError: broken +at .*logbook\.test/);
  assert.deepEqual(more, []);
  assert.deepEqual(lines(join(folder, 'errors')).length, 1);
  await eventually(5000, 'two datagrams', () => got.length === 2);
  assert.match(got[0] ?? '', /^<20>1 \S+Z mail\.example posthorn 42 odd - \uFEFFodd: two lines$/);
  assert.match(got[1] ?? '', /^<19>1 .* bug - /);
});

test('places change while it is written to: nothing is lost, what stays is not opened anew', async t => {
  const folder = scratchFor(t, 'logbook');
  const file = (name: string): LogTarget => ({ kind: 'file', path: join(folder, name), format: 'json', level: 'info' });
  const events = (name: string) => lines(join(folder, name)).filter(line => line !== '').map(line => (JSON.parse(line) as { event: string }).event);
  const book = openLogbook({ host: 'a.example', pid: 1 }, [file('stays'), file('goes')]);
  book.info('one');
  book.use('a.example', [file('stays'), file('comes')]);
  book.info('two');
  renameSync(join(folder, 'stays'), join(folder, 'moved'));
  book.use('a.example', [file('stays'), file('comes')]);
  book.info('three');
  book.reopen();
  book.info('four');
  book.flush();
  await eventually(5000, 'all to be written', () => ['goes', 'comes', 'moved', 'stays'].flatMap(events).length === 8);
  assert.deepEqual(['goes', 'comes', 'moved', 'stays'].map(events), [['one'], ['two', 'three', 'four'], ['one', 'two', 'three'], ['four']]);
  book.use('a.example', [{ kind: 'file', path: join(folder, 'no', 'such', 'folder'), format: 'json', level: 'info' }, file('stays')]);
  await book.close();
  const last = JSON.parse(lines(join(folder, 'stays')).at(-1) ?? '') as { what: string; path: string };
  assert.deepEqual([last.what, last.path], ['cannot be opened', join(folder, 'no', 'such', 'folder')]);
});
