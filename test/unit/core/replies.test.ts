import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { catalogue, refuse, type RefusalName } from '../../../src/core/status.ts';

test('the manual lists every refusal as it is spoken, and none that is not', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/replies.md'), 'utf8');
  const listed = [...page.matchAll(/^\| `(\w+)` \| (\d{3}) \| (\d\.\d\.\d+) \| (.*?) \| (RFC .*?) \|$/gm)].map(match => match.slice(1).join(' | '));
  const spoken = Object.entries(catalogue).map(([name, { reply, status, text, rfc }]) => [name, reply, status, text, rfc].join(' | '));
  assert.deepEqual(listed, spoken);
});

test('reply and status of each refusal are of one class, and our own trouble is never permanent', () => {
  for (const name of Object.keys(catalogue) as RefusalName[]) {
    const { reply, status } = refuse(name);
    assert.equal(String(reply)[0], status[0], name);
  }
  for (const ours of ['ourFault', 'queueFull', 'authUnavailable', 'tlsUnavailable', 'lookupUnavailable', 'shuttingDown'] as const) assert.ok(refuse(ours).reply < 500, ours);
});

test('the peer reads the text, the log the reason', () => {
  assert.deepEqual(refuse('relayDenied', { text: 'No', why: 'not in the list' }), { kind: 'refused', reply: 550, status: '5.7.1', text: 'No', why: 'not in the list' });
});
