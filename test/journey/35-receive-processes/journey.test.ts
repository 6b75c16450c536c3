/** Several processes receive on one port: all of them take mail, one delivers it, and the death of any loses nothing. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { boxFor, type Box } from '../../props/box.ts';
import { openDnsServer } from '../../props/dns-server.ts';
import { post } from '../../props/post.ts';
import { openSink } from '../../props/sink.ts';
import { dialSmtp } from '../../props/smtp-client.ts';
import { eventually } from '../../props/within.ts';

const PROCESSES = 3;
/** The system deals connections out by a hash of their ports: so many leave no process out, but for one in 10^14. */
const CONNECTIONS = 90;

function childrenOf(box: Box): readonly number[] {
  return readFileSync(`/proc/${box.pid}/task/${box.pid}/children`, 'utf8').trim().split(' ').map(Number);
}

/** A process that ended and that nobody has asked for yet is still in the list, as a zombie. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Process ids that took mail; the gateway's own lines carry none. */
function takers(box: Box): Set<unknown> {
  return new Set(box.log.filter(line => line.event === 'newmsg').map(line => line['receiver'] ?? 'gateway'));
}

test('mail comes in through all processes on one port and goes out once; metrics count all of it', { timeout: 90_000 }, async (t) => {
  const sink = await openSink();
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port, files: { receiveprocesses: `${PROCESSES}\n` } });
  await box.start();
  assert.equal(childrenOf(box).length, PROCESSES - 1);
  for (let n = 0; n < CONNECTIONS; n++) await post(box, { token: `mail ${n}` });
  for (let n = 0; n < CONNECTIONS; n++) await sink.arrival(`mail ${n}`);
  assert.deepEqual([...sink.tokens.values()].filter(times => times !== 1), [], 'each went out once');
  assert.deepEqual(new Set(childrenOf(box)), new Set([...takers(box)].filter(one => one !== 'gateway')));
  assert.ok(takers(box).has('gateway'));
  const page = await (await fetch(`http://127.0.0.1:${box.httpPort}/metrics`)).text();
  assert.equal(/^posthorn_receive_messages_total (\d+)$/m.exec(page)?.[1], String(CONNECTIONS));
  assert.equal(await box.stop(), 0);
  assert.ok(!box.log.some(line => line.event === 'not-json'), 'lines of several processes do not mix');
});

test('a receiver that is killed comes again, and what it had acknowledged is delivered', { timeout: 90_000 }, async (t) => {
  const sink = await openSink();
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port, files: { receiveprocesses: '2\n', submitdelay: '3s\n' } });
  await box.start();
  const [first = 0] = childrenOf(box);
  let sent = 0;
  while (!takers(box).has(first)) {
    assert.ok(sent < CONNECTIONS, 'the receiver took nothing');
    await post(box, { token: `before ${sent++}` });
    await new Promise(resolve => setImmediate(resolve));
  }
  process.kill(first, 'SIGKILL');
  await box.logged('its end', line => line.event === 'receiver ended' && line['signal'] === 'SIGKILL');
  await box.logged('another one', () => childrenOf(box).length === 1 && childrenOf(box)[0] !== first);
  for (let n = 0; n < sent; n++) await sink.arrival(`before ${n}`);
  assert.equal(await box.stop(), 0);
});

test('a reload reaches every process; the end of the gateway is the end of all', { timeout: 90_000 }, async (t) => {
  const sink = await openSink();
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port, files: { receiveprocesses: '2\n' } });
  await box.start();
  const [child = 0] = childrenOf(box);
  box.configure({ esmtpgreeting: 'after the reload\n' });
  assert.equal((await box.run(['restart'])).code, 0);
  await box.logged('the receiver has it', line => line.event === 'reloaded' && line['receiver'] === child);
  await box.kill();
  // Its end of our pipe is closed a moment before it is gone.
  await eventually(20_000, 'the receiver to end with its gateway', () => !isAlive(child));
});

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
  for (const child of childrenOf(box)) await box.logged('a receiver has it', line => line.event === 'reloaded' && line['receiver'] === child);
  for (let n = 0; n < 30; n++) assert.match((await send(`after ${n}`, `127.0.0.${10 + n}`)).text, /^550 5\.7\.1 Blacklisted by bad\.example/);
  assert.equal(await box.stop(), 0);
});
