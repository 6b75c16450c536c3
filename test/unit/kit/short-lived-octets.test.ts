/** What large mail leaves behind is collected while it passes. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const churn = join(import.meta.dirname, '..', '..', 'props', 'buffer-churn.ts');

test('of 200 MB that pass in buffers a few megabytes are held at a time', () => {
  const held = (how: string): number => Number(execFileSync(process.execPath, [churn, how]).toString());
  const told = held('told');
  assert.ok(told > 0 && told <= 12, `${told} MiB`);
  const plain = held('plain');
  assert.ok(plain > 24, `V8 holds ${plain} MiB by itself: else this says nothing, and the class may go`);
});
