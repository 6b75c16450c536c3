/** A program elsewhere hears what becomes of mail: in order, signed, once each or again under the same id; through kills, and while it is away itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { isSigned, openHookServer } from '../../props/hook-server.ts';
import { post } from '../../props/post.ts';
import { openSink } from '../../props/sink.ts';

const SECRET = 'fedcba9876543210';

test('accepted, delivered, deferred, failed; and what an operator sees of it', { timeout: 120_000 }, async t => {
  const sink = await openSink({ answer: ({ stage, line }) => (stage === 'rcpt' && line.includes('slow') ? '451 4.2.1 Later' : stage === 'rcpt' && line.includes('bad') ? '550 5.1.1 No such user' : undefined) });
  t.after(() => sink.close());
  const office = await openHookServer();
  t.after(() => office.close());
  const box = await boxFor(t, { nextHop: sink.port, files: { webhooks: `office ${office.url} secret=${SECRET} events=delivered,deferred,failed,accepted\nalarms ${office.url} secret=${SECRET} events=alarm\n` } });
  await box.start();
  for (const token of ['one', 'two', 'three']) await post(box, { token });
  await post(box, { token: 'mixed', to: ['slow@there.example', 'bad@there.example', 'good@there.example'] });
  const of = (type: string) => office.taken.filter(event => event.type === type);
  // The report of the failure is a message too.
  await office.until('all of it', () => of('accepted').length === 5 && of('delivered').length === 5 && of('deferred').length === 1 && of('failed').length === 1);
  assert.deepEqual([of('failed')[0]?.['recipient'], of('failed')[0]?.['said'], of('deferred')[0]?.['recipient']], ['bad@there.example', '550 5.1.1 No such user', 'slow@there.example']);
  for (const { message } of of('delivered') as unknown as { message: string }[]) {
    const [accepted, delivered] = ['accepted', 'delivered'].map(type => office.taken.findIndex(event => event.type === type && event['message'] === message));
    assert.ok((accepted ?? -1) >= 0 && (accepted ?? -1) < (delivered ?? -1), 'accepted before delivered');
  }
  assert.ok(office.requests.every(request => isSigned(request, SECRET)));

  const shown = await box.run(['webhooks']);
  assert.equal(shown.code, 0);
  assert.match(shown.stdout, /office {2}http:\/\/127\.0\.0\.1:\d+ {2}delivered, deferred, failed, accepted\n {5}0 waiting, 12 taken, 0 lost; last taken/);
  assert.equal(shown.stdout.includes(SECRET), false);
  assert.deepEqual([(await box.run(['webhooks', 'test', 'alarms'])).stdout, office.taken.at(-1)?.type], ['alarms: taken, HTTP 204\n', 'test']);
  const rows: readonly (readonly [readonly string[], number])[] = [[['test', 'nobody'], 1], [['test'], 64], [['burn', 'office'], 64]];
  for (const [args, code] of rows) assert.equal((await box.run(['webhooks', ...args])).code, code, args.join(' '));

  box.configure({ webhooks: `office ${office.url} secret=${SECRET} events=failed,sent\n` });
  const refused = await box.run(['restart']);
  assert.deepEqual([refused.code, /webhooks:1: 'sent' is no kind of event, in events of hook 'office'; right would be: events=/.test(refused.stderr)], [78, true]);
  box.configure({ webhooks: `office ${office.url} secret=${SECRET} events=alarm\n`, alarms: 'quarantine 1\nmessages 1\n' });
  assert.equal((await box.run(['restart'])).code, 0);
  await post(box, { token: 'held', to: ['slow@there.example'] });
  await office.until('the alarm', () => office.taken.at(-1)?.type === 'alarm', 30_000);
  assert.deepEqual([office.taken.at(-1)?.['alarm'], office.taken.at(-1)?.['value']], ['messages', 2]);
  assert.equal(await box.stop(), 0);
  assert.match((await box.run(['webhooks'])).stdout, /^office .*\n {5}0 waiting/);
  assert.equal((await box.run(['webhooks', 'test', 'office'])).code, 69);
});

test('nothing that was deferred or failed is kept from a hook by its own absence, nor by a kill', { timeout: 120_000 }, async t => {
  const sink = await openSink({ answer: ({ stage }) => (stage === 'rcpt' ? '451 4.2.1 Later' : undefined) });
  t.after(() => sink.close());
  const first = await openHookServer();
  first.answer = () => 503;
  const { port, url } = first;
  const box = await boxFor(t, { nextHop: sink.port, files: { webhooks: `office ${url} secret=${SECRET} events=deferred\n` } });
  await box.start();
  const told: string[] = [];
  for (let n = 0; n < 5; n++) {
    await post(box, { token: `t${n}`, to: [`user${n}@there.example`] });
    told.push(`user${n}@there.example`);
  }
  // Released as deferred means that the outcome is on the disk, and the event was written before it.
  await box.logged('the last deferral', line => line.event === 'delivery' && line['addr'] === 'user4@there.example');
  await first.close();
  const waiting = async () => Number(/(\d+) waiting/.exec((await box.run(['webhooks'])).stdout)?.[1]);
  assert.equal(await waiting(), 5);
  await box.kill();
  assert.equal(await waiting(), 5, 'seen without a gateway too');
  const again = await openHookServer(port);
  t.after(() => again.close());
  await box.start();
  await again.until('the five', () => new Set(again.taken.map(event => event['recipient'])).size >= 5);
  assert.deepEqual(again.taken.slice(0, 5).map(event => event['recipient']), told);
  assert.equal(await box.stop(), 0);
});

test('what a second receiving process takes is told too', { timeout: 60_000 }, async t => {
  const sink = await openSink();
  t.after(() => sink.close());
  const office = await openHookServer();
  t.after(() => office.close());
  const box = await boxFor(t, { nextHop: sink.port, files: { webhooks: `office ${office.url} secret=${SECRET} events=accepted\n`, receiveprocesses: '2\n' } });
  await box.start();
  const takenByOthers = () => box.log.filter(line => line.event === 'newmsg' && line['receiver'] !== undefined);
  // The system deals connections out; sixteen do not all fall to one side.
  let sent = 0;
  while (sent < 16 || takenByOthers().length === 0) {
    assert.ok(sent < 200, 'the second process takes nothing');
    await post(box, { token: `t${sent++}` });
    await box.logged('it', line => line.event === 'completed');
  }
  await office.until('all of them', () => office.taken.length === sent);
  assert.equal(new Set(office.taken.map(event => event['message'])).size, sent);
  const id = takenByOthers()[0]?.['id'];
  assert.match((await box.run(['trace', String(id)])).stdout, /newmsg[^]*completed/);
  assert.equal(await box.stop(), 0);
});
