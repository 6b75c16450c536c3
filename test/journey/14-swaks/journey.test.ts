/** A client that is not ours: swaks, as administrators use it. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { boxFor } from '../../props/box.ts';
import { openSink } from '../../props/sink.ts';

const run = promisify(execFile);

function swaksAbsent(): string | false {
  try {
    execFileSync('swaks', ['--version'], { stdio: 'pipe' });
    return false;
  } catch {
    return 'swaks is not installed';
  }
}

test('swaks sends, with and without PIPELINING', { skip: swaksAbsent(), timeout: 60_000 }, async (t) => {
  const sink = await openSink();
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port });
  await box.start();
  for (const [token, more] of [['plain', []], ['piped', ['--pipeline']]] as const) {
    const { stdout } = await run('swaks', ['--server', `127.0.0.1:${box.port}`, '--from', 'ada@sender.example', '--to', 'bob@there.example', '--helo', 'swaks.example', '--header', `X-Token: ${token}`, ...more]);
    assert.match(stdout, /<-  250 2\.0\.0 /);
    assert.match(stdout, /<-  221 2\.0\.0 /);
    await sink.arrival(token);
  }
  assert.equal(await box.stop(), 0);
});
