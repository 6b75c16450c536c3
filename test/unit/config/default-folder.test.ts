import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readConfiguration, writeDefaultConfiguration } from '../../../src/configuration.ts';
import { createAdmission } from '../../../src/flow/check/index.ts';
import { folderOf } from './folder-props.ts';

test('what init writes reads back without problem or notice: embedded is loopback only', async (t) => {
  const folder = join(folderOf(t, {}).path, 'etc');
  const { written, kept } = await writeDefaultConfiguration(folder, { kind: 'embedded', me: 'box.example.net' });
  assert.ok(written.includes('smtpaccess/default') && kept.length === 0);
  const result = readConfiguration(folder);
  assert.ok(result.kind === 'read', JSON.stringify(result));
  const { configuration } = result;
  assert.deepEqual(configuration.notices, []);
  assert.deepEqual(configuration.listeners.map(({ name, endpoints }) => [name, endpoints.every(({ address }) => address === '127.0.0.1' || address === '::1'), endpoints[0]?.port]), [['esmtpd', true, 2525], ['esmtpd-msa', true, 2587]]);
  assert.equal(configuration.stateFolder, join(folder, '../state'));
  assert.deepEqual(configuration.http, { host: '127.0.0.1', port: 2580 });
  assert.ok(configuration.domains.trial.has('trial.test') && configuration.domains.acceptMailFor.has('trial.test'));
  assert.deepEqual(configuration.listeners[1]?.mechanisms.plain, ['PLAIN', 'LOGIN', 'CRAM-MD5']);
  const admission = createAdmission(configuration.listeners[0]!);
  const relays = (remoteAddress: string): boolean => {
    const answer = admission.admit({ remoteAddress, localAddress: '127.0.0.1', localPort: 2525 });
    return answer.kind === 'admitted' && answer.variables.has('RELAYCLIENT');
  };
  assert.deepEqual(['127.0.0.1', '::1', '::ffff:127.0.0.1', '192.168.1.1', '192.0.2.1', '2001:db8::1'].map(relays), [true, true, true, false, false, false]);
  for (const name of ['userdb', 'socksproxy', 'esmtpauthclient']) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
});

test('a server profile listens on the real ports and knows no trial domain', async (t) => {
  const folder = join(folderOf(t, {}).path, 'etc');
  await writeDefaultConfiguration(folder, { kind: 'server', me: 'mail.example.com', stateFolder: '/srv/posthorn' });
  const result = readConfiguration(folder);
  assert.ok(result.kind === 'read', JSON.stringify(result));
  assert.deepEqual(result.configuration.listeners.map(({ endpoints }) => endpoints), [[{ address: null, port: 25 }], [{ address: null, port: 587 }]]);
  assert.equal(result.configuration.stateFolder, '/srv/posthorn');
  assert.ok(!result.configuration.domains.trial.has('trial.test'));
  assert.deepEqual(result.configuration.notices, []);
  assert.deepEqual(result.configuration.listeners[1]?.mechanisms, { plain: [], tls: ['PLAIN', 'LOGIN', 'CRAM-MD5'] }, 'no password in clear over a network');
});

test('a file that is there is never touched', async (t) => {
  const { path } = folderOf(t, { me: 'mine.example.com\n', esmtpd: '' });
  const { kept } = await writeDefaultConfiguration(path, { kind: 'embedded' });
  assert.deepEqual(kept.toSorted(), ['esmtpd', 'me']);
  assert.equal(readFileSync(join(path, 'me'), 'utf8'), 'mine.example.com\n');
  const again = await writeDefaultConfiguration(path, { kind: 'embedded' });
  assert.deepEqual(again.written, []);
});
