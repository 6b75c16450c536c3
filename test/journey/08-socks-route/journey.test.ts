/** Out through a SOCKSv5 proxy with a password, the name left to the proxy (RFC 1928); other routes go directly. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { openNameServer } from '../../props/name-server.ts';
import { post } from '../../props/post.ts';
import { openSink } from '../../props/sink.ts';
import { openSocksProxy } from '../../props/socks-proxy.ts';

test('by name through the proxy, directly without; a proxy that refuses is a deferral', { timeout: 60_000 }, async (t) => {
  const far = await openSink();
  const near = await openSink();
  const proxy = await openSocksProxy({ credentials: { login: 'post', password: 'horn' }, lead: ({ host }) => (host === 'mx.far.example' ? far.port : null) });
  // A relay's MX is asked for here; where a host is, the proxy finds out.
  const names = await openNameServer({ 'mx.far.example': [], 'mx.lost.example': [] });
  t.after(() => Promise.all([far.close(), near.close(), proxy.close(), names.close()]));
  const box = await boxFor(t, {
    files: {
      dnsservers: `127.0.0.1:${names.port}\n`,
      socksproxy: `tunnel socks5h://post:horn@127.0.0.1:${proxy.port}\n`,
      esmtproutes: `far.example:mx.far.example,2525 /PROXY=tunnel\nlost.example:mx.lost.example,2525 /PROXY=tunnel\n:[127.0.0.1],${near.port} /PROXY=none\n`,
    },
  });
  await box.start();
  await post(box, { token: 'far', to: ['bob@far.example'] });
  await far.arrival('far');
  await post(box, { token: 'near', to: ['bob@near.example'] });
  await near.arrival('near');
  assert.deepEqual(proxy.requests, [{ host: 'mx.far.example', port: 2525, kind: 'name', login: 'post' }]);
  await post(box, { token: 'lost', to: ['bob@lost.example'] });
  await box.logged('the deferral', (line) => line.event === 'delivery' && line['status'] === 'deferred' && line['addr'] === 'bob@lost.example');
  assert.deepEqual(names.questions.filter((question) => question.startsWith('A')), []);
  assert.equal(await box.stop(), 0);
});
