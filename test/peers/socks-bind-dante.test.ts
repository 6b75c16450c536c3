/** Receiving at the outside of a real SOCKS server, dante: one connection after the other, by name of who really came. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { boxFor, type Box, type LogLine } from '../props/box.ts';
import { freePorts } from '../props/ports.ts';
import { scratchFor } from '../props/scratch.ts';
import { eventually } from '../props/within.ts';

const DANTE = '/usr/sbin/danted';
const skip = !existsSync(DANTE) ? 'dante is not installed' : process.getuid?.() !== 0 ? 'needs root' : false;

interface Dante {
  readonly port: number;
  start(): Promise<void>;
  stop(): Promise<void>;
}

async function openDante(t: TestContext): Promise<Dante> {
  const file = join(scratchFor(t, 'dante-bind'), 'danted.conf');
  const [port = 0] = await freePorts(1);
  writeFileSync(file, [
    'logoutput: stderr', `internal: 127.0.0.1 port = ${port}`, 'external: 127.0.0.1',
    'clientmethod: none', 'socksmethod: none', 'user.privileged: root', 'user.unprivileged: nobody',
    'client pass {\n from: 0/0 to: 0/0\n}', 'socks pass {\n from: 0/0 to: 0/0\n command: bind\n}', 'socks pass {\n from: 0/0 to: 0/0\n command: bindreply\n}', '',
  ].join('\n'));
  let dante: ChildProcess | null = null;
  const stop = async (): Promise<void> => {
    const running = dante;
    dante = null;
    if (running?.pid === undefined || running.exitCode !== null) return;
    const gone = new Promise(resolve => running.once('close', resolve));
    process.kill(-running.pid, 'SIGKILL');
    await gone;
  };
  t.after(stop);
  return {
    port,
    stop,
    async start() {
      dante = spawn(DANTE, ['-N', '1', '-f', file], { stdio: 'ignore', detached: true });
      await eventually(10_000, 'dante to listen', () => new Promise<boolean>(resolve => {
        const socket = connect(port, '127.0.0.1');
        socket.once('connect', () => { socket.destroy(); resolve(true); }).once('error', () => resolve(false));
      }));
    },
  };
}

/** Sends each line after the reply to the one before; gives what was said, all in all. */
async function talk(port: number, from: string, lines: readonly string[]): Promise<string> {
  const socket: Socket = connect({ port, host: '127.0.0.1', localAddress: from });
  const left = [...lines];
  let said = '';
  let unread = '';
  socket.on('error', () => undefined).on('data', (chunk: Buffer) => {
    said += chunk.toString();
    unread += chunk.toString();
    if (!/^\d{3} [^\n]*\r\n$/m.test(unread)) return;
    unread = '';
    const next = left.shift();
    if (next !== undefined) socket.write(`${next}\r\n`);
  });
  await new Promise(resolve => socket.once('close', resolve));
  return said;
}

const isOutside = (line: LogLine) => line.event === 'socks-listen' && typeof line['outside'] === 'string';

/** The port of the n-th BIND, as the log tells it. */
async function outsidePort(box: Box, n: number): Promise<number> {
  await box.logged(`BIND number ${n}`, () => box.log.filter(isOutside).length >= n);
  return Number(/:(\d+)$/.exec(String(box.log.filter(isOutside)[n - 1]?.['outside']))?.[1]);
}

const letter = (to: string) => ['EHLO partner.example', 'MAIL FROM:<ann@partner.example>', `RCPT TO:<${to}>`, 'DATA', 'Subject: from outside\r\n\r\nGood morning.\r\n.', 'QUIT'];

test('dante, BIND: mail comes in, one connection after the other; nobody relays as the proxy', { skip, timeout: 90_000 }, async t => {
  const dante = await openDante(t);
  await dante.start();
  const box = await boxFor(t, { files: { socksproxy: `wall socks5://127.0.0.1:${dante.port}\n`, socksbind: 'esmtpd via wall\n', 'smtpaccess/default': '127.0.0\tallow,RELAYCLIENT\n' } });
  await box.start();
  // Several in turn: each time the proxy has another port for us.
  for (let n = 1; n <= 3; n++) {
    const said = await talk(await outsidePort(box, n), '127.0.0.1', letter('bob@here.example'));
    assert.match(said, /^220 posthorn\.example.*\r\n(?:250[^\n]*\n)+250[^\n]*\n250[^\n]*\n354[^\n]*\n250[^\n]*\n221/, said);
  }
  const mail = await box.logged('the message', line => line.event === 'newmsg');
  assert.match(JSON.stringify(mail['relay']), /0\.0\.0\.0/, 'the proxy called him by its own address');
  // The access file trusts 127.0.0, which is where the proxy is.
  const relaying = await talk(await outsidePort(box, 4), '127.0.0.1', letter('bob@elsewhere.example'));
  assert.match(relaying, /\r\n550 5\.7\.1 /, relaying);
  const status = await box.run(['status', '--json']);
  assert.equal(status.code, 0, status.stdout);
  const { listeners } = JSON.parse(status.stdout) as { listeners: { kind: string; port: number }[] };
  assert.deepEqual(listeners.filter(({ kind }) => kind === 'esmtpd by SOCKS').map(({ port }) => port), [await outsidePort(box, 5)]);

  // The proxy dies: said, and mended when it is back.
  await dante.stop();
  const trouble = await box.logged('the dead proxy', line => line.event === 'socks-listen' && /connection refused/.test(String(line['why'])));
  assert.equal(trouble['proxy'], `127.0.0.1:${dante.port}`);
  assert.match((await box.run(['status', '--json'])).stdout, /"troubled","troubles":\["esmtpd by SOCKS: proxy 127\.0\.0\.1:\d+: connection refused"\]/);
  await dante.start();
  const again = await talk(await outsidePort(box, 6), '127.0.0.1', letter('bob@here.example'));
  assert.match(again, /\r\n354[^\n]*\n250/, again);
  assert.equal(await box.stop(), 0);
});

test('dante, BIND: the second reply names the peer, and access rules are about him; several in reserve', { skip, timeout: 90_000 }, async t => {
  const dante = await openDante(t);
  await dante.start();
  const box = await boxFor(t, {
    files: {
      socksproxy: `wall socks5://127.0.0.1:${dante.port}\n`, socksbind: 'esmtpd via wall reserve 2 private\n',
      'smtpaccess/default': '127.0.0.9\tallow,RELAYCLIENT\n127.0.0.8\tdeny\n', trialdomains: 'elsewhere.example\n',
    },
  });
  await box.start();
  const [one, two] = [await outsidePort(box, 1), await outsidePort(box, 2)];
  assert.notEqual(one, two);
  const partner = await talk(one, '127.0.0.9', letter('bob@far.example'));
  assert.match(partner, /\r\n354[^\n]*\n250/, 'he may relay');
  const newmsg = await box.logged('the message', line => line.event === 'newmsg');
  assert.match(JSON.stringify(newmsg['relay']), /127\.0\.0\.9/);
  const stranger = await talk(two, '127.0.0.8', letter('bob@here.example'));
  assert.doesNotMatch(stranger, /^220/, stranger);
  await outsidePort(box, 4);
  assert.equal(await box.stop(), 0);
});
