/** What the public suite does not ask: hostile records, a DNS that hangs, and what is spent on them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluateSpf, type SpfAnswer } from '../../../src/flow/check/spf/evaluate.ts';
import { parseSpfRecord } from '../../../src/grammar/spf/record.ts';
import fc from '../../props/fast-check.ts';
import { tableResolver, type Names } from '../../props/names.ts';
import { parseIpAddress } from '../../../src/grammar/config/network.ts';

function ask(names: Names, signal = new AbortController().signal, resolver = tableResolver(names)): Promise<SpfAnswer> {
  const client = parseIpAddress('192.0.2.1');
  assert.ok(client !== null);
  return evaluateSpf({ client, domain: 'a.example', localPart: 'ann', helo: 'mx.a.example', receiver: 'here.example', now: 0, resolver }, signal);
}

test('a DNS that never answers is temperror when the time is over', async () => {
  const stop = new AbortController();
  const asking = ask({ 'txt a.example': ['v=spf1 a:b.example -all'], 'a b.example': 'never' }, stop.signal);
  setImmediate(() => stop.abort());
  assert.equal((await asking).result, 'temperror');
});

test('a record that includes itself, and a tree of includes, end after ten questions', async () => {
  const self = tableResolver({ 'txt a.example': ['v=spf1 include:a.example -all'] });
  assert.equal((await ask({}, undefined, self)).result, 'permerror');
  assert.ok(self.asked.length <= 11);
  const tree: Record<string, string[]> = { 'txt a.example': ['v=spf1 include:a.example include:b.example include:a.example -all'], 'txt b.example': ['v=spf1 include:a.example ?all'] };
  const both = tableResolver(tree);
  assert.equal((await ask({}, undefined, both)).result, 'permerror');
  assert.ok(both.asked.length <= 11);
});

test('three names that lead nowhere are permerror (RFC 7208 §4.6.4)', async () => {
  const names: Names = { 'txt a.example': ['v=spf1 a:x1.example a:x2.example ip4:192.0.2.1 -all'] };
  assert.equal((await ask(names)).result, 'pass');
  assert.equal((await ask({ 'txt a.example': ['v=spf1 a:x1.example a:x2.example exists:x3.example ip4:192.0.2.1 -all'] })).result, 'permerror');
});

test('the mechanism that decided is named, and the words of the domain are cut', async () => {
  const answer = await ask({ 'txt a.example': ['v=spf1 ip4:203.0.113.0/24 -all exp=why.a.example'], 'txt why.a.example': [`%{i} ${'x'.repeat(2000)}`] });
  assert.deepEqual([answer.result, answer.mechanism, answer.explanation?.length], ['fail', '-all', 400]);
});

test('no text makes the parser throw or hang', () => {
  const pieces = fc.constantFrom('v=spf1', ' ', 'a', 'mx', 'ptr', 'ip4:', 'ip6:', '192.0.2.0', '::1', '/24', '//64', '-all', '?', '~', '%{', '}', '%{d2r.-}', '%%', 'exists:', 'include:', 'redirect=', 'exp=', 'x=', '.', ':', '\u00e9', '\t', 'example.com');
  fc.assert(fc.property(fc.array(fc.oneof(pieces, fc.string({ maxLength: 4 })), { maxLength: 30 }), parts => {
    const record = parseSpfRecord(`v=spf1 ${parts.join('')}`);
    assert.ok(record === null || Array.isArray(record.directives));
  }), { numRuns: 3000 });
  for (const bad of ['a:foo}', 'a:%{d}x}', 'a:%{d', 'a:x.-y', 'a:x.y-', 'a:x.123', `a:x.${'y'.repeat(64)}`, 'a:x']) assert.equal(parseSpfRecord(`v=spf1 ${bad}`), null, bad);
  for (const good of ['a:x.%{d}', 'a:%{d}', 'a:x%%', 'a:x.y.', `a:x.${'y'.repeat(63)}`, 'a:x.y-1']) assert.notEqual(parseSpfRecord(`v=spf1 ${good}`), null, good);
  assert.equal(parseSpfRecord(`v=spf1 ${'a '.repeat(30_000)}-all`), null);
});
