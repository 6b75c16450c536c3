import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRspamd, parseRspamd } from '../../../src/flow/filter/rspamd.ts';
import { parseSpamd } from '../../../src/flow/filter/spamd.ts';
import type { ContentFilter } from '../../../src/grammar/config/content-filters.ts';
import type { HttpAnswer, HttpFailure, HttpRequest } from '../../../src/kit/net/http-client.ts';
import fc from '../../props/fast-check.ts';
import { inspected } from '../../props/inspected.ts';

test('spamd: score and tests, or what is wrong', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['SPAMD/1.1 0 EX_OK\r\nContent-length: 9\r\nSpam: True ; 15.3 / 5.0\r\n\r\nA_B,C_D\r\n', '15.3/5 A_B C_D'],
    ['SPAMD/1.1 0 EX_OK\r\nSpam: False ; -0.5 / 5.0\r\n\r\n', '-0.5/5 '],
    ['SPAMD/1.1 76 Bad header line\r\n', 'spamd says 76 Bad header line'],
    ['SPAMD/1.1 0 EX_OK\r\n\r\n', 'an answer without a score'],
    ['220 smtp\r\n', 'answered \'220 smtp\r\n\''],
    ['', 'closed without an answer'],
  ];
  for (const [text, want] of rows) {
    const read = parseSpamd(text);
    assert.equal(read.kind === 'wrong' ? read.why : `${read.score}/${read.threshold} ${read.tests.join(' ')}`, want);
  }
});

const rule: ContentFilter = { line: 1, name: 'spam', kind: 'rspamd', place: { kind: 'tcp', endpoint: { host: '::1', port: 11_333 } }, timeoutMs: 1000, whenAbsent: 'defer', largestOctets: 1e9, scores: {}, found: 'reject', subjectTag: '[SPAM]', fields: true };

async function ask(answer: unknown, own: Partial<ContentFilter> = {}, http: Partial<HttpAnswer> | HttpFailure = {}) {
  const asked: HttpRequest[] = [];
  const filter = createRspamd({ ...rule, ...own }, { request: request => {
    asked.push(request);
    return Promise.resolve('why' in http ? http : { kind: 'answer', status: 200, headers: new Map(), url: '', body: Buffer.from(typeof answer === 'string' ? answer : JSON.stringify(answer)), ...http });
  } });
  const looked = await filter.inspect(inspected({ text: 'Subject: Old\r\nX-Spam-Flag: forged\r\n\r\nbody\r\n', origin: { login: 'ada', helo: 'h\u00e9lo\u4e2d' } }), new AbortController().signal);
  if (looked.kind === 'absent') return { said: `absent ${looked.why}`, asked };
  const [verdict] = looked.verdicts.values();
  const parts = [verdict === undefined ? 'pass' : verdict.kind === 'refused' ? `${verdict.reply} ${verdict.text}` : verdict.kind, ...looked.addFields.map(({ name, value }) => `${name}: ${value}`), ...(looked.changes ?? []).flatMap(change => (change.kind === 'field' && change.value !== null ? [`${change.name}=${change.value}`] : []))];
  return { said: parts.join(' | '), asked };
}

test('rspamd: each action, and scores that overrule it', async () => {
  const rows: readonly (readonly [unknown, Partial<ContentFilter>, string])[] = [
    [{ action: 'no action', score: 1, required_score: 15 }, {}, 'pass | X-Spam-Status: No, score=1 required=15'],
    [{ action: 'add header', score: 7, required_score: 15 }, {}, 'pass | X-Spam-Status: Yes, score=7 required=15 | X-Spam-Flag: YES'],
    [{ action: 'rewrite subject', score: 8, required_score: 15, subject: '*** Old' }, { fields: false }, 'pass | Subject=*** Old'],
    [{ action: 'rewrite subject', score: 8, required_score: 15 }, { fields: false }, 'pass | Subject=[SPAM] Old'],
    [{ action: 'reject', score: 20, required_score: 15 }, {}, '554 Message refused as spam'],
    [{ action: 'reject', score: 20, messages: { smtp_message: 'Gtube pattern' } }, {}, '554 Gtube pattern'],
    [{ action: 'soft reject', score: 0, messages: { smtp_message: 'Slow down' } }, {}, '451 Slow down'],
    [{ action: 'greylist', score: 5 }, {}, '451 Message not taken now, please try again later'],
    [{ action: 'quarantine', score: 5 }, {}, 'quarantine'],
    [{ action: 'discard', score: 5 }, {}, 'quarantine'],
    [{ action: 'invented', score: 5 }, {}, 'pass'],
    [{ action: 'reject', score: 20, required_score: 15, symbols: { A: {}, 'B C': {} } }, { scores: { quarantine: 10 } }, 'quarantine | X-Spam-Status: Yes, score=20 required=15\r\n\ttests=A | X-Spam-Flag: YES'],
    [{ action: 'no action', score: 3, required_score: 15, 'dkim-signature': 'v=1', milter: { add_headers: { 'X-A': 'a', 'X-B': { value: 'b', order: 0 }, 'X-C': [{ value: 'c' }, 'd'], 'bad name': 'x', 'X-E': 7 } } }, { fields: false }, 'pass | DKIM-Signature: v=1 | X-A: a | X-B: b | X-C: c | X-C: d'],
  ];
  for (const [answer, own, want] of rows) assert.equal((await ask(answer, own)).said, want);
  const { asked: [request] } = await ask({ action: 'no action', score: 0 });
  assert.equal(request?.url, 'http://[::1]:11333/checkv2');
  assert.equal(request?.headers?.['user'], 'ada');
  assert.equal(request?.headers?.['helo'], undefined, 'what a header cannot say is left out');
});

test('rspamd: what cannot be had or read makes it absent', async () => {
  for (const wrong of ['', '[]', '{}', '{"action":1,"score":2}', '{"action":"reject"}', 'null', '<html>']) assert.equal((await ask(wrong)).said, 'absent what rspamd answered cannot be read', wrong);
  assert.equal((await ask({}, {}, { status: 500 })).said, 'absent rspamd answered 500');
  assert.equal((await ask({}, {}, { kind: 'refused', why: 'connection refused' })).said, 'absent refused: connection refused');
  fc.assert(fc.property(fc.jsonValue(), value => void parseRspamd(JSON.stringify(value))));
});
