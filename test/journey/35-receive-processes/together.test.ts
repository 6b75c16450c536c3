/** What several receiving processes know together: who guessed at passwords, and which name servers to ask. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { openDnsServer } from '../../props/dns-server.ts';
import { post } from '../../props/post.ts';
import { openSink } from '../../props/sink.ts';
import { dialSmtp } from '../../props/smtp-client.ts';

const PROCESSES = 3;

test('who guesses in one process is known to the others, and a login is closed after as many failures as with one', { timeout: 90_000 }, async (t) => {
  const box = await boxFor(t, { submission: true, files: { receiveprocesses: `${PROCESSES}\n`, userdb: '# nobody yet\n', bans: 'authfailures off\nloginfailures 9 1h\n' } });
  await box.start();
  const guess = async (): Promise<string> => {
    const client = await dialSmtp({ port: box.submissionPort, localAddress: '127.0.0.3' });
    await client.hello();
    const { text } = await client.say(`AUTH PLAIN ${Buffer.from('\0ann\0wrong').toString('base64')}`);
    await client.quit();
    return text;
  };
  const banned = () => box.log.some(line => line.event === 'banned');
  // One process alone would have to count nine of them; each group makes its second of waiting together.
  for (let group = 0; group < 4 && !banned(); group++) await Promise.all(Array.from({ length: 4 }, guess));
  assert.ok(banned(), 'after sixteen guesses at most');
  for (let n = 0; n < 12; n++) assert.match(await guess(), /^421 4\.7\.0 /, 'in every process');
  assert.equal(await box.stop(), 0);
});

test('a reload takes new name servers into every process', { timeout: 90_000 }, async (t) => {
  const sink = await openSink();
  t.after(() => sink.close());
  const dns = await openDnsServer(({ name, type }) => (type === 'A' && name.endsWith('.bad.example') ? { answers: [{ type: 'A', name, ttl: 60, data: '127.0.0.2' }] } : { rcode: 3 }));
  t.after(() => dns.close());
  const box = await boxFor(t, { nextHop: sink.port, files: { receiveprocesses: `${PROCESSES}\n`, bofh: 'opt BLACKLISTS=-block=bad.example\n' } });
  await box.start();
  const send = (token: string, localAddress: string) => post({ port: box.port, localAddress }, { token, to: ['bob@here.example'] });
  assert.equal((await send('before', '127.0.0.9')).code, 250, 'nobody answers for the list');
  box.configure({ dnsservers: `${dns.host}:${dns.port}\n` });
  assert.equal((await box.run(['restart'])).code, 0);
  const reloaded = () => new Set(box.log.filter(line => line.event === 'reloaded' && line['receiver'] !== undefined).map(line => line['receiver']));
  await box.logged('every receiver has it', () => reloaded().size === PROCESSES - 1);
  for (let n = 0; n < 30; n++) assert.match((await send(`after ${n}`, `127.0.0.${10 + n}`)).text, /^550 5\.7\.1 Blacklisted by bad\.example/);
  assert.equal(await box.stop(), 0);
});
