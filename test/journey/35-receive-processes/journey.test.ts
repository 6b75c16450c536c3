/** Several processes receive on one port: all of them take mail, one delivers it, and the death of any loses nothing. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { boxFor, type Box } from '../../props/box.ts';
import { post } from '../../props/post.ts';
import { openSink } from '../../props/sink.ts';
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
