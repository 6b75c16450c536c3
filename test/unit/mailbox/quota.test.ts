import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Instant } from '../../../src/core/clock.ts';
import { formatQuota, parseQuota } from '../../../src/service/mailbox/quota.ts';
import { FIELDS, mailboxesOn, mailsIn, message } from '../../props/mailbox-desk.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';

const never = new AbortController().signal;
const OVERHEAD = FIELDS.length;

function maildir(): string {
  const folder = join(scratchFolder('mailbox'), 'Maildir');
  for (const part of ['', '/new', '/tmp', '/cur']) mkdirSync(`${folder}${part}`);
  return folder;
}

test('quota texts, right and wrong', () => {
  const rows: readonly (readonly [string, string | null])[] = [['10000000S,1000C', '10000000S,1000C'], ['1000C,10S', '10S,1000C'], ['5s', '5S'], ['3C', '3C'], ['', null], ['10', null], ['0S', null], ['NOQUOTA', null], ['10S,x', '10S'], ['-1S', null], ['9999999999999999999S', null]];
  for (const [text, wanted] of rows) {
    const quota = parseQuota(text);
    assert.equal(quota === null ? null : formatQuota(quota), wanted, text);
  }
});

test('mail is taken until it would be too much, in octets or in messages', async () => {
  const folder = maildir();
  const mailboxes = mailboxesOn();
  const deliver = async (text: string, quota: string) => {
    const answer = await mailboxes.deliver(`${folder}/`, message(text, { quota }), never);
    return answer.kind === 'stored' ? 'stored' : answer.why;
  };
  const quota = `${2 * OVERHEAD + 10}S`;
  assert.equal(await deliver('12345', quota), 'stored');
  assert.equal(await deliver('12345', quota), 'stored');
  assert.equal(await deliver('', quota), 'quota');
  assert.deepEqual(readdirSync(join(folder, 'tmp')), []);
  assert.equal(await deliver('', '3C'), 'stored');
  assert.equal(await deliver('', '3C'), 'quota');
  assert.equal(mailsIn(folder).length, 3);
});

test('the count is kept in maildirsize as Maildir++ has it, and its quota holds when nobody says another', async () => {
  const folder = maildir();
  const mailboxes = mailboxesOn();
  await mailboxes.deliver(`${folder}/`, message('12345', { quota: '1000S,2C' }), never);
  await mailboxes.deliver(`${folder}/`, message('123', {}), never);
  const lines = readFileSync(join(folder, 'maildirsize'), 'latin1').split('\n');
  assert.equal(lines[0], '1000S,2C');
  assert.deepEqual(lines.slice(1, -1).map(line => line.trim()), ['0 0', `${OVERHEAD + 5} 1`, `${OVERHEAD + 3} 1`]);
  for (const line of lines.slice(1, -1)) assert.equal(line.length, 13);
  const third = await mailboxes.deliver(`${folder}/`, message('1'), never);
  assert.ok(third.kind === 'refused' && third.why === 'quota');
});

test('a mailbox without a quota keeps no count', async () => {
  const folder = maildir();
  await mailboxesOn().deliver(`${folder}/`, message('x'), never);
  assert.ok(!readdirSync(folder).includes('maildirsize'));
});

test('what was deleted counts no more: before a refusal it is counted again', async () => {
  const folder = maildir();
  const mailboxes = mailboxesOn();
  const quota = { quota: `${2 * OVERHEAD + 20}S` };
  await mailboxes.deliver(`${folder}/`, message('12345', quota), never);
  await mailboxes.deliver(`${folder}/`, message('12345', quota), never);
  const [first = '', second = ''] = readdirSync(join(folder, 'new'));
  // The Trash and what is marked deleted do not count either.
  renameSync(join(folder, 'new', first), join(folder, 'cur', `${first}:2,ST`));
  for (const part of ['', '/new', '/tmp', '/cur']) mkdirSync(join(folder, `.Trash${part}`));
  renameSync(join(folder, 'new', second), join(folder, '.Trash/cur', `${second}:2,S`));
  assert.equal((await mailboxes.deliver(`${folder}/`, message('12345', quota), never)).kind, 'stored');
});

test('sizes come from the names, and from the files where a name says none; all folders count', async () => {
  const folder = maildir();
  for (const part of ['', '/new', '/tmp', '/cur']) mkdirSync(join(folder, `.Work${part}`));
  writeFileSync(join(folder, '.Work/cur/1.x,S=1000:2,S'), 'short');
  writeFileSync(join(folder, 'cur/2.x:2,'), 'x'.repeat(500));
  const answer = async (quota: string) => (await mailboxesOn().deliver(`${folder}/`, message('', { quota }), never)).kind;
  assert.equal(await answer(`${1500 + OVERHEAD - 1}S`), 'refused');
  assert.equal(await answer(`${1500 + OVERHEAD}S`), 'stored');
});

test('a fresh count of one line is believed; an old one is not', async () => {
  const folder = maildir();
  const size = join(folder, 'maildirsize');
  writeFileSync(size, '1000S\n999 1\n');
  utimesSync(size, 1_700_000_000, 1_700_000_000);
  const at = (seconds: number) => mailboxesOn(undefined, { now: () => seconds * 1000 as Instant, sleepUntil: () => Promise.resolve() });
  assert.equal((await at(1_700_000_060).deliver(`${folder}/`, message('x'), never)).kind, 'refused');
  assert.equal((await at(1_700_001_000).deliver(`${folder}/`, message('x'), never)).kind, 'stored');
});

test('a count that is too long, damaged or a link is made anew', async () => {
  const folder = maildir();
  const size = join(folder, 'maildirsize');
  const quota = { quota: '100000S' };
  writeFileSync(size, `100000S\n${'99999 1      \n'.repeat(400)}`);
  assert.equal((await mailboxesOn().deliver(`${folder}/`, message('x', quota), never)).kind, 'stored');
  assert.ok(readFileSync(size).length < 100);
  writeFileSync(size, '100000S\nnonsense\n');
  assert.equal((await mailboxesOn().deliver(`${folder}/`, message('x', quota), never)).kind, 'stored');
  assert.match(readFileSync(size, 'latin1'), /^100000S\n\d+ 1 +\n/);
  writeFileSync(join(folder, 'elsewhere'), 'kept');
  renameSync(size, join(folder, 'old'));
  symlinkSync(join(folder, 'elsewhere'), size);
  assert.equal((await mailboxesOn().deliver(`${folder}/`, message('x', quota), never)).kind, 'stored');
  assert.equal(readFileSync(join(folder, 'elsewhere'), 'latin1'), 'kept');
});
