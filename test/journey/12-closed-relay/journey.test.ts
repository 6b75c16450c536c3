/** Relaying is closed to strangers, whatever the address looks like; mail for our own domains comes in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { messageText } from '../../props/messages.ts';
import { openSink } from '../../props/sink.ts';
import { dialSmtp } from '../../props/smtp-client.ts';

test('a stranger cannot relay by any spelling; our domains are open to all', { timeout: 60_000 }, async (t) => {
  const sink = await openSink();
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port });
  await box.start();
  const stranger = await dialSmtp({ port: box.port, localAddress: '127.0.0.2' });
  await stranger.hello();
  await stranger.say('MAIL FROM:<ada@sender.example>');
  for (const path of ['bob@there.example', 'bob%there.example@other.example', '"bob@there.example"@other.example', '@here.example:bob@there.example', 'bob@here.example.there.example', 'there.example!bob@other.example']) {
    const answer = await stranger.say(`RCPT TO:<${path}>`);
    assert.match(answer.text, /^5\d\d /, path);
  }
  assert.match((await stranger.say('RCPT TO:<bob@there.example>')).text, /^550 5\.7\.1 /);
  assert.match((await stranger.say('DATA')).text, /^5\d\d 5\.5\.1 /, 'no recipient, no data');
  const welcome = await stranger.send({ from: 'ada@sender.example', to: ['bob@here.example'], content: messageText({ token: 'welcome' }) });
  assert.match(welcome.text, /^(?:250|503) /);
  if (welcome.code === 503) {
    await stranger.say('RSET');
    assert.equal((await stranger.send({ from: 'ada@sender.example', to: ['bob@here.example'], content: messageText({ token: 'welcome' }) })).code, 250);
  }
  await sink.arrival('welcome');
  await stranger.quit();
  assert.equal(sink.count, 1);
  assert.equal(await box.stop(), 0);
});
