import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAlarms, usualAlarms } from '../../../src/grammar/config/alarms.ts';
import { parseWebhooks } from '../../../src/grammar/config/webhooks.ts';
import { linesOf, valueOf } from './parsed-props.ts';
import fc from '../../props/fast-check.ts';

const SECRET = 'secret=fedcba9876543210';

test('webhooks: a name, an address, a secret, and what may be said besides', () => {
  const [plain, full] = valueOf(parseWebhooks(`# who is told\noffice https://hooks.example.com/mail?a=b ${SECRET}\n\nold_one-2 http://[2001:db8::1]:8080/ events=failed,alarm private=no ${SECRET} keep=5 timeout=1m30s proxy=onion\n`));
  assert.deepEqual(plain, { line: 2, name: 'office', url: 'https://hooks.example.com/mail?a=b', secret: 'fedcba9876543210', events: new Set(['accepted', 'delivered', 'deferred', 'failed', 'fax', 'alarm']), keep: 10_000, timeoutMs: 10_000, privateHosts: true });
  assert.deepEqual(full, { line: 4, name: 'old_one-2', url: 'http://[2001:db8::1]:8080/', secret: 'fedcba9876543210', events: new Set(['failed', 'alarm']), keep: 5, timeoutMs: 90_000, privateHosts: false, proxy: 'onion' });
  assert.equal(valueOf(parseWebhooks(`a http://x/ ${SECRET} proxy=none`))[0]?.proxy, null);
  assert.deepEqual(valueOf(parseWebhooks('# nobody\n')), []);
});

test('webhooks: each mistake is named with its line, and the secret never is', () => {
  const rows: readonly string[] = [
    'office', 'office https://x/', `Office https://x/ ${SECRET}`, `office ftp://x/ ${SECRET}`, `office not-a-url ${SECRET}`, `office https://user:pass@x/ ${SECRET}`, `office https://x/#a ${SECRET}`,
    'office https://x/ secret=short', 'office https://x/ secret=ümlaut-ümlaut-ümlaut', `office https://x/ ${SECRET} events=`, `office https://x/ ${SECRET} events=failed,sent`, `office https://x/ ${SECRET} keep=0`, `office https://x/ ${SECRET} keep=100001`,
    `office https://x/ ${SECRET} timeout=1`.replace('=1', '=0'), `office https://x/ ${SECRET} timeout=1h`, `office https://x/ ${SECRET} private=maybe`, `office https://x/ ${SECRET} proxy=`, `office https://x/ ${SECRET} retries=3`, `office https://x/ ${SECRET} ${SECRET}`, `office https://x/ ${SECRET} word`,
  ];
  for (const row of rows) {
    const parsed = parseWebhooks(`# first\n${row}\n`);
    assert.deepEqual([...new Set(linesOf(parsed))], [2], row);
    const said = JSON.stringify(parsed);
    assert.equal(/fedcba9876543210|short|ümlaut|user:pass/.test(said), false, said);
  }
  assert.deepEqual(linesOf(parseWebhooks(`a http://x/ ${SECRET}\na http://y/ ${SECRET}\n`)), [2]);
});

test('alarms: the usual limits, changed one by one or switched off', () => {
  assert.deepEqual(valueOf(parseAlarms('')), usualAlarms);
  assert.deepEqual(valueOf(parseAlarms('# night\noldest 4h\nmessages 500\nfree off\n')), { ...usualAlarms, oldest: 14_400_000, messages: 500, free: null });
  for (const bad of ['oldest', 'oldest soon', 'newest 4h', 'messages 0', 'messages 1.5', 'free 1X', 'quarantine -1', 'toString 1', 'messages 1 2']) assert.deepEqual(linesOf(parseAlarms(`# a\n${bad}`)), [2], bad);
  assert.deepEqual(linesOf(parseAlarms('oldest 1h\noldest 2h')), [2]);
});

test('neither ever throws, whatever a file says', () => {
  const words = fc.constantFrom('office', 'https://x/', SECRET, 'events=', 'events=failed', 'keep=', '=', 'oldest', '4h', 'off', '\n', '#', '%', '\u0000');
  fc.assert(fc.property(fc.oneof(fc.string(), fc.array(fc.oneof(words, fc.string({ maxLength: 8 })), { maxLength: 20 }).map(parts => parts.join(' '))), text => {
    for (const parse of [parseWebhooks, parseAlarms]) {
      const parsed = parse(text);
      if (parsed.kind === 'wrong') assert.ok(parsed.problems.every(problem => problem.what !== '' && problem.right !== '' && problem.line >= 1));
    }
  }));
});
