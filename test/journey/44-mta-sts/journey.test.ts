/** MTA-STS behind a SOCKS firewall (RFC 8461): the policy is fetched through the proxy, obeyed, kept, and shown. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import { createAuthority } from '../../props/authority.ts';
import { boxFor } from '../../props/box.ts';
import { openDnsServer } from '../../props/dns-server.ts';
import { listen } from '../../props/ports.ts';
import { post } from '../../props/post.ts';
import { openScriptedPeer } from '../../props/scripted-peer.ts';
import { scratchFor } from '../../props/scratch.ts';
import { openSocksProxy } from '../../props/socks-proxy.ts';

test('good certificate: delivered as MTA-STS wants it; wrong name, or another exchanger: waits', { timeout: 90_000 }, async t => {
  const authority = createAuthority();
  const peer = await openScriptedPeer({ extensions: ['STARTTLS', 'PIPELINING'], tls: authority.issue('mx.far.example').context });
  const site = authority.issue('mta-sts.far.example');
  const wrong = authority.issue('mta-sts.wrong.example');
  const asked: string[] = [];
  const web = createServer({ key: site.key, cert: site.pem, SNICallback: (name, done) => done(null, name === 'mta-sts.far.example' ? site.context : wrong.context) }, (request, response) => {
    const { host = '' } = request.headers;
    asked.push(`${host}${request.url}`);
    response.writeHead(200, { 'content-type': 'text/plain' }).end(`version: STSv1\r\nmode: enforce\r\nmx: mx.far.example\r\nmax_age: 86400\r\n`);
  });
  const webPort = await listen(web);
  const proxy = await openSocksProxy({ lead: ({ host, port }) => (port === 443 ? webPort : host === 'mx.far.example' || host === 'mx.wrong.example' ? peer.port : null) });
  const names = await openDnsServer(({ name, type }) => {
    const [, domain = ''] = /([a-z]+\.example)$/.exec(name) ?? [];
    if (type === 'MX' && name === domain) return { answers: [{ type, name, ttl: 60, data: { preference: 10, exchange: domain === 'wrong.example' ? 'mx.wrong.example' : 'mx.far.example' } }] };
    if (type === 'TXT' && name === `_mta-sts.${domain}` && domain !== 'plain.example') return { answers: [{ type, name, ttl: 60, data: [`v=STSv1; id=1`] }] };
    return {};
  });
  const folder = scratchFor(t, 'mta-sts');
  const trusted = join(folder, 'ca.pem');
  writeFileSync(trusted, authority.pem);
  const box = await boxFor(t, {
    folder,
    through: ['/usr/bin/env', `NODE_EXTRA_CA_CERTS=${trusted}`],
    files: { dnsservers: `127.0.0.1:${names.port}\n`, socksproxy: `default socks5h://127.0.0.1:${proxy.port}\n`, courierd: `TLS_TRUSTCERTS=${trusted}\n` },
  });
  t.after(async () => {
    web.closeAllConnections();
    web.close();
    await Promise.all([peer.close(), proxy.close(), names.close()]);
  });
  await box.start();
  await post(box, { token: 'far', to: ['bob@far.example'] });
  const sent = await box.logged('the delivery', line => line.event === 'delivery' && line['addr'] === 'bob@far.example');
  assert.equal(sent['status'], 'success', JSON.stringify(sent));
  assert.match(String(sent['tls']), /^TLSv1\.3 \S+, MTA-STS$/);
  assert.deepEqual(asked, ['mta-sts.far.example/.well-known/mta-sts.txt']);
  assert.ok(proxy.requests.some(({ host, port, kind }) => host === 'mta-sts.far.example' && port === 443 && kind === 'name'));
  assert.ok(existsSync(join(box.folder, 'state', 'mta-sts', 'far.example')));

  // Its policy names another exchanger than its MX does: nothing of the mail leaves.
  await post(box, { token: 'wrong', to: ['bob@wrong.example'] });
  const kept = await box.logged('the deferral', line => line.event === 'delivery' && line['addr'] === 'bob@wrong.example');
  assert.deepEqual([kept['status'], kept['code'], kept['blame']], ['deferred', '4.7.5', 'nexthop']);
  assert.match(String(kept['text']), /^This host may not be used: the MTA-STS policy of wrong\.example does not name it$/);
  assert.equal(kept['relay'], 'mx.wrong.example');
  // A message that says so itself does not mind (RFC 8689 §5): a TLS report could not arrive otherwise.
  await post(box, { token: 'minds-not', to: ['tls@wrong.example'], content: 'From: ada@sender.example\r\nTLS-Required: No\r\n\r\nYour TLS is broken.\r\n' });
  const minded = await box.logged('the delivery', line => line.event === 'delivery' && line['addr'] === 'tls@wrong.example');
  assert.equal(minded['status'], 'success', JSON.stringify(minded));
  // The web server's certificate is for another name: no policy, and mail as to anybody.
  await post(box, { token: 'other', to: ['bob@other.example'] });
  const other = await box.logged('the delivery', line => line.event === 'delivery' && line['addr'] === 'bob@other.example');
  assert.match(String(other['tls']), /, unverified$/);
  assert.match(String((await box.logged('why', line => line.event === 'mta-sts'))['why']), /cannot be fetched: .*altnames/);

  const shown = await box.run(['testmxlookup', '--tls', 'far.example']);
  assert.equal(shown.code, 0, shown.stderr);
  assert.deepEqual(shown.stdout.trim().split('\n'), [
    'TLS: tlspolicy says nothing of far.example: auto',
    'TLS: MX of far.example: not signed, so DANE cannot be trusted',
    'TLS: mx.far.example: no DANE, the MX is not signed',
    'TLS: MTA-STS enforce, id 1, max_age 86400, mx mx.far.example',
    'Relay: mx.far.example, Priority: 10, Address: looked up by the proxy',
    '  TLS, with a certificate for its name by an authority, or the mail waits; by MTA-STS',
  ]);
  const refused = await box.run(['testmxlookup', '--tls', 'wrong.example']);
  assert.equal(refused.code, 75);
  assert.match(refused.stdout, /wrong\.example: soft error \(4\.7\.5 no mail exchanger may be used; mx\.wrong\.example: the MTA-STS policy/);
  box.configure({ tlspolicy: 'wrong.example none\nplain.example verified\n' });
  const own = await box.run(['testmxlookup', '--tls', 'wrong.example']);
  assert.match(own.stdout, /TLS: tlspolicy says none for wrong\.example\nRelay: .*\n {2}no TLS; by tlspolicy\n/);
  // What happened is counted, for whoever asks and for reports; also while nothing runs.
  for (const run of [1, 2]) {
    const counted = await box.run(['tlsrpt']);
    assert.equal(counted.code, 0, counted.stderr);
    assert.match(counted.stdout, /^\d{4}-\d\d-\d\d {2}far\.example\n {5}sts: 1 well, 0 failed\n/m);
    assert.match(counted.stdout, / {2}wrong\.example\n {5}sts: 0 well, 2 failed\n {7}2 validation-failure mx\.wrong\.example: the MTA-STS policy of wrong\.example does not name it\n/);
    assert.match(counted.stdout, / {2}other\.example\n {5}sts: 0 well, 1 failed\n {7}1 sts-webpki-invalid mx\.far\.example: /);
    if (run === 1) assert.equal(await box.stop(), 0);
  }
  assert.equal((await box.run(['tlsrpt', '--json', 'nobody.example'])).code, 1);
});
