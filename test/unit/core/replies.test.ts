import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { catalogue, refuse, type RefusalName } from '../../../src/core/status.ts';

test('the manual lists every refusal as it is spoken, and none that is not', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/replies.md'), 'utf8');
  // Where the text is the log's reason too, the last column may be missing.
  const listed = [...page.matchAll(/^\| `(\w+)` \| (\d{3}) \| (\d\.\d\.\d+) \| (.*?) \| (RFC [^|]*?) \|(?: (.*?) ?\|)?$/gm)].map(match => match.slice(1, 6).concat(match[6] ?? '').join(' | '));
  const spoken = Object.entries(catalogue).map(([name, { reply, status, text, rfc, log }]) => [name, reply, status, text, rfc, log].join(' | '));
  assert.deepEqual(listed, spoken);
});

test('reply and status of each refusal are of one class, and our own trouble is never permanent', () => {
  for (const name of Object.keys(catalogue) as RefusalName[]) {
    const { reply, status } = refuse(name);
    assert.equal(String(reply)[0], status[0], name);
  }
  for (const ours of ['ourFault', 'queueFull', 'authUnavailable', 'tlsUnavailable', 'lookupUnavailable', 'shuttingDown'] as const) assert.ok(refuse(ours).reply < 500, ours);
});

test('nothing is refused past the catalogue, but for what others said', () => {
  // BLOCK's text, filters' answers, a fax's way in, and 421 in the place of another code.
  const others = ['core/status.ts', 'flow/check/block.ts', 'flow/filter/verification.ts', 'grammar/filter/answer.ts', 'service/fax-arrivals/postman.ts', 'flow/receive/speaker.ts'];
  const root = join(import.meta.dirname, '../../../src');
  const found = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts') && /kind: 'refused', reply: \d/.test(readFileSync(join(root, name), 'utf8')) && !others.includes(name));
  assert.deepEqual(found, []);
});

test('the log has a reason: the caller\'s, else the catalogue\'s, else the text says it', () => {
  assert.equal(refuse('relayDenied').why, 'not in esmtpacceptmailfor, and the client may not relay');
  assert.equal(refuse('relayDenied', { why: 'mine' }).why, 'mine');
  assert.equal(refuse('routingLoop').why, undefined);
});

test('the peer reads the text, the log the reason', () => {
  assert.deepEqual(refuse('relayDenied', { text: 'No', why: 'not in the list' }), { kind: 'refused', reply: 550, status: '5.7.1', text: 'No', why: 'not in the list' });
});
