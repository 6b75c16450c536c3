import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchesRoute, parseLinks } from '../../../src/grammar/config/ways-out/links.ts';
import { formatWeek, parseWeek, weekAt } from '../../../src/grammar/config/week.ts';
import fc from '../../props/fast-check.ts';

test('links: names, routes, options and the three ways to know that one is up', () => {
  const read = parseLinks([
    '# the islands',
    'satellite .islands.example relay.example.net,25 wait=14d: daily 06:00-06:20 18:00-18:20',
    'dialup * warn=yes: signal',
    'lte [2001:db8::1],587 uucp/far every=30s within=5s: /usr/local/bin/lte --up ppp0',
  ].join('\n'));
  assert.ok(read.kind === 'read');
  assert.deepEqual(read.value.map(({ name, routes, longestMs, warns, when }) => [name, routes.map(({ transport, nexthop }) => `${transport}/${nexthop}`), longestMs / 86_400_000, warns, when.kind]), [
    ['satellite', ['esmtp/.islands.example', 'esmtp/relay.example.net,25'], 14, false, 'timetable'],
    ['dialup', ['esmtp/*'], 30, true, 'signal'],
    ['lte', ['esmtp/[2001:db8::1],587', 'uucp/far'], 30, false, 'program'],
  ]);
  const last = read.value[2]?.when;
  assert.deepEqual(last, { kind: 'program', command: ['/usr/local/bin/lte', '--up', 'ppp0'], everyMs: 30_000, withinMs: 5000 });
});

const wrong: readonly (readonly [string, RegExp])[] = [
  ['satellite', /not a name, routes/],
  ['satellite *:signal', /not a name, routes/],
  ['satellite *: sometimes', /neither days nor hours/],
  ['satellite: signal', /nothing about any route/],
  ['satellite * wait=soon: signal', /not a time/],
  ['satellite * every=0s: /bin/true', /too short/],
  ['satellite * colour=red: signal', /not understood/],
  ['satellite esmtp/a/b: signal', /no route/],
  ['a *: signal\na .x.example: signal', /the first is in line 1/],
  ['a *: 06:00-24:30', /neither days nor hours/],
  ['a *: Mon-Yesterday 06:00-07:00', /neither days nor hours/],
  ['a *: Mon', /no hours/],
];
for (const [text, what] of wrong) {
  test(`links: ${text.replace('\n', ' / ')}`, () => {
    const read = parseLinks(text);
    assert.ok(read.kind === 'wrong');
    assert.match(read.problems[0]?.what ?? '', what);
  });
}

test('which routes a link is for', () => {
  const routes = (text: string) => {
    const read = parseLinks(`a ${text}: signal`);
    assert.ok(read.kind === 'read');
    return read.value[0]?.routes ?? [];
  };
  const rows: readonly (readonly [string, string, string, boolean])[] = [
    ['there.example', 'esmtp', 'there.example', true],
    ['there.example', 'esmtp', 'mx.there.example', false],
    ['.there.example', 'esmtp', 'a.b.there.example', true],
    ['.there.example', 'esmtp', 'there.example', false],
    ['*', 'esmtp', 'anything,25', true],
    ['*', 'uucp', 'far', false],
    ['uucp/far', 'uucp', 'far', true],
    ['uucp/*', 'uucp', 'near', true],
    ['relay.example', 'esmtp', 'relay.example,25 required as ada', true],
    ['relay.example,587', 'esmtp', 'relay.example,587 required', true],
    ['relay.example,587', 'esmtp', 'relay.example,25', false],
    ['.example', 'esmtp', 'relay.example,25', true],
    ['[2001:db8::1]', 'esmtp', '[2001:db8::1],25', true],
    ['bücher.example', 'esmtp', 'bücher.example', true],
    ['xn--bcher-kva.example', 'esmtp', 'bücher.example', true],
    ['local/Ada@here.example', 'local', 'Ada@here.example', true],
  ];
  for (const [text, transport, nexthop, fits] of rows) assert.equal(matchesRoute(routes(text), { transport, nexthop }), fits, `${text} and ${transport}/${nexthop}`);
});

const at = (text: string): number => new Date(text).getTime();
const spans = (text: string) => {
  const read = parseWeek(text);
  assert.ok(read.kind === 'read', text);
  return read.value;
};

test('hours of the week, by the local clock', () => {
  // 2026-03-02 is a Monday.
  const rows: readonly (readonly [string, string, boolean, string | null])[] = [
    ['06:00-06:20 18:00-18:20', '2026-03-02T06:00', true, '2026-03-02T06:20'],
    ['06:00-06:20 18:00-18:20', '2026-03-02T06:20', false, '2026-03-02T18:00'],
    ['06:00-06:20 18:00-18:20', '2026-03-02T23:59', false, '2026-03-03T06:00'],
    ['Mon-Fri 18:00-20:00 Sat,Sun 00:00-24:00', '2026-03-06T21:00', false, '2026-03-07T00:00'],
    ['Mon-Fri 18:00-20:00 Sat,Sun 00:00-24:00', '2026-03-07T12:00', true, '2026-03-09T00:00'],
    ['Fri-Mon 10:00-11:00', '2026-03-02T12:00', false, '2026-03-06T10:00'],
    ['22:00-02:00', '2026-03-02T23:00', true, '2026-03-03T02:00'],
    ['22:00-02:00', '2026-03-03T01:00', true, '2026-03-03T02:00'],
    ['Sun 22:00-02:00', '2026-03-03T01:00', false, '2026-03-08T22:00'],
    ['00:00-24:00', '2026-03-02T12:00', true, null],
    ['10:00-12:00 11:00-13:00', '2026-03-02T11:30', true, '2026-03-02T13:00'],
  ];
  for (const [text, now, open, until] of rows) assert.deepEqual(weekAt(spans(text), at(now)), { open, until: until === null ? null : at(until) }, `${text} at ${now}`);
});

test('the next change is always a change, and what is written is read back', () => {
  const minute = fc.integer({ min: 0, max: 24 * 60 - 1 });
  const hours = fc.tuple(minute, minute).filter(([from, to]) => from !== to).map(([from, to]) => `${Math.floor(from / 60)}:${String(from % 60).padStart(2, '0')}-${Math.floor(to / 60)}:${String(to % 60).padStart(2, '0')}`);
  const days = fc.constantFrom('daily', 'Mon', 'Sat,Sun', 'Mon-Fri', 'Fri-Mon', 'Wed');
  const week = fc.array(fc.tuple(days, hours), { minLength: 1, maxLength: 4 }).map(parts => parts.flat().join(' '));
  fc.assert(fc.property(week, fc.integer({ min: at('2026-01-01T00:00'), max: at('2026-12-31T00:00') }), (text, now) => {
    const found = spans(text);
    const { open, until } = weekAt(found, now);
    if (until !== null) {
      assert.ok(until > now);
      assert.equal(weekAt(found, until).open, !open);
      assert.equal(weekAt(found, until - 1000).open, open);
    }
    assert.deepEqual(weekAt(spans(formatWeek(found)), now), { open, until });
  }), { numRuns: 300 });
});
