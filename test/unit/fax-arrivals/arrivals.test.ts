/** From pages to mail: durable, routed, partial ones marked, none lost by a refusal or a crash. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FAX_ROW_OCTETS } from '../../../src/core/fax.ts';
import { refuse, type Refusal } from '../../../src/core/status.ts';
import { readMessage } from '../../../src/kit/message-reader.ts';
import { simpleParts } from '../../props/mail-parts.ts';
import { drawnPage } from '../../props/fax-pages.ts';
import { address, arrivedPage, openMailBench } from '../../props/fax-arrival-bench.ts';

const call = { modem: 'ttyS0', at: Date.UTC(2026, 10, 21, 8, 30) };
const bitmap = drawnPage(120, 1);

test('a fax of two pages: text, PDF, a PNG a page', async t => {
  const bench = openMailBench(t);
  const room = bench.openRoom();
  const arrival = await room.open({ ...call, callerId: '2125550000', calledId: '5551234' });
  assert.equal(await arrival!.page(arrivedPage(bitmap)), 'kept');
  assert.equal(await arrival!.page(arrivedPage(bitmap, { resolution: 'normal', badRows: 3 })), 'kept');
  assert.equal(bench.queued.length, 0, 'the call is not over');
  await arrival!.end({ complete: true, senderId: '+49 89 1234', hangup: 0, said: '' });
  await bench.watch.until(5000, 'the mail', () => bench.queued.length === 1);
  const [mail] = bench.queued;
  assert.equal(mail!.reversePath, null);
  assert.deepEqual(mail!.recipients, ['office@here.example']);
  assert.match(mail!.key!, /^fax:/);
  const read = await readMessage(mail!.content);
  assert.equal(read!.subject, 'New fax received from +49 89 1234 (2 pages)');
  for (const line of ['Pages:      2', 'Resolution: fine and normal', 'Line:       ttyS0', 'Called:     5551234', 'Sender id:  +49 89 1234', 'Caller:     2125550000', 'Page 2: 3 of 120 rows were unreadable']) assert.ok(read!.text.includes(line), line);
  assert.deepEqual(read!.attachments.map(({ name, type }) => [name, type]), [['fax.pdf', 'application/pdf'], ['page1.png', 'image/png'], ['page2.png', 'image/png']]);
  const [, , , second] = simpleParts(mail!.content);
  assert.equal(second!.readUInt32BE(16), 1728);
  assert.equal(second!.readUInt32BE(20), 240, 'a page in normal resolution is stretched by two');
  assert.ok(mail!.content.toString('latin1').split('\r\n').every(line => line.length <= 998 && !line.includes('\n')));
  for (let waited = 0; existsSync(bench.folder) && readdirSync(bench.folder).length > 0; waited++) {
    assert.ok(waited < 200, 'the spool is not emptied');
    await new Promise(next => setTimeout(next, 10));
  }
});

test('a partial fax says so, first of all', async t => {
  const bench = openMailBench(t);
  const arrival = await bench.openRoom().open(call);
  await arrival!.page(arrivedPage(bitmap));
  await arrival!.page(arrivedPage(bitmap.subarray(0, 30 * FAX_ROW_OCTETS), { whole: false, verdict: 'refused' }));
  await arrival!.end({ complete: false, hangup: 91, said: '' });
  await bench.watch.until(5000, 'the mail', () => bench.queued.length === 1);
  const read = await readMessage(bench.queued[0]!.content);
  assert.match(read!.subject, /^Partial fax received/);
  assert.match(read!.text, /^This is a partial fax: the call was interrupted after 1 page \(hang-up code 91\)\./);
  assert.match(read!.text, /Page 2 is cut off after 30 rows\./);
});

test('a call without a page is nobody\'s mail', async t => {
  const bench = openMailBench(t);
  const room = bench.openRoom();
  const arrival = await room.open(call);
  await arrival!.end({ complete: false, said: 'data call' });
  assert.deepEqual(readdirSync(bench.folder), []);
});

test('what a sender calls itself is quoted, and no more', async t => {
  const bench = openMailBench(t);
  const arrival = await bench.openRoom().open({ ...call, callerId: '1\r\nBcc: all@example.com' });
  await arrival!.page(arrivedPage(bitmap));
  await arrival!.end({ complete: true, senderId: '"; rm -rf /\r\nX-Evil: \u001b[2J', said: '' });
  await bench.watch.until(5000, 'the mail', () => bench.queued.length === 1);
  const text = bench.queued[0]!.content.toString('latin1');
  assert.doesNotMatch(text, /^(?:Bcc|X-Evil):/m);
  assert.ok(!text.includes('\u001b'));
});

test('rules: by modem, by called line, by sender, by caller; the first that fits', async t => {
  const routes = [
    { by: 'called', match: '555 1234', recipients: [address('sales@here.example')] },
    { by: 'sender', match: '+49 89*', recipients: [address('munich@here.example')] },
    { by: 'caller', match: '2125550000', recipients: [address('ny@here.example'), address('boss@here.example')] },
    { by: 'modem', match: 'ttyS1', recipients: [address('lab@here.example')] },
  ] as const;
  const rows: readonly (readonly [object, object, readonly string[]])[] = [
    [{ calledId: '5551234' }, { senderId: '+49 89 1' }, ['sales@here.example']],
    [{}, { senderId: '+49 891234' }, ['munich@here.example']],
    [{ callerId: '(212) 555-0000' }, {}, ['ny@here.example', 'boss@here.example']],
    [{ modem: 'ttyS1' }, { senderId: '+1' }, ['lab@here.example']],
    [{}, {}, ['office@here.example']],
  ];
  const bench = openMailBench(t);
  const room = bench.openRoom({ routes });
  for (const [index, [more, end, recipients]] of rows.entries()) {
    const arrival = await room.open({ ...call, ...more });
    await arrival!.page(arrivedPage(bitmap));
    await arrival!.end({ complete: true, said: '', ...end });
    await bench.watch.until(5000, 'the mail', () => bench.queued.length === index + 1);
    assert.deepEqual(bench.queued[index]!.recipients, recipients);
  }
});

test('refused for now: it waits, and comes once', async t => {
  let refusals = 2;
  const bench = openMailBench(t, () => (refusals-- > 0 ? refuse('queueFull') : null));
  const room = bench.openRoom();
  const arrival = await room.open(call);
  await arrival!.page(arrivedPage(bitmap));
  await arrival!.end({ complete: true, said: '' });
  await bench.watch.until(15_000, 'the mail', () => bench.queued.length === 1);
  assert.equal(refusals < 0, true);
});

test('no such mailbox: the postmaster gets it, and reads why', async t => {
  const bench = openMailBench(t, recipient => (recipient.startsWith('office') ? refuse('noSuchMailbox') : null));
  const arrival = await bench.openRoom().open(call);
  await arrival!.page(arrivedPage(bitmap));
  await arrival!.end({ complete: true, said: '' });
  await bench.watch.until(5000, 'the mail', () => bench.queued.length === 1);
  assert.deepEqual(bench.queued[0]!.recipients, ['postmaster@here.example']);
  assert.match((await readMessage(bench.queued[0]!.content))!.text, /^Nobody else would take this fax: office@here\.example: No such mailbox here/);
});

test('nobody takes it: it stays, and health says so', async t => {
  const bench = openMailBench(t, () => refuse('noSuchMailbox'));
  const room = bench.openRoom();
  const arrival = await room.open(call);
  await arrival!.page(arrivedPage(bitmap));
  await arrival!.end({ complete: true, said: '' });
  for (let waited = 0; room.troubles().length === 0; waited++) {
    assert.ok(waited < 300);
    await new Promise(next => setTimeout(next, 10));
  }
  assert.match(room.troubles()[0]!, /waits in the spool: 550/);
  assert.equal(readdirSync(bench.folder).length, 1);
});

test('too large with its pictures: without them', async t => {
  const sizes: number[] = [];
  const bench = openMailBench(t, (_, size): Refusal | null => (size > 0 && sizes.push(size) === 1 ? refuse('tooLarge') : null));
  const arrival = await bench.openRoom().open(call);
  const page = drawnPage(300, 2);
  await arrival!.page(arrivedPage(page));
  await arrival!.end({ complete: true, said: '' });
  await bench.watch.until(5000, 'the mail', () => bench.queued.length === 1);
  assert.deepEqual((await readMessage(bench.queued[0]!.content))!.attachments.map(({ name }) => name), ['fax.pdf']);
  assert.ok(sizes[1]! < sizes[0]!);
});

test('a process that died in a call: its pages come as a partial fax', async t => {
  const bench = openMailBench(t);
  const first = bench.openRoom();
  const arrival = await first.open(call);
  await arrival!.page(arrivedPage(bitmap));
  await first.close();
  const [part] = readdirSync(bench.folder);
  assert.match(part!, /\.part$/);
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  renameSync(join(bench.folder, part!), join(bench.folder, part!.replace(String(process.pid), String(dead))));
  bench.openRoom();
  await bench.watch.until(5000, 'the mail', () => bench.queued.length === 1);
  assert.match((await readMessage(bench.queued[0]!.content))!.text, /^This is a partial fax/);
});

test('rubbish in the spool does no harm', async t => {
  const bench = openMailBench(t);
  mkdirSync(join(bench.folder, 'empty'), { recursive: true });
  mkdirSync(join(bench.folder, 'odd'));
  writeFileSync(join(bench.folder, 'odd', 'call.json'), '{');
  writeFileSync(join(bench.folder, 'odd', '001-fine-9-0-confirmed-whole.g3'), 'no fax');
  bench.openRoom();
  await bench.watch.until(5000, 'the mail', () => bench.queued.length === 1);
});
