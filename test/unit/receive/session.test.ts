import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { openReceiveBox } from '../../props/receive-box.ts';

async function talk(port: number, octets: string | Buffer): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let heard = '';
  socket.on('data', chunk => (heard += chunk.toString('latin1')));
  socket.end(octets);
  await once(socket, 'close');
  return heard;
}

describe('session', () => {
  it('takes a message that came in one segment, with its replies in order', async () => {
    const box = await openReceiveBox();
    const heard = await talk(box.port, 'EHLO client.example\r\nMAIL FROM:<a@client.example>\r\nRCPT TO:<b@here.example>\r\nDATA\r\nSubject: x\r\n\r\n..hello\r\n.\r\nQUIT\r\n');
    assert.deepEqual(heard.match(/^\d{3} .*$/gm), [
      '220 mx.here.example ESMTP', '250 DSN', '250 2.1.0 Ok.', '250 2.1.5 Ok.', '354 Ok. End with CRLF.CRLF', '250 2.0.0 Ok. Q1', '221 2.0.0 Bye.',
    ].map(line => `${line}\r`.trimEnd()));
    assert.equal(box.kept[0]?.body.toString(), 'Subject: x\r\n\r\n.hello\r\n');
    assert.equal(box.kernels.open, 0);
    await box.close();
  });
});
