/** What an operator reads at three in the morning: it fits, it is true, and nothing in it moves his cursor. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import type { Instant } from '../../../src/core/clock.ts';
import type { MessageId } from '../../../src/core/envelope.ts';
import type { MessageHistory, Operations, Overview } from '../../../src/core/operations.ts';
import { formatAge, formatSpan } from '../../../src/front/cli/figures.ts';
import { formatHistory } from '../../../src/front/cli/queue/show.ts';
import { formatTimetable } from '../../../src/front/cli/queue/timetable.ts';
import { formatOverview, top } from '../../../src/front/cli/queue/top.ts';
import { attemptTimes, courierCalendar } from '../../../src/flow/schedule/index.ts';

const MINUTE = 60_000;

function overview(own: Partial<Overview> = {}, nexthops = 0): Overview {
  return {
    at: 1_700_000_100_000, startedAt: 1_700_000_000_000, residentOctets: 90e6, accepted: 500, completed: 400,
    summary: { messages: 1_000_000, claimed: 1000, quarantined: 2, oldestAcceptedAt: (1_700_000_100_000 - 3 * 86_400_000) as Instant, freeOctets: 5e9 },
    outcomes: { delivered: 300, deferred: 50, failed: 5 },
    nexthops: Array.from({ length: nexthops }, (_, n) => ({
      transport: 'esmtp', nexthop: `${'very-long-name.'.repeat(5)}d${n}.example`, active: 4, waiting: n, width: 4,
      ...(n % 2 === 0 ? { closedUntil: 1_700_000_160_000, trouble: '4.4.1 Connection refused \u001b[2J and more than fits on any line whatever its length may be' } : {}),
    })),
    ...own,
  };
}

test('top fits a screen of 80 by 24, and any other, however many next hops there are', () => {
  for (const [columns, rows, nexthops] of [[80, 24, 500], [80, 24, 3], [40, 10, 50], [200, 60, 0], [20, 5, 9]] as const) {
    for (const running of [true, false]) {
      const lines = formatOverview(overview({}, nexthops), null, { columns, rows }, running);
      assert.ok(lines.length <= rows, `${lines.length} lines on ${rows}`);
      for (const line of lines) assert.ok(line.length <= columns && !/[\u0000-\u001f]/.test(line), JSON.stringify(line));
    }
  }
  const [first, second, third] = formatOverview(overview({}, 500), null, { columns: 200, rows: 24 }, true);
  assert.match(first!, /up 1m40s {3}memory 85\.83M/);
  assert.match(second!, /^1000000 messages: 998998 waiting, 1000 being delivered, 2 in quarantine; oldest 3d$/);
  assert.match(third!, /^a second since the start: 5\.0 in, 3\.0 delivered, 0\.5 deferred/);
  const later = overview({ at: 1_700_000_102_000, accepted: 520, outcomes: { delivered: 310, deferred: 50, failed: 5 } });
  assert.match(formatOverview(later, overview(), { columns: 200, rows: 24 }, true)[2]!, /^a second: 10\.0 in, 5\.0 delivered, 0\.0 deferred/);
  const restarted = overview({ at: 1_700_000_102_000, accepted: 0 });
  assert.match(formatOverview(restarted, overview(), { columns: 200, rows: 24 }, true)[2]!, /^a second: 0\.0 in/, 'never below nothing');
});

test('on a narrow screen the head goes on in the next line, and numbers stay', () => {
  assert.deepEqual(formatOverview(overview({}, 2), null, { columns: 40, rows: 20 }, true), [
    'posthorn, up 1m40s   memory 85.83M', 'room 4.7G',
    '1000000 messages: 998998 waiting, 1000', 'being delivered, 2 in quarantine; oldest', '3d',
    'a second since the start: 5.0 in, 3.0', 'delivered, 0.5 deferred, 0.1 failed',
    'in all: 300 delivered, 50 deferred, 5', 'failed', '',
    'NEXT HOP            ACTIVE  WAITS WIDE ~',
    'esmtp very-long-na~      4      0    4 ~',
    'esmtp very-long-na~      4      1    4',
  ]);
});

test('top on a terminal: one picture after the other on the other screen; q gives the old one back', async () => {
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (raw: boolean) => void modes.push(raw) });
  const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 80, rows: 24 });
  const modes: boolean[] = [];
  let asked = 0;
  let screen = '';
  stdout.on('data', (octets: Buffer) => void (screen += octets.toString()));
  const queue = { overview: () => { if (++asked === 1) setImmediate(() => stdin.write('q')); return Promise.resolve(overview({}, 100)); } } as unknown as Operations;
  assert.equal(await top([], { context: { stdin, stdout } as never, withQueue: work => work(queue, true) }), 0);
  await new Promise(setImmediate);
  assert.ok(screen.startsWith('\u001b[?1049h') && screen.endsWith('\u001b[?1049l'));
  assert.deepEqual(modes, [true, false]);
  assert.match(screen, /1000000 messages/);
});

test('where there is no terminal, top is one picture in plain text', async () => {
  const stdout = new PassThrough();
  let text = '';
  stdout.on('data', (octets: Buffer) => void (text += octets.toString()));
  const queue = { overview: () => Promise.resolve(overview({}, 100)) } as unknown as Operations;
  assert.equal(await top([], { context: { stdin: new PassThrough(), stdout } as never, withQueue: work => work(queue, true) }), 0);
  await new Promise(setImmediate);
  assert.equal(text.includes('\u001b'), false);
  assert.equal(text.trim().split('\n').length, 106, 'all of them');
});

test('show tells the whole history, and what a peer said moves no cursor', () => {
  const at = 1_700_000_000_000;
  const said = (text: string) => ({ type: 'smtp' as const, text, remoteMta: 'mx.example [192.0.2.1]', command: 'RCPT TO:<b@example>' });
  const one: MessageHistory = {
    id: 'QID' as MessageId, state: 'waiting', sizeOctets: 2048, acceptedAt: at, due: at + 90 * MINUTE, expiresAt: at + 7 * 86_400_000, attempts: 4, lastAttemptAt: at + 60 * MINUTE, reversePath: 'a@example',
    origin: { source: 'esmtp', helo: 'evil\u001b]0;x\u0007' }, warnedAt: at + 50 * MINUTE,
    recipients: [{
      address: 'b@example', original: 'rfc822;B@Example', notify: 'failure', route: 'esmtp example',
      outcome: { kind: 'deferred', status: '4.4.2', blame: 'nexthop', uncertain: true, said: said('lost\r\n\u001b[2Jthe connection') }, outcomeAt: at + 60 * MINUTE,
      past: [{ outcome: { kind: 'deferred', status: '4.2.1', blame: 'recipient', said: said('451 busy') }, firstAt: at as Instant, lastAt: (at + 15 * MINUTE) as Instant, times: 3 }],
    }, { address: 'c@example', past: [] }],
  };
  const text = formatHistory(one, at + 70 * MINUTE);
  assert.match(text, /^Message +QID {3}2\.0K\nState +waiting\nFrom +<a@example>\nCame in .*\(1h10m ago\)/);
  assert.match(text, /^Next .*\(in 20m\); given up /m);
  assert.match(text, /^To <b@example> {3}written as rfc822;B@Example {3}notify=failure {3}by esmtp example$/m);
  assert.match(text, / to .*, 3 times {2}deferred 4\.2\.1\n {6}mx\.example \[192\.0\.2\.1\]\n {6}>>> RCPT TO:<b@example>\n {6}<<< 451 busy\n/);
  assert.match(text, /deferred 4\.4\.2, uncertain: they may have it/);
  assert.match(text, /To <c@example>\n {2}not tried yet/);
  assert.equal(/[\u0000-\u0009\u000b-\u001f]/.test(text), false);
});

test('the timetable is the calendar’s', () => {
  const text = formatTimetable(attemptTimes(courierCalendar), { queueTimeMs: 7 * 86_400_000, warnTimeMs: 240 * MINUTE, submitDelayMs: 0 });
  const rows = [...text.matchAll(/^ +(\d+) +(\S+) +(\S+)/gm)].map(([, attempt, pause, after]) => [Number(attempt), pause, after]);
  assert.deepEqual(rows.slice(1, 13).map(([, pause]) => pause), ['5m', '5m', '5m', '15m', '5m', '5m', '30m', '5m', '5m', '1h', '5m', '5m']);
  assert.match(text, /4h30m {3}its sender is told of the delay/);
  assert.match(text, /^\d+ attempts; what is still pending after 1w fails/m);
  const never = formatTimetable(attemptTimes({ ...courierCalendar, retryAlphaMs: 0, retryGammaMs: 0 }), { queueTimeMs: 7 * 86_400_000, warnTimeMs: 0, submitDelayMs: 5000 });
  assert.match(never, /Nobody is told[^]*waits 5s/);
});

test('spans as the configuration writes them', () => {
  assert.deepEqual([0, 999, 1000, 90_000, 604_800_000, 694_861_000].map(formatSpan), ['0ms', '999ms', '1s', '1m30s', '1w', '1w1d1h1m1s']);
  assert.deepEqual([90_000, 694_861_000].map(formatAge), ['1m30s', '1w1d']);
});
