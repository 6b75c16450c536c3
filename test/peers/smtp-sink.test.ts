/** Postfix's smtp-sink as the next hop: a peer that others wrote, with each of its ways to be difficult. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import { at, letter, openEsmtpBox, type EsmtpBox } from '../props/esmtp-box.ts';
import { freePorts } from '../props/ports.ts';
import { eventually } from '../props/within.ts';

const SINK = '/usr/sbin/smtp-sink';
const skip = existsSync(SINK) ? false : 'smtp-sink (postfix) is not installed';

async function boxTo(t: TestContext, ...options: readonly string[]): Promise<EsmtpBox> {
  const [port = 0] = await freePorts(1);
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const sink = spawn(SINK, [...user, ...options, `127.0.0.1:${port}`, '100'], { stdio: 'ignore' });
  const box = openEsmtpBox(at({ host: '127.0.0.1', port }));
  t.after(async () => {
    sink.kill();
    await box.close();
  });
  await eventually(5000, 'smtp-sink to listen', () => new Promise<boolean>(resolve => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false)).once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  }));
  return box;
}

test('smtp-sink: many messages at once', { skip }, async t => {
  const box = await boxTo(t);
  const outcomes = await Promise.all(Array.from({ length: 200 }, () => box.deliverOne(letter({ text: `Subject: x\r\n\r\n${'.line\r\n'.repeat(700)}` }))));
  assert.ok(outcomes.every(({ kind }) => kind === 'relayed'));
});

test('smtp-sink: without PIPELINING, and without EHLO', { skip }, async t => {
  assert.equal((await (await boxTo(t, '-p')).deliverOne()).kind, 'relayed');
  assert.equal((await (await boxTo(t, '-e')).deliverOne()).kind, 'relayed');
});

test('smtp-sink: refusals with 4yz and 5yz at each command', { skip }, async t => {
  for (const command of ['mail', 'rcpt', 'data', '.']) {
    assert.equal((await (await boxTo(t, '-f', command)).deliverOne()).kind, 'failed', command);
    assert.equal((await (await boxTo(t, '-r', command)).deliverOne()).kind, 'deferred', command);
  }
});

test('smtp-sink: hanging up at each command', { skip }, async t => {
  for (const command of ['ehlo', 'mail', 'rcpt', 'data', '.']) {
    const outcome = await (await boxTo(t, '-q', command)).deliverOne();
    assert.ok(outcome.kind === 'deferred', `${command}: ${JSON.stringify(outcome)}`);
  }
});
