/** Guessed passwords, and networks that come too often. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBanDesk } from '../../../src/gateway/ways-in/ban-desk.ts';
import { silent } from '../../../src/core/log.ts';
import { createBans, type Bans } from '../../../src/flow/check/bans.ts';
import { openTeller, type Teller } from '../../../src/gateway/ways-in/tallies.ts';
import { createMemoryNotes } from '../../../src/flow/queue/index.ts';
import { parseBans, type BanSettings } from '../../../src/grammar/config/ways-in/bans.ts';
import { createMetrics } from '../../../src/kit/metrics.ts';
import { createWindows } from '../../../src/kit/windows.ts';
import { createFakeClock } from '../../props/fake-clock.ts';
import { linesOf, valueOf } from '../config/parsed-props.ts';

const MINUTE = 60_000;
const none = new Map<string, string>();

function gate(text: string, trusted: readonly string[] = []) {
  const clock = createFakeClock();
  const notes = createMemoryNotes(clock);
  const settings: BanSettings = valueOf(parseBans(text));
  const open = () => createBans({ notes, clock, log: silent, metrics: createMetrics(), settings: () => settings, trusts: address => trusted.includes(address) });
  return { clock, notes, open, bans: open(), desk: createBanDesk(notes) };
}

test('a network that guesses is not listened to, its neighbours too, and nobody else', async () => {
  const { bans, clock, open } = gate('authfailures 3 10m\nbanfor 30m\n');
  for (let n = 0; n < 2; n++) bans.failed(`203.0.113.${n}`, `user${n}`);
  assert.equal(bans.admit('203.0.113.9', none), null);
  assert.ok(bans.allowed('203.0.113.9', null));
  bans.failed('203.0.113.7', null);
  const refusal = bans.admit('203.0.113.9', none);
  assert.deepEqual([refusal?.reply, refusal?.status], [421, '4.7.0']);
  assert.match(refusal?.why ?? '', /203\.0\.113\.0\/24/);
  assert.equal(bans.allowed('203.0.113.200', 'ann'), false);
  assert.equal(bans.admit('203.0.112.9', none), null);
  assert.equal(open().admit('203.0.113.9', none)?.reply, 421, 'after a restart too');
  await clock.advance(30 * MINUTE);
  assert.equal(bans.admit('203.0.113.9', none), null);
  bans.failed('203.0.113.7', null);
  assert.equal(bans.admit('203.0.113.9', none), null, 'the count began anew');
});

test('IPv6 by its /64, and by what blocks says', () => {
  const { bans } = gate('authfailures 1 10m\n');
  bans.failed('2001:db8:1:2:3::4', null);
  assert.equal(bans.admit('2001:db8:1:2:ffff::1', none)?.reply, 421);
  assert.equal(bans.admit('2001:db8:1:3::1', none), null);
  const wide = gate('authfailures 1 10m\nblocks 16 32\n').bans;
  wide.failed('198.51.100.1', null);
  assert.equal(wide.admit('198.51.3.3', none)?.reply, 421);
});

test('failures long ago are forgotten', async () => {
  const { bans, clock } = gate('authfailures 3 10m\n');
  for (let n = 0; n < 20; n++) {
    bans.failed('203.0.113.1', null);
    await clock.advance(6 * MINUTE);
  }
  assert.equal(bans.admit('203.0.113.1', none), null);
});

test('loopback, what never names, and networks that may relay are not banned', () => {
  const { bans } = gate('authfailures 1 10m\nnever 198.51.100.0/24 2001:db8::/32\n', ['192.0.2.5']);
  for (const address of ['127.0.0.1', '::1', '198.51.100.7', '2001:db8::1', '192.0.2.5']) {
    bans.failed(address, null);
    assert.equal(bans.admit(address, none), null, address);
    assert.ok(bans.allowed(address, null), address);
  }
  bans.failed('203.0.113.1', null);
  assert.equal(bans.admit('203.0.113.1', new Map([['RELAYCLIENT', '']])), null);
});

test('a login that all the world guesses at is closed, but not for those who have just proved to be its owner', () => {
  const { bans } = gate('authfailures off\nloginfailures 5 1h\n');
  bans.succeeded('198.51.100.7', 'Ann@Example.com');
  for (let n = 0; n < 5; n++) bans.failed(`203.0.${n}.1`, 'ann@example.com');
  assert.equal(bans.allowed('203.0.113.1', 'ANN@example.com'), false);
  assert.ok(bans.allowed('198.51.100.99', 'ann@example.com'));
  assert.ok(bans.allowed('203.0.113.1', 'bob@example.com'));
  assert.ok(bans.allowed('203.0.113.1', null));
});

test('connections of one network: more than so many in a time are sent away, without a ban', async () => {
  const { bans, clock, notes } = gate('connections 3 1m\n');
  for (let n = 0; n < 3; n++) assert.equal(bans.admit(`203.0.113.${n}`, none), null);
  const refusal = bans.admit('203.0.113.9', none);
  assert.deepEqual([refusal?.reply, refusal?.text], [421, 'Too many connections from your network, please try again later']);
  assert.deepEqual(notes.all('ban'), []);
  await clock.advance(2 * MINUTE);
  assert.equal(bans.admit('203.0.113.9', none), null);
});

test('operators see who is banned, and let in by any address of the network, by login, or all', async () => {
  const { bans, desk } = gate('authfailures 1 10m\nloginfailures 1 10m\n');
  bans.failed('203.0.113.7', 'Ann');
  bans.failed('2001:db8::7', null);
  assert.deepEqual((await desk.bans()).map(({ kind, who, why }) => [kind, who, why]).toSorted(), [
    ['login', 'ann', '1 failed logins'], ['network', '2001:db8::/64', '1 failed logins'], ['network', '203.0.113.0/24', '1 failed logins'],
  ]);
  assert.equal(await desk.clearBans({ who: '203.0.114.1' }), 0);
  assert.equal(await desk.clearBans({ who: '203.0.113.200' }), 1);
  assert.equal(bans.admit('203.0.113.7', none), null);
  assert.equal(await desk.clearBans({ who: 'ANN' }), 1);
  assert.equal(await desk.clearBans('all'), 1);
});

test('several processes count together: whoever counts the last one bans, and the count begins anew for all', async () => {
  const clock = createFakeClock();
  const notes = createMemoryNotes(clock);
  const settings: BanSettings = valueOf(parseBans('authfailures 5 10m\nloginfailures 5 10m\nconnections 3 1m\nbanfor 1m\n'));
  const processes: { bans: Bans; teller: Teller }[] = [];
  for (let n = 0; n < 3; n++) {
    const teller = openTeller(clock, tallies => processes.forEach((other, at) => at !== n && tallies.forEach(([what, key, times]) => other.bans.heard(what, key, times))));
    processes.push({ teller, bans: createBans({ notes, clock, log: silent, metrics: createMetrics(), settings: () => settings, trusts: () => false, counted: teller.count }) });
  }
  const [one, two, three] = processes.map(({ bans }) => bans) as [Bans, Bans, Bans];
  for (const bans of [one, one, two, three]) bans.failed('203.0.113.1', 'ann');
  await clock.advance(100);
  assert.deepEqual(notes.all('ban'), []);
  two.failed('203.0.113.1', 'ann');
  assert.deepEqual(notes.all('ban').map(({ key, count }) => [key, count]).toSorted(), [['login ann', 5], ['net 203.0.113.0/24', 5]]);
  for (const bans of [one, two, three]) assert.equal(bans.allowed('203.0.113.9', null), false);
  await clock.advance(100);
  await clock.advance(MINUTE);
  for (const bans of [one, one, two, three]) bans.failed('203.0.113.1', null);
  await clock.advance(100);
  assert.deepEqual(notes.all('ban'), [], 'the five before count no more');
  for (const bans of [one, two, three]) assert.equal(bans.admit('198.51.100.1', none), null);
  await clock.advance(100);
  assert.equal(three.admit('198.51.100.1', none)?.reply, 421, 'connections too');
  for (const { teller } of processes) teller.close();
  one.failed('203.0.114.1', null);
  assert.equal(clock.sleepers, 0, 'nothing waits in the end');
});

test('an owner who proved it to one process, before a restart, is no stranger to another', async () => {
  const { bans, open, clock } = gate('authfailures off\nloginfailures 1 1h\nbanfor 90d\n');
  bans.succeeded('198.51.100.7', 'Ann');
  open().failed('203.0.113.1', 'ann');
  assert.ok(open().allowed('198.51.100.9', 'ann'));
  assert.equal(open().allowed('203.0.113.1', 'ann'), false);
  await clock.advance(31 * 24 * 60 * MINUTE);
  assert.equal(open().allowed('198.51.100.9', 'ann'), false, 'a month later');
});

test('a million strangers are counted in bounded room', () => {
  const windows = createWindows(1000);
  for (let n = 0; n < 20_000; n++) windows.add(`k${n}`, 0, MINUTE);
  assert.equal(windows.add('k19999', 0, MINUTE), 2);
  assert.equal(windows.add('k0', 0, MINUTE), 1, 'the one that was quiet longest was forgotten');
});

test('the file says what is wrong with it', () => {
  for (const bad of ['authfailures', 'authfailures 3', 'authfailures 0 1h', 'authfailures 3 0s', 'banfor', 'blocks 33', 'blocks 24 65 1', 'never', 'never here', 'authfailure 3 1h']) assert.deepEqual(linesOf(parseBans(`\n${bad}`)), [2], bad);
  assert.equal(valueOf(parseBans('authfailures off\n')).authFailures, null);
});
