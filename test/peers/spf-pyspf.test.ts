/** Our SPF and pyspf's, on the same thousand records: where they differ, somebody has not read RFC 7208. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { evaluateSpf } from '../../src/flow/check/spf/evaluate.ts';
import { parseIpAddress } from '../../src/grammar/config/network.ts';
import fc from '../props/fast-check.ts';
import { tableResolver, type Names } from '../props/names.ts';

const python = '/usr/bin/python3';
const absent = spawnSync(python, ['-c', 'import spf']).status === 0 ? false : 'pyspf (python3-spf) is not installed';

const host = fc.constantFrom('a.example', 'b.example', 'c.example', 'mx.example', 'none.example', 'away.example');
const target = fc.oneof({ weight: 4, arbitrary: host }, { weight: 1, arbitrary: fc.constantFrom('%{d}', '%{l}.a.example', '%{ir}.%{v}.b.example', '%{d2}', '%{o}', '%{h}', 'x', '%{', 'a..example', '%{s1r-}.example') });
const length = fc.constantFrom('', '', '', '/24', '/0', '/32', '/33', '//64', '/24//64', '/x');
const mechanism = fc.oneof(
  fc.constantFrom('a', 'mx', 'all', 'ptr'),
  fc.tuple(fc.constantFrom('a:', 'mx:'), target, length).map(parts => parts.join('')),
  fc.tuple(fc.constantFrom('include:', 'exists:', 'ptr:'), target).map(parts => parts.join('')),
  fc.constantFrom('ip4:192.0.2.0/24', 'ip4:203.0.113.9', 'ip4:198.51.100.1/16', 'ip4:1.2.3', 'ip6:2001:db8::/32', 'ip6:::1', 'ip4:2001:db8::1', 'ip6:192.0.2.1', 'nonsense', 'ip4:192.0.2.0/33'),
);
const term = fc.oneof({ weight: 8, arbitrary: fc.tuple(fc.constantFrom('', '+', '-', '~', '?'), mechanism).map(parts => parts.join('')) }, { weight: 1, arbitrary: fc.constantFrom('redirect=b.example', 'redirect=c.example', 'exp=a.example', 'x=1', 'redirect=none.example') });
const record = fc.array(term, { maxLength: 6 }).map(terms => ['v=spf1', ...terms].join(' '));
const records = fc.oneof({ weight: 6, arbitrary: record.map(one => [one]) }, { weight: 1, arbitrary: fc.tuple(record, record).map(two => [...two]) }, { weight: 1, arbitrary: fc.constant([]) });
const question = fc.record({
  zone: fc.record({ a: record.map(one => [one]), b: records, c: records }),
  ip: fc.constantFrom('192.0.2.1', '203.0.113.9', '198.51.7.7', '2001:db8::7', '2001:db9::1'),
  localPart: fc.constantFrom('ann', 'strange.ann', 'a-b', ''),
});

/**
 * Where pyspf goes further than RFC 7208 on purpose: a record that includes itself is an error before anything is asked, and so
 * is an unknown modifier that stands twice.
 */
function isItsOwn(texts: readonly string[], name: string): boolean {
  return texts.some(text => new RegExp(`include:(?:${name}|%\\{[od]2?\\})(?: |$)`).test(text) || /x=1.* x=1/.test(text));
}

test('a thousand records, both evaluators', { skip: absent }, async () => {
  const questions = fc.sample(question, { numRuns: 1300, seed: 7208 }).filter(({ zone: { a, b, c } }) => !isItsOwn(a, 'a\\.example') && !isItsOwn(b, '[ab]\\.example') && !isItsOwn(c, '[abc]\\.example')).map(({ zone, ip, localPart }) => {
    const names: Names = {
      'txt a.example': zone.a, 'txt b.example': zone.b, 'txt c.example': zone.c, 'txt away.example': 'unavailable', 'a away.example': 'unavailable', 'aaaa away.example': 'unavailable', 'mx away.example': 'unavailable',
      'a a.example': ['192.0.2.1'], 'aaaa a.example': ['2001:db8::7'], 'a b.example': ['203.0.113.9'], 'a ann.a.example': ['127.0.0.2'], 'a mx.example': ['192.0.2.9'], 'aaaa mx.example': ['2001:db8::9'],
      'mx a.example': [{ preference: 5, exchange: 'mx.example' }], 'mx b.example': [{ preference: 5, exchange: 'a.example' }, { preference: 6, exchange: 'mx.example' }],
      [`ptr ${ip}`]: ['a.example', 'mx.example'],
    };
    return { names, ip, localPart };
  });
  const lines = questions.map(({ names, ip, localPart }) => {
    const zone = Object.fromEntries(Object.entries(names).map(([key, rows]) => [key.startsWith('ptr ') ? `ptr ${reverseName(ip)}` : key, rows]));
    return JSON.stringify({ zone, ip, sender: `${localPart}@a.example`, helo: 'mx.example' });
  });
  const { stdout, stderr, status } = spawnSync(python, [join(import.meta.dirname, 'authentication', 'pyspf-answers.py')], { input: `${lines.join('\n')}\n`, encoding: 'utf8', timeout: 60_000 });
  assert.equal(status, 0, stderr.slice(-2000));
  const theirs = stdout.trim().split('\n');
  assert.equal(theirs.length, questions.length);
  const different: string[] = [];
  for (const [n, { names, ip, localPart }] of questions.entries()) {
    const client = parseIpAddress(ip);
    assert.ok(client !== null);
    const ours = await evaluateSpf({ client, domain: 'a.example', localPart, helo: 'mx.example', receiver: 'here.example', now: 0, resolver: tableResolver(names) }, new AbortController().signal);
    if (ours.result !== theirs[n]) different.push(`${ip} ${JSON.stringify({ a: names['txt a.example'], b: names['txt b.example'], c: names['txt c.example'] })}: ours ${ours.result} (${ours.why ?? ours.mechanism ?? ''}), theirs ${theirs[n]}`);
  }
  assert.deepEqual(different, []);
  assert.ok(questions.length >= 1000 && new Set(theirs).size === 6, `${questions.length} questions, ${[...new Set(theirs)].join(' ')}`);
});

function reverseName(ip: string): string {
  if (!ip.includes(':')) return `${ip.split('.').toReversed().join('.')}.in-addr.arpa`;
  const octets = parseIpAddress(ip)?.octets ?? [];
  return `${octets.flatMap(octet => [octet >> 4, octet & 15]).toReversed().map(nibble => nibble.toString(16)).join('.')}.ip6.arpa`;
}
