/** Mail whose way is not there: it waits without attempts, without ageing, without warnings, and goes when the way is back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instant } from '../../../src/core/clock.ts';
import type { DownLink, Links } from '../../../src/core/links.ts';
import { courierCalendar } from '../../../src/flow/schedule/index.ts';
import { all, busy, createBox, delivered } from '../../props/runner-box.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A link for everything below `.islands`, which a test switches. */
function link(own: Partial<DownLink> = {}): Links & { state: DownLink | null; downMsSoFar: number } {
  const isFor = (nexthop: string) => nexthop.endsWith('.islands');
  const made = {
    state: { name: 'satellite', until: null, longestMs: 30 * DAY, warns: false, ...own } as DownLink | null,
    downMsSoFar: 0,
    down: ({ nexthop }: { readonly nexthop: string }) => (isFor(nexthop) ? made.state : null),
    downMs: ({ nexthop }: { readonly nexthop: string }) => (isFor(nexthop) ? made.downMsSoFar : 0),
  };
  return made;
}

const stored = (box: ReturnType<typeof createBox>) => [...box.disk.rows.values()].map(({ message }) => message);

test('down for days: no attempt, no warning, no expiry; up: it goes at once', async () => {
  const box = createBox();
  const links = link();
  await box.queue(['one@far.islands']);
  const runner = box.open({ links });
  await box.clock.runTo(box.start + 12 * DAY);
  assert.deepEqual(box.attempts, []);
  assert.deepEqual(box.reports, []);
  assert.deepEqual(stored(box).map(({ attempts }) => attempts), [0], 'no attempt is counted');
  links.state = null;
  await runner.flush('all', ({ nexthop }) => nexthop.endsWith('.islands'));
  await box.clock.settle();
  assert.deepEqual(box.attempts.map(({ at }) => at - box.start), [12 * DAY]);
  assert.equal(box.disk.rows.size, 0);
  await runner.close({ graceMs: 0 });
});

test('the others of the message are tried by the calendar, expire and are reported alone', async () => {
  const box = createBox();
  box.script = job => all(job, busy);
  const links = link();
  await box.queue(['one@far.islands', 'two@near.example']);
  const runner = box.open({ links });
  await box.clock.runTo(box.start + 8 * DAY);
  assert.deepEqual([...new Set(box.attempts.map(({ nexthop }) => nexthop))], ['near.example']);
  assert.deepEqual(box.reports.map(({ kind, recipients }) => [kind, recipients.map(({ address }) => address)]), [['delay', ['two@near.example']], ['final', ['two@near.example']]]);
  box.script = job => all(job, delivered);
  links.state = null;
  await runner.flush('all');
  await box.clock.settle();
  assert.equal(box.disk.rows.size, 0);
  await runner.close({ graceMs: 0 });
});

test('back at a known time: tried then, without anybody saying so', async () => {
  const box = createBox();
  const links = link({ until: (box.start + 20 * MINUTE) as Instant });
  await box.queue(['one@far.islands']);
  const runner = box.open({ links });
  await box.clock.runTo(box.start + 19 * MINUTE);
  assert.equal(box.attempts.length, 0);
  links.state = null;
  await box.clock.runTo(box.start + 20 * MINUTE);
  assert.deepEqual(box.attempts.map(({ at }) => at - box.start), [20 * MINUTE]);
  await runner.close({ graceMs: 0 });
});

test('a message waits no longer than it may: then it fails, and says which link was missing', async () => {
  const box = createBox();
  await box.queue(['one@far.islands']);
  const runner = box.open({ links: link({ longestMs: 3 * DAY }) });
  await box.clock.runTo(box.start + 3 * DAY + HOUR);
  assert.deepEqual(box.reports.map(({ at, kind, recipients }) => [at - box.start, kind, recipients[0]?.outcome?.status, recipients[0]?.outcome?.said?.text]), [[3 * DAY, 'final', '5.4.7', 'The link satellite was not up in time']]);
  assert.equal(box.attempts.length, 0);
  await runner.close({ graceMs: 0 });
});

test('who wants warnings has them, once', async () => {
  const box = createBox();
  await box.queue(['one@far.islands']);
  const runner = box.open({ links: link({ warns: true }) });
  await box.clock.runTo(box.start + 2 * DAY);
  assert.deepEqual(box.reports.map(({ kind, at }) => [kind, (at - box.start) / HOUR]), [['delay', 4]]);
  assert.equal(box.attempts.length, 0);
  await runner.close({ graceMs: 0 });
});

test('the time that a link was down does not count for the message', async () => {
  const box = createBox();
  box.script = job => all(job, busy);
  const links = link();
  await box.queue(['one@far.islands']);
  const runner = box.open({ links });
  await box.clock.runTo(box.start + 10 * DAY);
  links.state = null;
  links.downMsSoFar = 10 * DAY;
  await runner.flush('all');
  await box.clock.runTo(box.start + 16.9 * DAY);
  assert.equal(box.reports.filter(({ kind }) => kind === 'final').length, 0, 'it has seven days of its own');
  await box.clock.runTo(box.start + 18 * DAY);
  assert.equal(box.reports.filter(({ kind }) => kind === 'final').length, 1);
  await runner.close({ graceMs: 0 });
});

test('it goes down while mail waits in its lane: who was not started is withdrawn, and uses no place', async () => {
  const box = createBox({ perNexthop: 1 });
  const links = link();
  links.state = null;
  const going = Promise.withResolvers<void>();
  box.script = async job => {
    await going.promise;
    return all(job, delivered);
  };
  for (let n = 0; n < 5; n++) await box.queue([`${n}@far.islands`]);
  const runner = box.open({ links, window: { messages: 5, octets: 1e8 } });
  await box.clock.settle();
  assert.equal(box.attempts.length, 1);
  links.state = { name: 'satellite', until: null, longestMs: 30 * DAY, warns: false };
  runner.withdraw();
  await box.queue(['other@near.example']);
  going.resolve();
  await box.clock.settle();
  assert.deepEqual(box.attempts.map(({ nexthop }) => nexthop), ['far.islands', 'near.example']);
  assert.equal(stored(box).length, 4);
  await runner.close({ graceMs: 0 });
});

test('coming up forgives the next hops of the link, and only those', async () => {
  const box = createBox();
  box.settings = { ...courierCalendar, retryAlphaMs: 20 * MINUTE };
  let works = false;
  box.script = job => all(job, works ? delivered : { kind: 'deferred', status: '4.4.1', blame: 'nexthop' });
  for (const to of ['a@far.islands', 'b@far.islands', 'c@near.example', 'd@near.example']) await box.queue([to]);
  const links = link();
  links.state = null;
  const runner = box.open({ links });
  await box.clock.settle();
  works = true;
  const ids = stored(box).filter(({ recipients }) => recipients[0]?.address.endsWith('.islands')).map(({ id }) => id);
  await runner.flush({ ids }, ({ nexthop }) => nexthop.endsWith('.islands'));
  await box.clock.settle();
  assert.deepEqual(stored(box).map(({ recipients }) => recipients[0]?.address), ['c@near.example', 'd@near.example']);
  assert.equal(runner.nexthops().filter(({ nexthop, closedUntil }) => nexthop === 'near.example' && closedUntil !== undefined).length, 1, 'the other is still left alone');
  await runner.close({ graceMs: 0 });
});
