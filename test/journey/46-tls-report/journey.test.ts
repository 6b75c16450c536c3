/** A day's TLS report (RFC 8460): what an earlier run counted is told once to whoever asks for it, and to nobody else. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { boxFor } from '../../props/box.ts';
import { openDnsServer } from '../../props/dns-server.ts';
import { scratchFor } from '../../props/scratch.ts';
import { openSink } from '../../props/sink.ts';

test('the report of a day goes to the address in the record, once, restart or not', { timeout: 90_000 }, async t => {
  const sink = await openSink();
  const names = await openDnsServer(({ name, type }) => (type === 'TXT' && name === '_smtp._tls.there.example' ? { answers: [{ type, name, ttl: 60, data: ['v=TLSRPTv1; rua=mailto:tls@there.example'] }] } : {}));
  t.after(() => Promise.all([sink.close(), names.close()]));
  const folder = scratchFor(t, 'tls-report');
  const day = new Date(Date.now() - 2 * 86_400_000).toISOString().slice(0, 10);
  const counted = (domain: string) => ({ day, domain, policies: [{ kind: 'tlsa', lines: ['3 1 1 00'], successes: 7, failures: 1, details: [{ type: 'validation-failure', why: 'no match', mx: 'mx.there.example', address: '192.0.2.1', count: 1 }] }] });
  mkdirSync(join(folder, 'state', 'tls-reports'), { recursive: true });
  writeFileSync(join(folder, 'state', 'tls-reports', `${day}.json`), JSON.stringify({ version: 1, results: [counted('there.example'), counted('quiet.example')] }));
  const box = await boxFor(t, { folder, nextHop: sink.port, files: { dnsservers: `127.0.0.1:${names.port}\n`, tlsreports: 'send\norganization The Office\n' } });
  await box.start();
  await box.logged('the report', line => line.event === 'tls-report');
  await box.logged('its delivery', line => line.event === 'delivery' && line['addr'] === 'tls@there.example' && line['status'] === 'success');
  const [arrival] = sink.arrivals;
  assert.equal(arrival?.reversePath, '');
  const text = arrival?.content.toString() ?? '';
  assert.match(text, /\r\nTLS-Report-Domain: there\.example\r\nTLS-Report-Submitter: posthorn\.example\r\nTLS-Required: No\r\n/);
  const base64 = /\.json\.gz"\r\n\r\n([A-Za-z0-9+/=\r\n]+)--/.exec(text)?.[1] ?? '';
  const report = JSON.parse(gunzipSync(Buffer.from(base64, 'base64')).toString()) as Record<string, unknown>;
  assert.deepEqual([report['organization-name'], report['report-id'], report['policies']], ['The Office', `${day}.there.example@posthorn.example`, [{
    'policy': { 'policy-type': 'tlsa', 'policy-string': ['3 1 1 00'], 'policy-domain': 'there.example' },
    'summary': { 'total-successful-session-count': 7, 'total-failure-session-count': 1 },
    'failure-details': [{ 'result-type': 'validation-failure', 'receiving-mx-hostname': 'mx.there.example', 'receiving-ip': '192.0.2.1', 'failed-session-count': 1, 'failure-reason-code': 'no match' }],
  }]]);
  const shown = await box.run(['tlsrpt']);
  assert.match(shown.stdout, new RegExp(`${day} {2}there\\.example {2}\\(sent to tls@there\\.example\\)\\n {5}tlsa: 7 well, 1 failed\\n`));
  assert.match(shown.stdout, new RegExp(`${day} {2}quiet\\.example {2}\\(nobody asks for it\\)\\n`));
  assert.equal(await box.stop(), 0);
  const before = names.asked.length;
  await box.start();
  assert.equal(await box.stop(), 0);
  assert.deepEqual([sink.count, names.asked.slice(before).filter(({ name }) => name.startsWith('_smtp._tls'))], [1, []]);
});
