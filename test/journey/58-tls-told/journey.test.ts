/** What `testmxlookup --tls` says of a domain's mail is what becomes of it: the same hosts in the same order, the same TLS, by the same word. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import { readConfiguration } from '../../../src/configuration.ts';
import { lookUpMx } from '../../../src/gateway/ways-out/mx-lookup.ts';
import { createAuthority } from '../../props/authority.ts';
import { boxFor } from '../../props/box.ts';
import { openDnsServer } from '../../props/dns-server.ts';
import { listen } from '../../props/ports.ts';
import { post } from '../../props/post.ts';
import { openScriptedPeer } from '../../props/scripted-peer.ts';
import { scratchFor } from '../../props/scratch.ts';
import { openSocksProxy } from '../../props/socks-proxy.ts';

/** Domain → what the delivery's log line says of TLS, or its status and words; and what the command says of the relay, or the domain. */
const rows: readonly (readonly [domain: string, happened: RegExp, told: RegExp])[] = [
  ['plain.example', /, unverified$/, /^TLS when offered, with any certificate; in clear when it is not offered or breaks$/],
  ['sts.example', /, MTA-STS$/, /^TLS, with a certificate for its name by an authority, or the mail waits; by MTA-STS$/],
  ['testing.example', /, MTA-STS testing, unverified$/, /^TLS when offered, .*; by MTA-STS testing$/],
  ['stranger.example', /^deferred 4\.7\.5 .*the MTA-STS policy of stranger\.example does not name it/, /^soft-error 4\.7\.5 .*the MTA-STS policy of stranger\.example does not name it/],
  ['dane.example', /, DANE$/, /^TLS, with a certificate that the TLSA record says, or the mail waits; by DANE$/],
  ['both.example', /, DANE$/, /^TLS, with a certificate that the TLSA record says, or the mail waits; by DANE$/],
  ['lied.example', /^deferred 4\.7\.5 DANE: the certificate matches none of 1 TLSA records/, /^TLS, with a certificate that the TLSA record says, or the mail waits; by DANE$/],
  ['odd.example', /, DANE without usable records, unverified$/, /^TLS, with any certificate, or the mail waits; by DANE without usable records$/],
  ['own.example', /, tlspolicy$/, /^TLS, with a certificate for its name by an authority, or the mail waits; by tlspolicy$/],
  ['clear.example', /^none$/, /^no TLS; by tlspolicy$/],
  ['only.example', /^deferred 4\.7\.5 .*tlspolicy wants DANE, and/, /^soft-error 4\.7\.5 .*tlspolicy wants DANE, and/],
  ['routed.example', /, esmtproutes, unverified$/, /^TLS, with any certificate, or the mail waits; by esmtproutes$/],
];

test('twelve domains: told and done', { timeout: 90_000 }, async t => {
  const authority = createAuthority();
  const issued = authority.issue('mx.example');
  const peers = new Map(await Promise.all(rows.map(async ([domain]) => [domain, await openScriptedPeer({ extensions: ['STARTTLS', 'PIPELINING'], tls: authority.issue(`mx.${domain}`).context })] as const)));
  // DANE's peers have one certificate, so that a record may be written before they are there.
  for (const domain of ['dane.example', 'both.example', 'odd.example']) {
    await peers.get(domain)?.close();
    peers.set(domain, await openScriptedPeer({ extensions: ['STARTTLS', 'PIPELINING'], tls: issued.context }));
  }
  const site = createServer({ key: authority.issue('mta-sts.example').key, SNICallback: (name, done) => done(null, authority.issue(name).context) }, (request, response) => {
    const domain = (request.headers.host ?? '').replace(/^mta-sts\./, '');
    const mx = domain === 'stranger.example' ? 'mx.elsewhere.example' : `mx.${domain}`;
    response.writeHead(200, { 'content-type': 'text/plain' }).end(`version: STSv1\nmode: ${domain === 'testing.example' ? 'testing' : 'enforce'}\nmx: ${mx}\nmax_age: 86400\n`);
  });
  const webPort = await listen(site);
  const proxy = await openSocksProxy({ lead: ({ host, port }) => (port === 443 ? webPort : (peers.get(host.replace(/^mx\./, ''))?.port ?? null)) });
  const key = createHash('sha256').update(issued.certificate.publicKey.export({ type: 'spki', format: 'der' })).digest();
  const names = await openDnsServer(({ name, type }) => {
    const domain = /([a-z]+\.example)$/.exec(name)?.[1] ?? '';
    const ad = ['dane.example', 'both.example', 'lied.example', 'odd.example'].includes(domain);
    const answer = (data: unknown) => ({ ad, answers: [{ type, name, ttl: 60, data } as never] });
    if (type === 'MX' && name === domain) return answer({ preference: 10, exchange: `mx.${domain}` });
    if (type === 'TXT' && name === `_mta-sts.${domain}` && ['sts.example', 'testing.example', 'stranger.example', 'both.example'].includes(domain)) return answer(['v=STSv1; id=1']);
    if (type === 'TLSA' && ad && name === `_25._tcp.mx.${domain}`) {
      return answer({ usage: domain === 'odd.example' ? 0 : 3, selector: 1, matchingType: 1, certificate: domain === 'lied.example' ? Buffer.alloc(32) : key });
    }
    return { ad };
  });
  const folder = scratchFor(t, 'tls-told');
  const trusted = join(folder, 'ca.pem');
  writeFileSync(trusted, authority.pem);
  const box = await boxFor(t, {
    folder,
    through: ['/usr/bin/env', `NODE_EXTRA_CA_CERTS=${trusted}`],
    files: {
      dnsservers: `127.0.0.1:${names.port}\n`, socksproxy: `default socks5h://127.0.0.1:${proxy.port}\n`, courierd: `TLS_TRUSTCERTS=${trusted}\n`,
      tlspolicy: 'own.example verified\nclear.example none\nonly.example dane-only\n', esmtproutes: 'routed.example: /SECURITY=REQUIRED\n',
    },
  });
  t.after(async () => {
    site.closeAllConnections();
    site.close();
    await Promise.all([proxy.close(), names.close(), ...[...peers.values()].map(peer => peer.close())]);
  });

  await box.start();
  const read = readConfiguration(box.config);
  assert.ok(read.kind === 'read');
  for (const [domain, happened, says] of rows) {
    await post(box, { token: domain, to: [`bob@${domain}`] });
    const { status, tls = 'none', code, text, relay } = await box.logged(domain, one => one.event === 'delivery' && one['addr'] === `bob@${domain}`) as Readonly<Record<string, string>>;
    assert.match(status === 'success' ? tls : `${status} ${code} ${text}`, happened, domain);
    // As the command asks; the policies that were fetched are on the disk.
    const told = await lookUpMx(read.configuration, domain, { tls: true, whose: {} });
    assert.match(told.kind === 'relays' ? (told.relays[0]?.tls ?? '') : `${told.kind} ${told.kind === 'no-mail' ? '' : told.why}`, says, domain);
    if (status === 'success') assert.deepEqual(told.kind === 'relays' ? told.relays.map(({ host }) => host) : told.kind, [relay], domain);
  }
  assert.equal(await box.stop(), 0);
});
