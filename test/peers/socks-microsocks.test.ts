/** Through microsocks, alone and one through the other: names, addresses, IPv6, user and password, and whose fault it was. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { Proxy } from '../../src/core/transport.ts';
import { openDeadlines } from '../../src/kit/deadlines.ts';
import { createDial } from '../../src/kit/net/dial.ts';
import { bindThrough } from '../../src/kit/net/socks-bind.ts';
import { createSystemClock } from '../../src/kit/system-clock.ts';
import { at, openEsmtpBox } from '../props/esmtp-box.ts';
import { freePorts } from '../props/ports.ts';
import { openScriptedPeer } from '../props/scripted-peer.ts';
import { eventually } from '../props/within.ts';

const MICROSOCKS = '/usr/bin/microsocks';
const skip = existsSync(MICROSOCKS) ? false : 'microsocks is not installed';

async function openMicrosocks(t: TestContext, host = '127.0.0.1', login?: { readonly login: string; readonly password: string }): Promise<Proxy> {
  const [port = 0] = await freePorts(1);
  const program = spawn(MICROSOCKS, ['-i', host, '-p', String(port), ...(login === undefined ? [] : ['-u', login.login, '-P', login.password])], { stdio: 'ignore' });
  t.after(() => void program.kill('SIGTERM'));
  await eventually(10_000, 'microsocks to listen', () => new Promise<boolean>(resolve => {
    const socket = connect(port, host);
    socket.once('connect', () => { socket.destroy(); resolve(true); }).once('error', () => resolve(false));
  }));
  return { host, port, ...login };
}

test('microsocks: mail through it, by address and by name, on both families', { skip, timeout: 60_000 }, async t => {
  const login = { login: 'post', password: 'horn' };
  for (const host of ['127.0.0.1', '::1']) {
    const proxy = await openMicrosocks(t, host, login);
    const peer = await openScriptedPeer({ host });
    t.after(() => peer.close());
    for (const relay of [{ host: 'peer.example', address: host, port: peer.port }, { host: host === '::1' ? '::1' : 'localhost', port: peer.port }]) {
      const box = openEsmtpBox({ ...at(peer), relays: [relay], proxy });
      t.after(() => box.close());
      const outcome = await box.deliverOne();
      assert.equal(outcome.kind, 'relayed', JSON.stringify([relay, outcome]));
    }
  }
});

test('a chain of three: each with its own login, the last one finds the name', { skip, timeout: 60_000 }, async t => {
  const peer = await openScriptedPeer();
  t.after(() => peer.close());
  const near = await openMicrosocks(t, '127.0.0.1', { login: 'near', password: 'a' });
  const middle = await openMicrosocks(t, '127.0.0.1', { login: 'middle', password: 'b' });
  const far = await openMicrosocks(t);
  const box = openEsmtpBox({ ...at(peer), relays: [{ host: 'localhost', port: peer.port }], proxy: { ...far, via: { ...middle, via: near } } });
  t.after(() => box.close());
  const outcome = await box.deliverOne();
  assert.equal(outcome.kind, 'relayed', JSON.stringify(outcome));
});

test('what fails in a chain is told by name: the dead proxy, the wrong password, the refused target', { skip, timeout: 60_000 }, async t => {
  const peer = await openScriptedPeer();
  t.after(() => peer.close());
  const near = await openMicrosocks(t);
  const far = await openMicrosocks(t, '127.0.0.1', { login: 'far', password: 'right' });
  const [closed = 0] = await freePorts(1);
  const dead = { host: '127.0.0.1', port: closed };
  for (const [proxy, status, text] of [
    [{ ...far, via: dead }, '4.4.0', `proxy 127.0.0.1:${closed}: connection refused`],
    [{ ...dead, via: near }, '4.4.0', `proxy 127.0.0.1:${closed}: proxy 127.0.0.1:${near.port}: connection refused (SOCKS reply 5)`],
    [{ ...far, password: 'wrong', via: near }, '4.4.0', `proxy 127.0.0.1:${far.port}: refused login or password`],
  ] as const) {
    const box = openEsmtpBox(at(peer, { proxy }));
    t.after(() => box.close());
    const outcome = await box.deliverOne();
    assert.ok(outcome.kind === 'deferred');
    assert.deepEqual([outcome.status, outcome.blame, outcome.said?.text], [status, 'nexthop', text]);
  }
  const box = openEsmtpBox({ ...at(peer), relays: [{ host: 'gone.example', address: '127.0.0.1', port: closed }], proxy: { ...far, via: near } });
  t.after(() => box.close());
  const outcome = await box.deliverOne();
  assert.ok(outcome.kind === 'deferred');
  // The target's trouble, so another relay might do.
  assert.deepEqual([outcome.status, outcome.said?.text], ['4.4.1', `proxy 127.0.0.1:${far.port}: connection refused (SOCKS reply 5)`]);
  assert.equal(peer.connections, 0, 'nobody went directly');
});

test('microsocks knows no BIND, and says so', { skip, timeout: 60_000 }, async t => {
  const proxy = await openMicrosocks(t);
  const deadlines = openDeadlines(createSystemClock());
  t.after(() => deadlines.close());
  const bound = await bindThrough(createDial(deadlines), deadlines, { proxy, from: '0.0.0.0', port: 0, timeoutMs: 10_000 });
  assert.deepEqual(bound, { kind: 'failed', why: `proxy 127.0.0.1:${proxy.port}: command not supported (SOCKS reply 7)` });
});
