/** SIGHUP takes a new configuration as a whole, or keeps the old one and says why; no connection is lost either way. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { messageText } from '../../props/messages.ts';
import { post } from '../../props/post.ts';
import { openSink } from '../../props/sink.ts';
import { dialSmtp } from '../../props/smtp-client.ts';
import { eventually } from '../../props/within.ts';

test('a good reload moves the route; a bad one changes nothing', { timeout: 60_000 }, async (t) => {
  const old = await openSink();
  const fresh = await openSink();
  t.after(() => Promise.all([old.close(), fresh.close()]));
  const box = await boxFor(t, { nextHop: old.port });
  await box.start();
  const client = await dialSmtp({ port: box.port });
  await client.hello();
  const send = (token: string): Promise<unknown> => client.send({ from: 'ada@sender.example', to: ['bob@there.example'], content: messageText({ token }) });
  await send('before');
  await old.arrival('before');

  box.configure({ esmtproutes: `:[127.0.0.1],${fresh.port}\n` });
  const restarted = await box.run(['restart']);
  assert.deepEqual([restarted.code, restarted.stderr], [0, '']);
  await send('after'); // on the connection from before
  await fresh.arrival('after');

  const mark = box.log.length;
  box.configure({ esmtproutes: `:[127.0.0.1],${old.port}\n`, sizelimit: 'ten megabytes\n' });
  box.signal('SIGHUP');
  const complaint = await box.logged('the complaint', (line) => JSON.stringify(line).includes('sizelimit'), { from: mark });
  assert.match(JSON.stringify(complaint), /sizelimit:1|"line":1/);
  await send('still');
  await fresh.arrival('still');
  const refused = await box.run(['restart']);
  assert.equal(refused.code, 78);
  assert.match(refused.stderr, /sizelimit:1/);

  box.configure({ sizelimit: '5000\n' });
  box.signal('SIGHUP');
  await eventually(10_000, 'the new limit', async () => (await post(box, { token: 'big', content: messageText({ token: 'big', octets: 9000 }) })).code === 552);
  await client.quit();
  assert.equal(await box.stop(), 0);
});
