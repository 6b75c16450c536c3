/** How we show ourselves: EHLO's name and the address we come from, of the box and of its virtual hosts. */
import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import type { EsmtpSettings, Look } from '../../../src/flow/transport/esmtp/index.ts';
import { at, letter, openEsmtpBox } from '../../props/esmtp-box.ts';
import { listen } from '../../props/ports.ts';

/** Notes who comes and how he calls himself, and takes his mail. */
async function openPeer(): Promise<{ port: number; host: string; seen: string[]; close(): Promise<void> }> {
  const seen: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer(socket => {
    sockets.add(socket);
    let content = false;
    socket.on('error', () => undefined).write('220 peer.example\r\n');
    socket.setEncoding('latin1').on('data', (text: string) => {
      for (const line of text.split('\r\n').slice(0, -1)) {
        if (content && line !== '.') continue;
        if (line.startsWith('EHLO')) seen.push(`${socket.remoteAddress} ${line}`);
        if (line.startsWith('MAIL')) seen.push(line);
        content = line === 'DATA';
        socket.write(content ? '354 Go on\r\n' : '250 Good\r\n');
      }
    });
  });
  const port = await listen(server);
  return {
    port, host: '127.0.0.1', seen,
    close: () => new Promise(resolve => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    }),
  };
}

const looks: Readonly<Record<string, Look>> = {
  usual: { key: '', helo: 'box.example' },
  host: { key: ' as 127.0.0.9', helo: 'host.example', source4: '127.0.0.9', source6: '::1' },
  nameless: { key: ' as nameless', helo: null, source4: '127.0.0.8' },
};
const look: EsmtpSettings['look'] = ({ origin }) => looks[origin.virtualHost ?? 'usual'] ?? looks['usual']!;
const from = (virtualHost: string) => letter({ envelope: { from: `${virtualHost}@sender.example`, origin: { source: 'local', protocol: 'local', at: 0, virtualHost } } });

test('each virtual host has its own name, its own address and its own connections', async t => {
  const peer = await openPeer();
  const box = openEsmtpBox(at(peer), { look, nameOf: address => Promise.resolve(`name-of-${address}`) });
  t.after(() => Promise.all([peer.close(), box.close()]));
  for (const host of ['usual', 'host', 'nameless', 'usual']) assert.equal((await box.deliverOne(from(host))).kind, 'relayed', host);
  assert.deepEqual(peer.seen, [
    '127.0.0.1 EHLO box.example', 'MAIL FROM:<usual@sender.example>',
    '127.0.0.9 EHLO host.example', 'MAIL FROM:<host@sender.example>',
    '127.0.0.8 EHLO name-of-127.0.0.8', 'MAIL FROM:<nameless@sender.example>',
    'MAIL FROM:<usual@sender.example>',
  ]);
});

test('without anybody to ask for a name, the address stands for it; an address that is not ours is our own trouble', async t => {
  const peer = await openPeer();
  const box = openEsmtpBox(at(peer), { look });
  const wrong = openEsmtpBox(at(peer), { look: () => ({ key: '', helo: 'box.example', source4: '192.0.2.77' }) });
  t.after(() => Promise.all([peer.close(), box.close(), wrong.close()]));
  await box.deliverOne(from('nameless'));
  assert.equal(peer.seen[0], '127.0.0.8 EHLO [127.0.0.8]');
  const outcome = await wrong.deliverOne();
  assert.deepEqual([outcome.kind, outcome.status, wrong.logged.length], ['deferred', '4.4.1', 1]);
});
