/** Our own files for UUCP: languages, times, flags; and the whole configuration. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBatchRules } from '../../../src/grammar/uucp/batch-rules.ts';
import { parseDomainRoutes } from '../../../src/grammar/uucp/domain-routes.ts';
import { parseGrades } from '../../../src/grammar/uucp/grades.ts';
import { nextPoll, parsePolls } from '../../../src/grammar/uucp/polls.ts';
import { configurationOf, parseUuxFlags, withGrade } from '../../../src/grammar/uucp/uux-flags.ts';
import { folderOf } from '../config/folder-props.ts';
import fc from '../../props/fast-check.ts';

test('batches, grades, polls, domains: good and bad lines', () => {
  assert.deepEqual(parseBatchRules('siteb rgsmtp\nfar rbsmtp zstd size=1M age=poll grade=A\nx rzsmtp age=10m\n'), { kind: 'read', value: [
    { node: 'siteb', command: 'rgsmtp', compression: 'gzip', sizeOctets: 4194304, ageMs: 3_600_000 },
    { node: 'far', command: 'rbsmtp', compression: 'zstd', sizeOctets: 1048576, ageMs: null, grade: 'A' },
    { node: 'x', command: 'rzsmtp', compression: 'zstd', sizeOctets: 4194304, ageMs: 600_000 },
  ] });
  const bad: readonly (readonly [(text: string) => { readonly kind: string }, readonly string[]])[] = [
    [parseBatchRules, ['siteb', 'siteb rbsmtp', '-x rsmtp', 'siteb ../rsmtp', 'siteb rsmtp;id', 'siteb rsmtp size=x', 'siteb rsmtp grade=AB', 'siteb rsmtp bzip2', 'siteb rsmtp\nSITEB rgsmtp']],
    [parseGrades, ['AB size=1K', 'A size', 'A precedence=', 'A weight=3', '-g size=1']],
    [parsePolls, ['siteb', 'siteb every=30s', 'siteb at=24:00', 'siteb at=7', 'siteb at=', '-x every=1h', 'siteb every=1h at=07:00']],
    [parseDomainRoutes, ['x', 'a.example', 'a.example -x', 'a.example b c', '[192.0.2.1] siteb']],
    [parseUuxFlags, ['-s /etc/passwd', 'rmail', '-g', '-g AB', '-I config', '-I /x y', '-W', '$(id)', '--', '-', '-a root']],
  ];
  for (const [parse, texts] of bad) {
    for (const text of texts) assert.equal(parse(text).kind, 'wrong', text);
    fc.assert(fc.property(fc.string({ unit: 'binary' }), text => void parse(text)));
  }
});

test('UUXFLAGS: words of uux, the grade replaced, the configuration file found', () => {
  const parsed = parseUuxFlags('-j -r -gC -I /etc/uucp/config -x all');
  assert.deepEqual(parsed, { kind: 'read', value: ['-j', '-r', '-g', 'C', '-I', '/etc/uucp/config', '-x', 'all'] });
  const flags = parsed.kind === 'read' ? parsed.value : [];
  assert.deepEqual(withGrade(flags, 'A'), ['-j', '-r', '-I', '/etc/uucp/config', '-x', 'all', '-g', 'A']);
  assert.deepEqual([withGrade(flags, undefined), configurationOf(flags), configurationOf([])], [flags, '/etc/uucp/config', undefined]);
});

test('the next poll: a time of day still to come, or so long after the last', () => {
  const at = (day: number, hours: number, minutes: number) => new Date(2026, 10, day, hours, minutes).getTime();
  const twice = { node: 'siteb', at: [7 * 60, 19 * 60 + 30] };
  assert.equal(nextPoll(twice, 0, at(21, 6, 59)), at(21, 7, 0));
  assert.equal(nextPoll(twice, 0, at(21, 7, 0)), at(21, 19, 30));
  assert.equal(nextPoll(twice, 0, at(21, 23, 0)), at(22, 7, 0));
  const every = { node: 'siteb', everyMs: 3_600_000 };
  assert.equal(nextPoll(every, at(21, 6, 0), at(21, 6, 10)), at(21, 7, 0));
  assert.equal(nextPoll(every, at(21, 6, 0), at(21, 9, 0)), at(21, 9, 0));
});

test('the folder: Courier\'s files and ours; what names nobody is a problem', t => {
  const { uucp, pipes } = folderOf(t, {
    me: 'mail.example.com', 'uucpneighbors/a': 'siteb\tF\n', 'uucpneighbors/b': 'far!away\n', uucprewriteheaders: '', uucpdomains: 'office.example siteb\n', uucpbatches: 'siteb rgsmtp\n', uucppolls: 'siteb every=1h\n',
    courierd: 'UUXFLAGS="-r -g N -I /etc/uucp/other"\n', 'module.uucp': 'MAXRCPT=50\n', uucpalarm: '1d\n', pipes: 'nncp: /usr/bin/nncp-exec {nexthop} rmail {recipients}\n', piperoutes: '.boat.example nncp boat\n',
  }).read();
  assert.deepEqual([uucp.site.me, uucp.rewriteHeaders, uucp.flags, uucp.configFile, uucp.alarmMs], ['mail', true, ['-r', '-g', 'N', '-I', '/etc/uucp/other'], '/etc/uucp/other', 86_400_000]);
  assert.deepEqual([uucp.maxDeliveries, uucp.maxPerNeighbor, uucp.maxRecipients], [1, 1, 50]);
  assert.ok(uucp.site.neighbors.knows('far') && uucp.site.neighbors.find('far!away') !== undefined && uucp.site.isLocal('mail.example.com'));
  assert.deepEqual([pipes.find('a.boat.example')?.nexthop, pipes.find('boat.example')], ['boat', undefined]);
  const plain = folderOf(t, {}).read().uucp;
  assert.deepEqual([plain.site.me, plain.rewriteHeaders, plain.flags, plain.configFile, plain.maxDeliveries, plain.maxPerNeighbor, plain.maxRecipients, plain.alarmMs], ['box', false, ['-j', '-g', 'C'], undefined, 4, 4, 16, 3 * 86_400_000]);
  const wrong: readonly (readonly [string, string, RegExp])[] = [
    ['uucpme', '-x', /^uucpme:1: /], ['uucpneighbors', '\nsiteb Q', /^uucpneighbors:2: /], ['uucpdomains', 'a.example siteb', /^uucpdomains:1: 'siteb' is not in uucpneighbors/], ['uucpbatches', 'siteb rgsmtp', /uucpbatches: 'siteb' is not/],
    ['uucppolls', 'siteb every=1h', /uucppolls: /], ['courierd', 'UUXFLAGS="-s /etc/x"', /^courierd:1: UUXFLAGS/], ['uucpconfig', 'config', /^uucpconfig:1/], ['piperoutes', 'a.example nncp', /^piperoutes:1: there is no 'nncp' in pipes/],
  ];
  for (const [file, text, wanted] of wrong) assert.match(folderOf(t, { [file]: text }).problems().join('\n'), wanted, file);
});
