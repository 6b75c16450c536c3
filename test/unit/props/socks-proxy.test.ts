/** The SOCKS prop speaks RFC 1928 and RFC 1929 as a strange implementation (the npm package's) understands it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SocksClient } from 'socks';
import { openSink } from '../../props/sink.ts';
import { openSocksProxy } from '../../props/socks-proxy.ts';

test('leads by name with credentials; refuses wrong ones and forbidden places', async (t) => {
  const sink = await openSink();
  const proxy = await openSocksProxy({ credentials: { login: 'ada', password: 'l' }, lead: ({ host }) => (host === 'mx.far.example' ? sink.port : null) });
  t.after(() => Promise.all([sink.close(), proxy.close()]));
  const ask = (host: string, password: string): Promise<string> =>
    SocksClient.createConnection({
      command: 'connect',
      destination: { host, port: 25 },
      proxy: { host: '127.0.0.1', port: proxy.port, type: 5, userId: 'ada', password },
    }).then(
      ({ socket }) => new Promise<string>((done) => {
        socket.once('data', (greeting: Buffer) => {
          socket.destroy();
          done(greeting.toString());
        });
        socket.resume();
      }),
      (cause: unknown) => String(cause),
    );
  assert.match(await ask('mx.far.example', 'l'), /^220 sink/);
  assert.match(await ask('mx.far.example', 'wrong'), /[Aa]uthentication/);
  assert.match(await ask('elsewhere.example', 'l'), /rejected|refused/i);
  assert.deepEqual(proxy.requests[0], { host: 'mx.far.example', port: 25, kind: 'name', login: 'ada' });
});
