/** Two smarthosts in a row: when the first is not there its stand-in takes the mail, with its own login. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { freePorts } from '../../props/ports.ts';
import { post } from '../../props/post.ts';
import { openSink } from '../../props/sink.ts';

test('the first is down', { timeout: 60_000 }, async t => {
  const logins: string[] = [];
  const second = await openSink({ extensions: ['PIPELINING', '8BITMIME', 'AUTH PLAIN'], answer: ({ line }) => (line.startsWith('AUTH ') ? (logins.push(line), '235 2.7.0 Welcome') : undefined) });
  t.after(() => second.close());
  const [nobody = 0] = await freePorts(1);
  const box = await boxFor(t, {
    files: {
      esmtproutes: `:[127.0.0.1],${nobody}\n`,
      smarthosts: `[127.0.0.1],${nobody} backup=[127.0.0.1],${second.port}\n`,
      esmtpauthclient: `[127.0.0.1],${nobody} one first\n[127.0.0.1],${second.port} two second\n`,
    },
  });
  for (const how of [[], ['--tls']]) {
    const told = await box.run(['testmxlookup', ...how, 'there.example']);
    assert.deepEqual(told.stdout.match(/^Relay: .*$/gm), [nobody, second.port].map(() => 'Relay: 127.0.0.1, Priority: 0, Address: 127.0.0.1 [ LOCAL ]'), 'the stand-in as well');
  }
  await box.start();
  await post(box, { token: 'over' });
  await second.arrival('over');
  assert.deepEqual(logins, [`AUTH PLAIN ${btoa('\0two\0second')}`]);
  await post(box, { token: 'again' });
  await second.arrival('again');
  assert.equal(await box.stop(), 0);
});
