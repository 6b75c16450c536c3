/** A way out with a queue time of its own, another way for what is late, limits that a reload changes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Router, Transport } from '../../../src/core/transport.ts';
import { courierCalendar } from '../../../src/flow/schedule/index.ts';
import { all, busy, createBox, delivered, domainRouter, scripted } from '../../props/runner-box.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

test('faxqueuetime: recipients by that transport fail when its time is over, the others of the message go on', async () => {
  const box = createBox();
  box.script = job => all(job, busy);
  const fax: Transport = { ...scripted(box), name: 'fax', queueTimeMs: () => 8 * HOUR };
  const router: Router = { route: to => ({ kind: 'route', transport: to.address.endsWith('@fax') ? 'fax' : 'esmtp', nexthop: to.address.slice(to.address.indexOf('@') + 1) }) };
  await box.queue(['123@fax', 'bob@there.example']);
  const runner = box.open({ router, transports: new Map([['esmtp', scripted(box)], ['fax', fax]]) });
  await box.clock.runTo(box.start + 5 * HOUR);
  const [warning] = box.reports;
  assert.deepEqual([warning?.kind, warning?.kind === 'delay' && warning.retryUntil - box.start], ['delay', 8 * HOUR], 'the warning names the first end');
  await box.clock.runTo(box.start + 11 * HOUR);
  assert.deepEqual(box.reports.slice(1).map(({ recipients }) => recipients.map(({ address, outcome }) => [address, outcome?.kind, outcome?.status])), [[['123@fax', 'failed', '5.4.7']]]);
  const left = [...box.disk.rows.values()][0]!.message.recipients;
  assert.deepEqual(left.map(({ outcome }) => outcome?.kind), ['failed', 'deferred']);
  await box.clock.runTo(box.start + 8 * 24 * HOUR);
  assert.equal(box.disk.rows.size, 0);
  assert.deepEqual(box.reports.at(-1)?.recipients.map(({ address }) => address), ['bob@there.example']);
  await runner.close({ graceMs: 0 });
});

test('backuprelay: past warntime the message goes there at once, and nobody is warned', async () => {
  const box = createBox();
  box.settings = { ...courierCalendar, otherWayWhenLate: true };
  box.script = job => all(job, job.nexthop === 'backup.example,25' ? delivered : busy);
  await box.queue(['one@a.example', 'two@b.example']);
  const runner = box.open({ late: route => ({ ...route, nexthop: 'backup.example,25' }) });
  await box.clock.runTo(box.start + 6 * HOUR);
  assert.equal(box.disk.rows.size, 0);
  assert.deepEqual(box.reports, []);
  const last = box.attempts.slice(-1);
  assert.deepEqual(last.map(({ nexthop, to }) => [nexthop, to]), [['backup.example,25', ['one@a.example', 'two@b.example']]]);
  const late = last[0]!.at - box.start;
  assert.ok(late >= 4 * HOUR && late <= 4 * HOUR + 130 * MINUTE, `after ${late / MINUTE} minutes`);
  assert.equal(box.attempts.filter(({ at }) => at === last[0]!.at).length, 3, 'in the same moment as the attempts that were too late');
  await runner.close({ graceMs: 0 });
});

test('backuprelay that fails as well: tried by the calendar, to the end', async () => {
  const box = createBox();
  box.settings = { ...courierCalendar, otherWayWhenLate: true, queueTimeMs: 24 * HOUR };
  box.script = job => all(job, busy);
  await box.queue(['one@a.example']);
  const runner = box.open({ late: route => ({ ...route, nexthop: 'backup.example,25' }) });
  await box.clock.runTo(box.start + 30 * HOUR);
  assert.equal(box.disk.rows.size, 0);
  assert.deepEqual(box.reports.map(({ kind }) => kind), ['final']);
  assert.ok(box.attempts.length < 60, 'no loop');
  await runner.close({ graceMs: 0 });
});

test('limits follow a reload: what a module file allows now is what runs now', async () => {
  const box = createBox();
  let inAll = 1;
  let under = 0;
  let most = 0;
  box.script = async job => {
    most = Math.max(most, ++under);
    await box.clock.sleepUntil((box.clock.now() + 1000) as never);
    under--;
    return all(job, delivered);
  };
  const transport: Transport = { ...scripted(box), get limits() { return { recipients: 1, perNexthop: 10, inAll }; } };
  for (let n = 0; n < 12; n++) await box.queue([`user${n}@d${n}.example`]);
  const runner = box.open({ router: domainRouter, transports: new Map([['esmtp', transport]]) });
  await box.clock.runTo(box.start + 2500);
  assert.equal(most, 1);
  inAll = 3;
  await box.clock.runTo(box.start + MINUTE);
  assert.equal(most, 3);
  assert.equal(box.disk.rows.size, 0);
  await runner.close({ graceMs: 0 });
});
