/** The props tell the truth: what the client says is what the sink remembers, and misbehaviour happens as ordered. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dotStuffed, messageText, tokenOf } from '../../props/messages.ts';
import { dialSmtp } from '../../props/smtp-client.ts';
import { hangUp, openSink, silence } from '../../props/sink.ts';

const mail = { from: 'a@x.example', to: ['b@y.example', 'c@y.example'], content: messageText({ token: 't1' }) };

test('content comes back to the octet, dots, 8-bit and all, in either manner of sending', async (t) => {
  const sink = await openSink();
  t.after(() => sink.close());
  const odd = Buffer.concat([Buffer.from('X-Token: odd\r\n\r\n.\r\n..\r\n.leading\r\nline\n.not a line\r\n'), Buffer.from([0xe9, 0xff, 0]), Buffer.from('\r\n')]);
  const client = await dialSmtp({ port: sink.port });
  assert.deepEqual(await client.hello(), ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'DSN', 'ENHANCEDSTATUSCODES', 'SIZE 104857600']);
  assert.equal((await client.send({ ...mail, content: odd })).code, 250);
  assert.equal((await client.sendPipelined({ ...mail, content: odd, mailParameters: ' BODY=8BITMIME' })).code, 250);
  assert.equal((await client.send({ ...mail, content: '' })).code, 250);
  await client.quit();
  const [first, second, third] = sink.arrivals;
  assert.deepEqual(first?.content, odd);
  assert.deepEqual(second?.content, odd);
  assert.equal(third?.content.toString(), '\r\n');
  assert.deepEqual(second?.commands, ['MAIL FROM:<a@x.example> BODY=8BITMIME', 'RCPT TO:<b@y.example>', 'RCPT TO:<c@y.example>']);
  assert.equal(sink.tokens.get('odd'), 2);
});

test('a terminator cut anywhere is found', async (t) => {
  const sink = await openSink();
  t.after(() => sink.close());
  const client = await dialSmtp({ port: sink.port });
  for (const line of ['MAIL FROM:<>', 'RCPT TO:<b@y.example>', 'DATA']) await client.say(line);
  const octets = dotStuffed(Buffer.from(mail.content));
  for (const octet of octets.toString('latin1')) {
    client.write(octet);
    await new Promise(setImmediate);
  }
  assert.equal((await client.reply()).code, 250);
  assert.equal(sink.arrivals[0]?.content.toString(), mail.content);
  await client.quit();
});

test('it refuses, delays in order, falls silent and hangs up where told', async (t) => {
  const sink = await openSink({
    answer: ({ stage, line }) => {
      if (stage === 'rcpt' && line.includes('nobody')) return '550-5.1.1 No such\n550 5.1.1 user';
      if (stage === 'end') return { reply: '451 4.3.0 later', afterMs: 20 };
      return undefined;
    },
  });
  t.after(() => sink.close());
  const client = await dialSmtp({ port: sink.port });
  const refusal = await client.sendPipelined({ ...mail, to: ['nobody@y.example'] });
  assert.deepEqual([refusal.code, refusal.lines], [550, ['5.1.1 No such', '5.1.1 user']]);
  assert.equal((await client.sendPipelined(mail)).text, '451 4.3.0 later');
  assert.equal(sink.count, 0);
  sink.obey(() => silence);
  const mute = await dialSmtp({ port: sink.port, timeoutMs: 100 }).catch((why: Error) => why.message);
  assert.equal(mute, 'waited 100 ms in vain for a reply');
  sink.obey(({ stage }) => (stage === 'mail' ? hangUp : undefined));
  await assert.rejects(client.send(mail), /closed the connection/);
});

test('tokens are found, and absent ones are', () => {
  assert.equal(tokenOf(Buffer.from(messageText({ token: 'abc', octets: 4096 }))), 'abc');
  assert.equal(tokenOf(Buffer.from('Subject: none\r\n\r\n')), undefined);
  assert.ok(Math.abs(messageText({ token: 'x', octets: 4096 }).length - 4096) < 80);
});
