/**
 * Through a real SOCKSv5 server: dante with user and password, on IPv4 and IPv6. Dante checks system accounts, so it
 * runs in a mount namespace of its own with an account file that only it sees; that takes root.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, appendFileSync, chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openDeadlines } from '../../src/kit/deadlines.ts';
import { createDial } from '../../src/kit/net/dial.ts';
import { createSystemClock } from '../../src/kit/system-clock.ts';
import { at, openEsmtpBox } from '../props/esmtp-box.ts';
import { freePorts } from '../props/ports.ts';
import { openScriptedPeer } from '../props/scripted-peer.ts';
import { eventually } from '../props/within.ts';

const DANTE = '/usr/sbin/danted';
const credentials = { login: 'postbox', password: 'tell nobody' };
const absent = !existsSync(DANTE) ? 'dante is not installed' : process.getuid?.() !== 0 ? 'needs root' : !existsSync('/usr/bin/unshare') ? 'needs unshare' : false;

/** Gives the port; on 127.0.0.1 and ::1. */
async function openDante(t: TestContext): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'dante-'));
  const [port = 0] = await freePorts(1);
  copyFileSync('/etc/passwd', join(folder, 'passwd'));
  copyFileSync('/etc/shadow', join(folder, 'shadow'));
  chmodSync(join(folder, 'shadow'), 0o600);
  appendFileSync(join(folder, 'passwd'), `${credentials.login}:x:64999:65534::/nonexistent:/bin/false\n`);
  const hash = execFileSync('openssl', ['passwd', '-6', credentials.password]).toString().trim();
  appendFileSync(join(folder, 'shadow'), `${credentials.login}:${hash}:19000:0:99999:7:::\n`);
  writeFileSync(join(folder, 'danted.conf'), [
    'logoutput: stderr',
    `internal: 127.0.0.1 port = ${port}`, `internal: ::1 port = ${port}`,
    'external: 127.0.0.1', 'external: ::1',
    'clientmethod: none', 'socksmethod: username', 'user.privileged: root', 'user.unprivileged: nobody',
    'client pass {\n from: 0/0 to: 0/0\n}',
    'socks pass {\n from: 0/0 to: 0/0\n}',
    '',
  ].join('\n'));
  const script = `mount --bind ${folder}/passwd /etc/passwd && mount --bind ${folder}/shadow /etc/shadow && exec ${DANTE} -N 1 -f ${folder}/danted.conf`;
  const dante = spawn('unshare', ['-m', 'sh', '-c', script], { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  let said = '';
  dante.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000)));
  t.after(() => {
    if (dante.pid !== undefined && dante.exitCode === null) process.kill(-dante.pid, 'SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  });
  await eventually(10_000, 'dante to listen', async () => {
    if (dante.exitCode !== null) throw new Error(`dante ended: ${said}`);
    return new Promise<boolean>(resolve => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false)).once('connect', () => socket.destroy());
    });
  });
  return port;
}

test('dante: mail goes through it with user and password, over IPv4 and IPv6, to addresses and names', { skip: absent }, async t => {
  const port = await openDante(t);
  for (const proxyHost of ['127.0.0.1', '::1']) {
    for (const host of ['127.0.0.1', '::1']) {
      const peer = await openScriptedPeer({ host });
      const box = openEsmtpBox(at(peer, { proxy: { host: proxyHost, port, ...credentials } }));
      t.after(async () => {
        await peer.close();
        await box.close();
      });
      const outcome = await box.deliverOne();
      assert.equal(outcome.kind, 'relayed', JSON.stringify(outcome));
    }
  }
  const peer = await openScriptedPeer();
  const named = openEsmtpBox({ ...at(peer, { proxy: { host: '127.0.0.1', port, ...credentials } }), relays: [{ host: 'localhost', port: peer.port }] });
  t.after(async () => {
    await peer.close();
    await named.close();
  });
  const outcome = await named.deliverOne();
  assert.equal(outcome.kind, 'relayed', JSON.stringify(outcome));
  assert.equal(outcome.said?.remoteMta, 'localhost');
});

test('dante: its refusals are told apart', { skip: absent }, async t => {
  const port = await openDante(t);
  const deadlines = openDeadlines(createSystemClock());
  t.after(() => deadlines.close());
  const dial = createDial(deadlines);
  const [closed = 0] = await freePorts(1);
  const target = { host: 'mx.example', address: '127.0.0.1', port: closed, timeoutMs: 10_000 };
  const proxy = { host: '127.0.0.1', port };
  const refused = await dial({ ...target, proxy: { ...proxy, ...credentials } });
  assert.equal(refused.kind, 'refused');
  for (const wrong of [{ ...proxy, login: credentials.login, password: 'wrong' }, proxy]) {
    const dialled = await dial({ ...target, proxy: wrong });
    assert.ok(dialled.kind === 'proxy' && dialled.ours === true, JSON.stringify(dialled.kind));
  }
});
