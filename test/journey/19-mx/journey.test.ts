/** Where DNS leads: by preference, past hosts that do not answer; clear answers are failures, unclear ones are not (RFC 5321 §5.1). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { openNameServer } from '../../props/name-server.ts';
import { post } from '../../props/post.ts';
import { openSink } from '../../props/sink.ts';

test('preference, fallback, and what the resolver cannot say', { timeout: 60_000 }, async (t) => {
  const sink = await openSink({ extensions: ['PIPELINING', 'DSN'] });
  const names = await openNameServer({
    'pool.example': [{ type: 'MX', preference: 20, exchange: 'second.example' }, { type: 'MX', preference: 10, exchange: 'first.example' }],
    'first.example': [{ type: 'A', address: '127.0.0.9' }], // nobody listens there
    'second.example': [{ type: 'A', address: '127.0.0.1' }],
    'plain.example': [{ type: 'A', address: '127.0.0.1' }],
    'null.example': [{ type: 'MX', preference: 0, exchange: '.' }],
    'ill.example': 'servfail',
    'mute.example': 'silence',
  });
  t.after(() => Promise.all([sink.close(), names.close()]));
  // Ports below 1024 are not for tests, so each domain's route names a port, and DNS the rest.
  const routes = ['pool', 'plain', 'ill'].map((name) => `${name}.example:${name}.example,${sink.port}\n`).join('');
  const box = await boxFor(t, { files: { esmtproutes: `${routes}sender.example:[127.0.0.1],${sink.port}\n`, dnsservers: `127.0.0.1:${names.port}\n`, esmtpdelay: '0\n' } });
  await box.start();
  for (const name of ['pool', 'plain']) {
    await post(box, { token: name, to: [`bob@${name}.example`] });
    await sink.arrival(name);
  }
  for (const [name, status, code] of [['ill', 'deferred', /^4\.4\.3$/], ['null', 'failure', /^5\.1\.10$/], ['gone', 'failure', /^5\.1\.2$/], ['mute', 'deferred', /^4\.4\.3$/]] as const) {
    await post(box, { token: name, to: [`bob@${name}.example`] });
    const line = await box.logged(`${name}'s fate`, (one) => one.event === 'delivery' && one['addr'] === `bob@${name}.example`);
    assert.equal(line['status'], status, JSON.stringify(line));
    assert.match(String(line['code']), code);
  }
  names.serve({ 'ill.example': [{ type: 'A', address: '127.0.0.1' }] });
  await box.run(['flush']);
  await sink.arrival('ill');
  assert.equal(await box.stop(), 0);
});
