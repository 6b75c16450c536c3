/** Calls and what comes of them: who is told what, which pages go again, and when. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { FaxCallEnd } from '../../../src/core/fax.ts';
import type { Deferred, Outcome } from '../../../src/core/outcome.ts';
import { fax, HOUR, openFaxBox, plainPages } from '../../props/fax-box.ts';
import { createScriptedFaxLine, type ScriptedCall } from '../../props/scripted-fax-line.ts';
import { eventually, within } from '../../props/within.ts';

const text = (outcome: Outcome): string => outcome.said?.text ?? '';
const scripted = (...calls: readonly ScriptedCall[]) => createScriptedFaxLine((_, n) => calls[n]);
const hangup = (code: number): FaxCallEnd => ({ kind: 'hangup', code });
/** What has no short wait, so that each call is an attempt of the queue's. */
const slowly = { busyDelaysMs: [600_000], paidDelaysMs: [600_000] };

test('all pages confirmed: delivered, with the numbers and the other machine in the receipt, and a crash before the queue heard of it costs no second call', async () => {
  const box = openFaxBox({ line: scripted({ remoteId: '  +49 89 "123`\u0007 ' }) });
  const outcome = await box.deliverOne();
  assert.equal(outcome.kind, 'delivered');
  assert.equal(text(outcome), '3 pages - including 1 cover page - sent by fax to 5551212, which answered as +49 89 123');
  assert.equal(outcome.said?.type, 'x-fax');
  assert.equal(outcome.said?.remoteMta, undefined, 'it has no name in DNS');
  const [call] = box.line.calls;
  assert.deepEqual([call?.number, call?.stationId, call?.pages.length], ['5551212', '+1 212 555 1212', 3]);
  // The strip, and the page below it.
  assert.deepEqual(call?.pages.map(({ rows, bits }) => [rows, bits.length, bits[0], bits[44 * 216]]), [[54, 54 * 216, 0, 1], [54, 54 * 216, 0, 2], [54, 54 * 216, 0, 3]]);
  assert.deepEqual(readdirSync(join(box.folder, 'pages', 'a1b2-0')), ['job.json'], 'the pages are gone');
  const again = box.again(createScriptedFaxLine());
  assert.deepEqual(await again.deliverOne(), outcome);
  assert.equal(again.line.calls.length, 0);
});

test('what each end of a call means', async () => {
  const rows: readonly (readonly [FaxCallEnd, Outcome['kind'], string, 'free' | 'paid' | 'line' | 'never'])[] = [
    [{ kind: 'busy' }, 'deferred', '4.4.1', 'free'], [{ kind: 'no-answer' }, 'deferred', '4.4.1', 'free'], [{ kind: 'no-dialtone' }, 'deferred', '4.4.1', 'free'],
    [{ kind: 'no-carrier' }, 'deferred', '4.4.1', 'paid'], [{ kind: 'voice' }, 'deferred', '4.4.1', 'paid'], [{ kind: 'blacklisted' }, 'deferred', '4.4.1', 'line'],
    [{ kind: 'unavailable', why: 'in-use' }, 'deferred', '4.3.0', 'line'], [{ kind: 'unavailable', why: 'absent' }, 'deferred', '4.3.0', 'line'],
    [{ kind: 'lost', why: 'silence' }, 'deferred', '4.4.2', 'paid'], [{ kind: 'lost', why: 'unplugged' }, 'deferred', '4.4.2', 'paid'],
    ...[0, 20, 22, 23, 24, 25, 26, 27, 28, 40, 43, 50, 51, 52, 53, 54, 55, 56, 57, 58, 70, 91, 102, 130, 999].map(code => [hangup(code), 'deferred', '4.4.2', 'paid'] as const),
    ...[1, 5, 11].map(code => [hangup(code), 'deferred', '4.4.1', 'paid'] as const),
    ...[2, 3, 4, 10].map(code => [hangup(code), 'deferred', '4.4.1', 'free'] as const),
    [hangup(21), 'failed', '5.3.2', 'never'],
    ...[41, 42, 44, 45, 46, 47].map(code => [hangup(code), 'failed', '5.6.5', 'never'] as const),
  ];
  for (const [end, kind, status, cost] of rows) {
    const box = openFaxBox({ line: createScriptedFaxLine(() => ({ end })), plan: { ...slowly, paidTries: 2 } });
    const first = await box.deliverOne();
    assert.deepEqual([first.kind, first.status], [kind, status], JSON.stringify(end));
    if (first.kind !== 'deferred') continue;
    assert.equal(first.blame, 'nexthop');
    assert.ok((first.notBefore ?? 0) > box.clock.now());
    // A second call that was answered is the last; one that was not, or was never made, is not.
    const second = await box.deliverOne();
    assert.equal(second.kind, cost === 'paid' ? 'failed' : 'deferred', JSON.stringify(end));
    if (second.kind === 'failed') assert.match(text(second), /no further try after 2 calls that were answered/);
  }
});

test('a line that broke: the next call begins at the first page that was not confirmed, and counts its own pages', async () => {
  const pages = plainPages(5);
  const box = openFaxBox({ pages, plan: slowly, line: scripted({ end: hangup(50), confirmed: 2, uncertain: true }, { remoteId: '12345' }) });
  const first = await box.deliverOne();
  assert.equal(first.kind, 'deferred');
  assert.match(text(first), /^2 of 5 pages were sent \(1 cover, 1 document\), and page 3 may be on paper: the call broke behind a page/);
  const second = await box.deliverOne();
  assert.equal(second.kind, 'delivered');
  assert.equal(text(second), '5 pages - including 1 cover page - sent by fax to 5551212, which answered as 12345; in 2 calls; page 3 may be on paper twice');
  assert.deepEqual(box.line.calls.map(call => call.pages.map(({ bits }) => bits[44 * 216])), [[1, 2], [3, 4, 5]]);
  assert.deepEqual(pages.texts, ['1/5', '2/5', '3/5', '4/5', '5/5', '1/3 (3/5)', '2/3 (4/5)', '3/3 (5/5)']);
  assert.equal(pages.made, 1, 'pages are made once');
});

test('what was confirmed survives a restart', async () => {
  const box = openFaxBox({ pages: plainPages(4), plan: slowly, line: scripted({ end: { kind: 'lost', why: 'carrier' }, confirmed: 3 }) });
  await box.deliverOne();
  await box.transport.close();
  const after = box.again(scripted());
  assert.equal((await after.deliverOne()).kind, 'delivered');
  assert.deepEqual(after.line.calls.map(call => call.pages.map(({ bits }) => bits[44 * 216])), [[4]]);
});

test('all pages confirmed is success, whatever the modem says behind; success without all pages is none', async () => {
  const good = openFaxBox({ line: scripted({ end: hangup(54), confirmed: 3 }) });
  assert.equal((await good.deliverOne()).kind, 'delivered');
  const bad = openFaxBox({ plan: slowly, line: scripted({ end: { kind: 'sent' }, confirmed: 2 }) });
  const outcome = await bad.deliverOne();
  assert.equal(outcome.kind, 'deferred');
  assert.match(text(outcome), /2 of 3 pages were sent .*the call ended before the last page was confirmed/);
});

test('the last failure tells how far it came', async () => {
  const box = openFaxBox({ plan: { ...slowly, paidTries: 2 }, line: scripted({ end: hangup(40), confirmed: 1 }, { end: hangup(40), confirmed: 0 }) });
  await box.deliverOne();
  const outcome = await box.deliverOne();
  assert.deepEqual([outcome.kind, outcome.status], ['failed', '5.4.2']);
  assert.equal(text(outcome), '1 of 3 pages were sent (1 cover, 0 document): the call broke within a page; no further try after 2 calls that were answered (5551212)');
  assert.deepEqual(readdirSync(join(box.folder, 'pages')), []);
});

test('busy is tried again by its own delays: the short ones here, the long ones by the queue', async () => {
  const box = openFaxBox({ line: createScriptedFaxLine(() => ({ end: { kind: 'busy' } })), plan: { busyDelaysMs: [60_000, 120_000, 900_000] } });
  const start = box.clock.now();
  const delivering = box.deliverOne();
  await eventually(5000, 'the first call', () => box.clock.sleepers > 0);
  await box.clock.runTo(start + 60_000);
  await eventually(5000, 'the second call', () => box.line.calls.length === 2 && box.clock.sleepers > 0);
  await box.clock.runTo(start + 180_000);
  const outcome = (await within(5000, 'the deferral', delivering)) as Deferred;
  assert.equal(box.line.calls.length, 3);
  assert.equal(outcome.kind, 'deferred');
  assert.equal(outcome.notBefore, start + 180_000 + 900_000);
});

test('faxqueuetime ends it, in the words of the last call', async () => {
  const box = openFaxBox({ line: createScriptedFaxLine(() => ({ end: { kind: 'busy' } })), plan: slowly });
  const accepted = box.clock.now();
  assert.equal((await box.deliverOne(fax(accepted))).kind, 'deferred');
  await box.clock.runTo(accepted + 8 * HOUR - 60_000);
  const late = (await box.deliverOne(fax(accepted))) as Deferred;
  assert.equal(late.notBefore, accepted + 8 * HOUR, 'the last try is at the end, not behind it');
  await box.clock.runTo(accepted + 8 * HOUR);
  const last = await box.deliverOne(fax(accepted));
  assert.deepEqual([last.kind, last.status, text(last)], ['failed', '5.4.7', 'busy (5551212)']);
});

test('limits of a day hold over a restart, and end at midnight', async () => {
  const box = openFaxBox({ plan: { callsADayPerNumber: 2, callsADay: 3, queueTimeMs: 100 * HOUR } });
  await box.deliverOne(fax(box.clock.now(), { id: 'a' }));
  await box.deliverOne(fax(box.clock.now(), { id: 'b' }));
  const third = (await box.deliverOne(fax(box.clock.now(), { id: 'c' }))) as Deferred;
  assert.deepEqual([third.kind, third.status], ['deferred', '4.7.1']);
  const midnight = new Date(third.notBefore ?? 0);
  assert.deepEqual([midnight.getHours(), midnight.getMinutes()], [0, 0]);
  assert.equal((await box.deliverOne(fax(box.clock.now(), { id: 'd', to: '999' }))).kind, 'delivered');
  const later = box.again(createScriptedFaxLine());
  assert.equal((await later.deliverOne(fax(box.clock.now(), { id: 'e', to: '777' }))).kind, 'deferred', 'three calls are all of a day');
  await box.clock.runTo(third.notBefore ?? 0);
  assert.equal((await later.deliverOne(fax(box.clock.now(), { id: 'e', to: '777' }))).kind, 'delivered');
  assert.equal(readFileSync(join(box.folder, 'calls.jsonl'), 'utf8').trim().split('\n').length, 4);
});

test('a number that is refused now is refused for good, and its pages go', async () => {
  const box = openFaxBox({ dial: () => ({ kind: 'refused', outcome: { kind: 'failed', status: '5.7.1', said: { type: 'x-fax', text: 'This number is not called from here' } } }) });
  assert.equal((await box.deliverOne()).status, '5.7.1');
  assert.equal(box.line.calls.length, 0);
});

test('a message that cannot be drawn fails before anybody is called; one that cannot be drawn now waits', async () => {
  const unfit = openFaxBox({ pages: { ...plainPages(1), make: () => Promise.resolve({ kind: 'unfit', status: '5.6.1', why: 'Nothing here can draw application/x-foo on a fax page' }) } });
  const outcome = await unfit.deliverOne();
  assert.deepEqual([outcome.kind, outcome.status, text(outcome)], ['failed', '5.6.1', 'Nothing here can draw application/x-foo on a fax page']);
  const trouble = openFaxBox({ pages: { ...plainPages(1), make: () => Promise.resolve({ kind: 'trouble', why: 'gs is not installed' }) } });
  assert.deepEqual([(await trouble.deliverOne()).status, trouble.line.calls.length], ['4.3.0', 0]);
  assert.ok(trouble.logged.some(({ event, level }) => event === 'fax-pages' && level === 'error'));
});

test('several messages for one number share a call when they may, and each hears its own', async () => {
  const gate = Promise.withResolvers<void>();
  const line = createScriptedFaxLine((_, n) => (n === 0 ? { until: gate.promise } : { end: hangup(40), confirmed: 4, uncertain: true }));
  const pages = plainPages(3);
  const box = openFaxBox({ line, pages, plan: { ...slowly, together: { pages: 7 } } });
  assert.ok(box.transport.limits.perNexthop > 1);
  const all = ['a', 'b', 'c', 'd'].map(id => box.deliverOne(fax(box.clock.now(), { id })));
  await eventually(5000, 'all pages', () => box.logged.filter(({ event }) => event === 'fax-pages').length === 4 && line.calls.length === 1);
  await box.clock.settle();
  gate.resolve();
  const outcomes = await within(5000, 'all', Promise.all(all));
  assert.deepEqual(line.calls.map(call => call.offered), [3, 6, 3]);
  const waiting = outcomes.filter(({ kind }) => kind === 'deferred');
  assert.deepEqual([waiting.length, outcomes.filter(({ kind }) => kind === 'delivered').length], [1, 3]);
  assert.match(text(waiting[0] as Outcome), /^1 of 3 pages were sent \(1 cover, 0 document\), and page 2 may be on paper/);
  assert.deepEqual(pages.texts.slice(3, 9), ['1/6 (1/3)', '2/6 (2/3)', '3/6 (3/3)', '4/6 (1/3)', '5/6 (2/3)', '6/6 (3/3)']);
});

test('a trouble of the modem\'s is for somebody to look at; a busy line is not', async () => {
  for (const [end, level] of [[{ kind: 'unavailable', why: 'silent' }, 'error'], [{ kind: 'busy' }, 'info'], [hangup(3), 'error']] as const) {
    const box = openFaxBox({ line: createScriptedFaxLine(() => ({ end })), plan: slowly });
    await box.deliverOne();
    assert.equal(box.logged.find(({ event }) => event === 'fax-call')?.level, level);
    assert.equal(existsSync(join(box.folder, 'calls.jsonl')), end.kind !== 'unavailable', 'what was not dialled is no call');
  }
});

test('a disk that fails after a call loses no page and sends none again', async () => {
  const pages = plainPages(3);
  const line = createScriptedFaxLine((_, n) => {
    // The folder of the job goes away in the middle of the first call: nothing can be written there any more.
    if (n === 0) renameSync(join(box.folder, 'pages', 'a1b2-0'), join(box.folder, 'pages', 'gone'));
    return n === 0 ? { end: hangup(50), confirmed: 0, uncertain: true } : undefined;
  });
  const box = openFaxBox({ line, pages, plan: { ...slowly, paidTries: 2 } });
  assert.equal((await box.deliverOne()).kind, 'deferred');
  assert.ok(box.logged.some(({ event }) => event === 'fax-spool'));
  renameSync(join(box.folder, 'pages', 'gone'), join(box.folder, 'pages', 'a1b2-0'));
  const outcome = await box.deliverOne();
  assert.equal(outcome.kind, 'delivered');
  assert.match(text(outcome), /in 2 calls; page 1 may be on paper twice/);
  assert.equal(pages.made, 1);
});

test('stopping in a call defers, keeps what was confirmed, and costs no try', async () => {
  const stop = new AbortController();
  const box = openFaxBox({ line: scripted({ held: true }), plan: { ...slowly, paidTries: 1 } });
  const delivering = box.deliverOne(fax(box.clock.now()), stop.signal);
  await eventually(5000, 'the call', () => box.line.calls.length === 1);
  stop.abort();
  assert.equal((await within(5000, 'the answer', delivering)).kind, 'deferred');
  assert.equal((await box.again(scripted()).deliverOne()).kind, 'delivered');
});
