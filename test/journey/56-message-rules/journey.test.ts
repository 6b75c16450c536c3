/** Rules for the message itself, from the configuration files to the next hop: per network, changed by a reload, and silent by default. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { openSink } from '../../props/sink.ts';
import { dialSmtp } from '../../props/smtp-client.ts';

const TWICE = 'Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\n';
const LATIN = 'Mime-Version: 1.0\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\ncaf\u00e9\r\n';

test('MIME, BOFHBADMIME, percent relay and line limits, by network and by bofh', { timeout: 60_000 }, async (t) => {
  const sink = await openSink({ extensions: ['PIPELINING', '8BITMIME'] });
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port, files: {
    'smtpaccess/default': '127.0.0.2\tallow,RELAYCLIENT\n127.0.0.3\tallow,RELAYCLIENT,MIME=7bit,BOFHBADMIME=wrap\n127.0.0.4\tallow,BOFHLINELIMIT=2000,BOFHMIMEPARTS=3\n127.0.0\tallow\n',
    locals: 'posthorn.example\n', esmtppercentrelay: 'inner.example\n',
  } });
  await box.start();
  const send = async (localAddress: string, to: string, fields: string, token: string, from = 'ada@sender.example') => {
    const client = await dialSmtp({ port: box.port, localAddress });
    await client.hello();
    const content = Buffer.from(`From: Ann <${from}>\r\nTo: <${to}>\r\nSubject: x\r\nX-Token: ${token}\r\nMessage-ID: <${token}@sender.example>\r\n${fields}`, 'latin1');
    const { text } = await client.send({ from, to: [to], content, mailParameters: ' BODY=8BITMIME' });
    await client.quit();
    return text;
  };
  const arrived = async (token: string): Promise<string> => {
    await sink.until(20_000, token, () => sink.arrivals.some(one => one.content.includes(`X-Token: ${token}\r\n`)));
    return sink.arrivals.find(one => one.content.includes(`X-Token: ${token}\r\n`))?.content.toString('latin1') ?? '';
  };

  // A stranger's malformed MIME is refused; a client of ours is trusted with his own, to the octet.
  assert.match(await send('127.0.0.5', 'bob@here.example', `${TWICE}x\r\n`, 'a'), /^550 5\.6\.0 Malformed MIME: duplicate field/);
  const why = await box.logged('the reason', line => line['why'] === 'BOFHBADMIME: duplicate field');
  assert.equal(why['relay'], '127.0.0.5');
  assert.match(await send('127.0.0.2', 'bob@there.example', `${TWICE}x\r\n`, 'b'), /^250 /);
  assert.ok((await arrived('b')).endsWith(`${TWICE}x\r\n`));
  assert.match(await send('127.0.0.2', 'bob@there.example', LATIN, 'c'), /^250 /);
  assert.ok((await arrived('c')).endsWith(LATIN));

  // Its network's own rules.
  assert.match(await send('127.0.0.3', 'bob@there.example', LATIN, 'd'), /^250 /);
  assert.match(await arrived('d'), /Content-Transfer-Encoding: quoted-printable\r\n[^]*caf=E9\r\n$/);
  assert.match(await send('127.0.0.3', 'bob@there.example', `DKIM-Signature: v=1\r\n${LATIN}`, 'e'), /^250 /);
  assert.ok((await arrived('e')).endsWith(LATIN), 'what was signed stays');
  assert.match(await send('127.0.0.3', 'bob@there.example', `${TWICE}secret\r\n`, 'f'), /^250 /);
  assert.match(await arrived('f'), /attached as plain text: duplicate field\.[^]*filename="message\.txt"[^]*Content-Type: text\/html[^]*secret/);
  assert.match(await send('127.0.0.4', 'bob@here.example', `\r\n${'x'.repeat(2001)}\r\n`, 'g'), /^554 5\.6\.0 Message has a line that is too long/);
  assert.match(await send('127.0.0.4', 'bob@here.example', `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\nx\r\n'.repeat(3)}--b--\r\n`, 'h'), /^550 5\.6\.0 MIME complexity/);

  // Through us to a domain behind us, and out again by the percent form.
  assert.match(await send('127.0.0.5', 'carl%inner.example@posthorn.example', '\r\nx\r\n', 'i'), /^250 /);
  await arrived('i');
  assert.deepEqual(sink.arrivals.find(one => one.content.includes('X-Token: i\r\n'))?.recipients, ['carl@inner.example']);
  assert.match(await arrived('i'), /^To: <carl%inner\.example@posthorn\.example>/m, 'as the world may answer it');
  assert.match(await send('127.0.0.2', 'bob@there.example', '\r\nx\r\n', 'j', 'carl@inner.example'), /^250 /);
  assert.match(await arrived('j'), /^From: Ann <carl%inner\.example@posthorn\.example>/m);
  assert.equal(sink.arrivals.find(one => one.content.includes('X-Token: j\r\n'))?.reversePath, 'carl%inner.example@posthorn.example');

  // A reload changes the rules; a wrong word does not.
  box.configure({ bofh: 'opt BOFHBADMIME=drop\n' });
  const refused = await box.run(['restart']);
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr + refused.stdout, /bofh:1: BOFHBADMIME: 'drop' is none of reject, wrap, accept/);
  box.configure({ bofh: 'opt BOFHBADMIME=accept\n' });
  assert.equal((await box.run(['restart'])).code, 0);
  assert.match(await send('127.0.0.5', 'bob@here.example', `${TWICE}x\r\n`, 'k'), /^250 /);
  assert.equal(await box.stop(), 0);
});
