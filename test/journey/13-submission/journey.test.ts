/** Submission: nothing without a login, everything with one, by each mechanism; a wrong password is told from trouble. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boxFor, type Box } from '../../props/box.ts';
import { openSink } from '../../props/sink.ts';
import { dialSmtp, type Reply, type SmtpClient } from '../../props/smtp-client.ts';

// The password is "secret".
const userdb = 'ada@posthorn.example\tuid=1000|gid=1000|home=/nonexistent|esmtppw=$6$posthorn$IBx65xxPXxZRNf.pj1nKPYBhGyDZyDuVrI.VH.rd/7KQHX1.p8pIsEgFvrib4nHvH3HqhT4.SxOSmVH4z8b0b0\n';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

async function opened(box: Box): Promise<SmtpClient> {
  const client = await dialSmtp({ port: box.submissionPort, localAddress: '127.0.0.3' });
  await client.hello('laptop.example');
  return client;
}
const plain = (client: SmtpClient, password: string): Promise<Reply> => client.say(`AUTH PLAIN ${base64(`\0ada@posthorn.example\0${password}`)}`);

test('submission with AUTH', { timeout: 60_000 }, async (t) => {
  const sink = await openSink();
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port, submission: true, files: { userdb } });
  await box.start();

  const nobody = await opened(box);
  assert.match((await nobody.say('MAIL FROM:<ada@posthorn.example>')).text, /^530 5\.7\.0 /);
  await nobody.quit();

  const wrong = await opened(box);
  assert.match((await plain(wrong, 'Secret')).text, /^535 5\.7\.8 /);
  await wrong.quit();

  const ada = await opened(box);
  assert.equal((await plain(ada, 'secret')).code, 235);
  const bare = 'From: ada@posthorn.example\r\nTo: bob@there.example\r\nX-Token: submitted\r\n\r\nNo date, no id.\r\n';
  assert.equal((await ada.send({ from: 'ada@posthorn.example', to: ['bob@there.example'], content: bare })).code, 250);
  await ada.quit();
  const text = (await sink.arrival('submitted')).content.toString();
  assert.match(text, /with ESMTPA\b/);
  assert.match(text, /^Date: /m);
  assert.match(text, /^Message-ID: <[^>]+@posthorn\.example>/im);

  const login = await opened(box);
  assert.equal((await login.say('AUTH LOGIN')).text, '334 VXNlcm5hbWU6');
  assert.equal((await login.say(base64('ada@posthorn.example'))).text, '334 UGFzc3dvcmQ6');
  assert.equal((await login.say(base64('secret'))).code, 235);
  await login.quit();
  assert.equal(await box.stop(), 0);
});
