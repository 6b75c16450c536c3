/** No way out but a SOCKS proxy behind another: DNS by HTTPS (RFC 8484), MX, and the mail itself go through both. */
import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode, encode, type Answer } from 'dns-packet';
import { test } from 'node:test';
import { createAuthority } from '../../props/authority.ts';
import { boxFor } from '../../props/box.ts';
import { listen } from '../../props/ports.ts';
import { post } from '../../props/post.ts';
import { scratchFor } from '../../props/scratch.ts';
import { openScriptedPeer } from '../../props/scripted-peer.ts';
import { openSocksProxy } from '../../props/socks-proxy.ts';

/** MX and addresses that lead nowhere from here. */
function reply(query: Buffer): Buffer {
  const { id = 0, questions = [] } = decode(query);
  const { name = '', type = '' } = questions[0] ?? {};
  const answers: Answer[] = type === 'MX' && name === 'far.example' ? [{ type: 'MX', name, ttl: 60, data: { preference: 10, exchange: 'mx.far.example' } }] : type === 'A' && name === 'mx.far.example' ? [{ type: 'A', name, ttl: 60, data: '192.0.2.77' }] : [];
  const octets = encode({ type: 'response', id, questions, answers });
  octets.writeUInt16BE(name.endsWith('far.example') ? 0x8180 : 0x8183, 2);
  return octets;
}

test('behind a wall: names and mail by way of two proxies, and nothing past them', { timeout: 90_000 }, async t => {
  const authority = createAuthority();
  const site = authority.issue('dns.example');
  const asked: string[] = [];
  const web = createServer({ key: site.key, cert: site.pem }, (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part)).on('end', () => {
      const query = Buffer.concat(parts);
      const [question] = decode(query).questions ?? [];
      asked.push(`${question?.type} ${question?.name}`);
      response.writeHead(200, { 'content-type': 'application/dns-message' }).end(reply(query));
    });
  });
  const webPort = await listen(web);
  const peer = await openScriptedPeer();
  const outer = await openSocksProxy({ credentials: { login: 'out', password: 'b' }, lead: ({ host, port }) => (host === 'dns.example' && port === 443 ? webPort : host === '192.0.2.77' && port === 25 ? peer.port : null) });
  const inner = await openSocksProxy({ credentials: { login: 'in', password: 'a' }, lead: ({ host }) => (host === 'outer.example' ? outer.port : null) });
  const folder = scratchFor(t, 'wall');
  const trusted = join(folder, 'ca.pem');
  writeFileSync(trusted, authority.pem);
  const box = await boxFor(t, {
    folder, through: ['/usr/bin/env', `NODE_EXTRA_CA_CERTS=${trusted}`],
    files: {
      dnsservers: 'https://dns.example/dns-query\n',
      socksproxy: `wall socks5://in:a@127.0.0.1:${inner.port}\ndefault socks5://out:b@outer.example:1080 via wall\n`,
    },
  });
  t.after(async () => {
    web.closeAllConnections();
    web.close();
    await Promise.all([peer.close(), outer.close(), inner.close()]);
  });
  await box.start();
  await post(box, { token: 'far', to: ['bob@far.example'] });
  const sent = await box.logged('the delivery', line => line.event === 'delivery' && line['addr'] === 'bob@far.example');
  assert.equal(sent['status'], 'success', JSON.stringify(sent));
  assert.equal(peer.messages.length, 1);
  assert.deepEqual([...new Set(asked)].toSorted(), ['A mx.far.example', 'AAAA mx.far.example', 'MX far.example', 'TXT _mta-sts.far.example']);
  assert.deepEqual([...new Set(inner.requests.map(({ host, login }) => `${host} as ${login}`))], ['outer.example as in']);
  assert.deepEqual([...new Set(outer.requests.map(({ host, port, login }) => `${host}:${port} as ${login}`))].toSorted(), ['192.0.2.77:25 as out', 'dns.example:443 as out']);

  // The outer one goes away: the mail waits, and the log says for whom.
  await outer.close();
  await post(box, { token: 'later', to: ['carol@far.example'] });
  const kept = await box.logged('the deferral', line => line.event === 'delivery' && line['addr'] === 'carol@far.example');
  assert.deepEqual([kept['status'], kept['blame']], ['deferred', 'nexthop']);
  assert.match(JSON.stringify(kept['text']), new RegExp(`proxy outer\\.example:1080: .*|proxy 127\\.0\\.0\\.1:${inner.port}`));
  assert.equal(await box.stop(), 0);
});
