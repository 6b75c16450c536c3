/** A mistake in a file: start refuses, names file and line, and says what would be right. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';

test('check and start say what is wrong, where, and what would be right', { timeout: 60_000 }, async (t) => {
  const box = await boxFor(t, { nextHop: 2525 });
  assert.equal((await box.run(['check'])).code, 0);
  box.configure({ esmtproutes: '# routes\n:[127.0.0.1],99999\n' });
  const broken = await box.run(['check']);
  assert.equal(broken.code, 78);
  assert.match(broken.stderr, /esmtproutes:2/);
  await assert.rejects(box.start(), /ended with 78[^]*esmtproutes:2/);

  box.configure({ esmtproutes: ':[127.0.0.1],2525\n', esmtpacceptmailfro: 'x.example\n' });
  const unknown = await box.run(['check']);
  assert.equal(unknown.code, 78);
  assert.match(unknown.stderr, /esmtpacceptmailfro\b[^]*esmtpacceptmailfor\b/);
  box.configure({ esmtpacceptmailfro: null });
  assert.equal((await box.run(['check'])).code, 0);
});

test('the command line helps, and says what it does not know', { timeout: 60_000 }, async (t) => {
  const box = await boxFor(t, {});
  const version = await box.run(['version']);
  assert.match(version.stdout, /^posthorn \d+\.\d+\.\d+/);
  for (const command of ['start', 'stop', 'restart', 'check', 'mailq', 'flush', 'cancelmsg', 'sendmail', 'testmxlookup', 'version', 'init']) {
    const help = await box.run([command, '--help']);
    assert.deepEqual([help.code, help.stderr], [0, ''], command);
    assert.match(help.stdout, new RegExp(command));
  }
  assert.equal((await box.run(['mailqq'])).code, 64);
});
