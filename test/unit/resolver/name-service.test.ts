import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NameServerSetting } from '../../../src/configuration.ts';
import { openNameService } from '../../../src/gateway/name-service.ts';
import { openDnsServer } from '../../props/dns-server.ts';
import { createHandClock } from '../../props/hand-clock.ts';

test('a reload asks the new servers; what the old ones were asked they still answer', async t => {
  const held = Promise.withResolvers<void>();
  const serve = (address: string) => openDnsServer(({ name, type }) => (type === 'A' && name !== 'slow.example' ? { answers: [{ type, name, ttl: 60, data: address }] } : name === 'slow.example' ? (held.resolve(), null) : {}));
  const [one, two] = [await serve('192.0.2.1'), await serve('192.0.2.2')];
  const plain = ({ host, port }: { readonly host: string; readonly port: number }): NameServerSetting => ({ kind: 'plain', line: 1, host, port, trustAd: false });
  let dnsServers: readonly NameServerSetting[] = [plain(one)];
  const clock = createHandClock();
  const names = openNameService(() => ({ dnsServers }), clock);
  t.after(async () => {
    names.close();
    await one.close();
    await two.close();
  });
  const addressOf = async (name: string) => (await names.a(name) as { readonly records?: readonly string[] }).records?.[0];
  assert.equal(await addressOf('a.example'), '192.0.2.1');
  const slow = names.a('slow.example');
  await held.promise;
  names.reload();
  assert.equal(await addressOf('a.example'), '192.0.2.1');
  assert.equal(one.asked.length, 2, 'nothing changed: what is known stays known');
  dnsServers = [plain(two)];
  names.reload();
  assert.equal(await addressOf('a.example'), '192.0.2.2');
  // No answer in its time, rather than the end of the server that was asked.
  await clock.runTo(clock.now() + 7000);
  const ended = await slow;
  assert.ok(ended.kind === 'unavailable' && /no answer/.test(ended.why), JSON.stringify(ended));
  await clock.runTo(clock.now() + 60_000);
  assert.equal(await addressOf('b.example'), '192.0.2.2');
});
