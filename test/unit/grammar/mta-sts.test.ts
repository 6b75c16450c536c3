import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMxOf, parseStsPolicy, parseStsRecord } from '../../../src/grammar/mta-sts.ts';
import fc from '../../props/fast-check.ts';

test('the TXT record: one, with one id of letters and digits', () => {
  for (const [texts, id] of [
    [['v=STSv1; id=20160831085700Z;'], '20160831085700Z'],
    [['v=STSv1;id=a'], 'a'],
    [['v=spf1 -all', 'v=STSv1; id=1; future=x'], '1'],
    [['v=STSv1 ; id=1'], '1'],
    [[], null],
    [['v=STSv1; id=1', 'v=STSv1; id=2'], null],
    [['v=STSv1'], null],
    [['v=STSv1; id='], null],
    [['v=STSv1; id=has-dash'], null],
    [[`v=STSv1; id=${'a'.repeat(33)}`], null],
    [['v=STSv1; id=1; id=2'], null],
    [['v=STSv10; id=1'], null],
    [['V=STSv1; id=1'], null],
    [['v=STSv1; id=1; no value'], null],
  ] as const) assert.equal(parseStsRecord(texts), id, JSON.stringify(texts));
});

const whole = 'version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n';

test('a policy as RFC 8461 §3.2 has it', () => {
  const parsed = parseStsPolicy(whole);
  assert.ok(parsed.kind === 'read');
  assert.deepEqual(parsed.policy, {
    mode: 'enforce', mx: ['mail.example.com', '*.example.net'], maxAgeS: 604_800,
    lines: ['version: STSv1', 'mode: enforce', 'mx: mail.example.com', 'mx: *.example.net', 'max_age: 604800'],
  });
  // LF alone, no last line end, unknown fields, a second mode that does not count, capitals in names.
  const odd = parseStsPolicy('version: STSv1\nmode:testing\nmode: enforce\nfuture: yes\nmx:\tMAIL.Example.COM.\nmax_age: 99999999999'.replace('99999999999', '9999999999'));
  assert.ok(odd.kind === 'read');
  assert.deepEqual([odd.policy.mode, odd.policy.mx, odd.policy.maxAgeS], ['testing', ['mail.example.com'], 31_557_600]);
  assert.equal(parseStsPolicy('version: STSv1\nmode: none\nmax_age: 1\n').kind, 'read', 'nothing to name where nothing is demanded');
});

test('what is no policy says why', () => {
  for (const [text, why] of [
    ['', /version/], ['<html>no</html>', /KEY: VALUE/], [whole.replace('STSv1', 'STSv2'), /version/], [whole.replace('enforce', 'force'), /mode/],
    [whole.replace(/mode.*\r\n/, ''), /mode is missing/], [whole.replace('604800', '-1'), /max_age/], [whole.replace('604800', '12345678901'), /max_age/],
    [whole.replaceAll(/mx.*\r\n/g, ''), /no mx/], [whole.replace('mail.example.com', 'mail.*.com'), /host name/], [whole.replace('*.example.net', '*'), /host name/],
    [whole.replace('\r\nmx: *', `\r\n${'mx: a.example\n'.repeat(500)}mx: *`), /more than 500/],
  ] as const) {
    const parsed = parseStsPolicy(text);
    assert.ok(parsed.kind === 'wrong', text);
    assert.match(parsed.why, why);
  }
});

test('patterns: the name itself, or a star for exactly one label', () => {
  const policy = { mx: ['mail.example.com', '*.example.net'] };
  for (const [host, named] of [
    ['mail.example.com', true], ['MAIL.EXAMPLE.COM', true], ['a.mail.example.com', false], ['example.com', false],
    ['a.example.net', true], ['a.b.example.net', false], ['example.net', false], ['xexample.net', false],
  ] as const) assert.equal(isMxOf(policy, host), named, host);
});

test('nothing that anybody serves makes it throw', () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom('version', 'STSv1', ':', 'mx', 'mode', 'max_age', ' ', '\r\n', '\n', '*', '.', '=', ';', '\u00e4', '\u2028') }), text => {
    parseStsPolicy(text);
    parseStsRecord([text]);
    parseStsRecord([`v=STSv1;${text}`]);
    isMxOf({ mx: [text] }, text);
  }), { numRuns: 2000 });
});
