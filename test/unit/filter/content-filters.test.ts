import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseContentFilters } from '../../../src/grammar/config/content-filters.ts';
import fc from '../../props/fast-check.ts';

test('each kind of line is read', () => {
  const read = parseContentFilters([
    '# scanners', 'virus clamd /run/clamd.ctl found=quarantine largest=1M', 'sa spamd 127.0.0.1 reject=15.5 subject=6 tag="[MAYBE SPAM]" user=mail absent=pass timeout=2m',
    'dkim milter inet:8891@localhost for=submission,local', 'six milter inet6:8892@::1 fields=no', 'local milter local:/run/x.sock', '* courier timeout=20s', 'perlfilter courier absent=pass',
  ].join('\n'));
  assert.ok(read.kind === 'read');
  const [virus, sa, dkim, six, local] = read.value.filters;
  assert.deepEqual([virus?.place, virus?.found, virus?.largestOctets, virus?.whenAbsent, virus?.timeoutMs], [{ kind: 'unix', path: '/run/clamd.ctl' }, 'quarantine', 1_048_576, 'defer', 60_000]);
  assert.deepEqual([sa?.place, sa?.scores, sa?.subjectTag, sa?.user, sa?.whenAbsent, sa?.timeoutMs], [{ kind: 'tcp', endpoint: { host: '127.0.0.1', port: 783 } }, { reject: 15.5, subject: 6 }, '[MAYBE SPAM]', 'mail', 'pass', 120_000]);
  assert.deepEqual([dkim?.place, [...(dkim?.sources ?? [])]], [{ kind: 'tcp', endpoint: { host: 'localhost', port: 8891 } }, ['submission', 'local']]);
  assert.deepEqual([six?.place, six?.fields, local?.place], [{ kind: 'tcp', endpoint: { host: '::1', port: 8892 } }, false, { kind: 'unix', path: '/run/x.sock' }]);
  assert.deepEqual([...read.value.courier], [['*', { timeoutMs: 20_000, whenAbsent: 'defer' }], ['perlfilter', { timeoutMs: 60_000, whenAbsent: 'pass' }]]);
});

test('each mistake is named with its line', () => {
  const rows: readonly (readonly [string, RegExp])[] = [
    ['virus clam /run/x', /is not a name, a kind/], ['virus clamd', /where does it listen/], ['virus clamd /a /b', /'\/b' is not understood/], ['virus clamd /a timeout=1h', /timeout=1h/], ['virus clamd /a absent=maybe', /absent=maybe/],
    ['virus clamd /a found=eat', /found=eat/], ['a clamd /a\na clamd /b', /second filter a/], ['sa spamd 127.0.0.1:99999', /not a port/], ['sa spamd x reject=high', /reject=high/], ['* courier reject=5', /reject is nothing/], ['dkim milter /a for=everyone', /for=everyone/],
    ['sa spamd x reject=1 reject=2', /given twice/], ['spam rspamd /run/rspamd.sock', /over HTTP/],
  ];
  for (const [text, want] of rows) {
    const got = parseContentFilters(`# first\n${text}`);
    assert.ok(got.kind === 'wrong', text);
    assert.match(got.problems.map(({ what }) => what).join('; '), want);
    assert.ok(got.problems.every(({ line }) => line >= 2), text);
  }
});

test('any text is read or complained about', () => {
  fc.assert(fc.property(fc.string({ maxLength: 80 }), text => {
    const got = parseContentFilters(text);
    assert.ok(got.kind === 'read' || got.problems.length > 0);
  }));
});
