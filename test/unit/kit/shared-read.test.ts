/** What we rely on in Node and nobody promised, and that a socket read so loses nothing. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { SharedRead, type Heard } from '../../../src/kit/net/shared-read.ts';
import { listen } from '../../props/ports.ts';
import { eventually } from '../../props/within.ts';

async function pair(t: TestContext): Promise<{ readonly accepted: Socket; readonly client: Socket }> {
  const server = createServer({ allowHalfOpen: true });
  const port = await listen(server);
  const coming = once(server, 'connection') as Promise<[Socket]>;
  const client = connect(port, '127.0.0.1');
  const [accepted] = await coming;
  t.after(() => {
    client.destroy();
    accepted.destroy();
    server.close();
  });
  return { accepted, client };
}

test('this Node has the fields: a megabyte arrives whole, in pieces larger than a stream has, and then the end', async t => {
  const { accepted, client } = await pair(t);
  const sent = Buffer.alloc(1024 * 1024, 'abcdefghijklmnopqrstuvwxyz');
  const heard: Buffer[] = [];
  const attached = new SharedRead().attach(accepted, octets => heard.push(octets) > 0);
  accepted.resume();
  const end = once(accepted, 'end');
  client.end(sent);
  await end;
  assert.equal(attached, true);
  assert.deepEqual(Buffer.concat(heard), sent, 'each piece is a copy: none was written over by the next');
});

test('false holds the peer back, and resume() goes on where it stopped', async t => {
  const { accepted, client } = await pair(t);
  let count = 0;
  let open = false;
  const heard: Heard = octets => {
    count += octets.length;
    return open;
  };
  assert.equal(new SharedRead().attach(accepted, heard), true);
  accepted.resume();
  const sent = 16 * 1024 * 1024;
  client.write(Buffer.alloc(sent));
  await eventually(5000, 'the first piece', () => count > 0);
  const first = count;
  await new Promise(next => setTimeout(next, 50));
  assert.equal(count, first, 'nothing more came by itself');
  assert.ok(client.writableLength > 0, 'the peer waits');
  open = true;
  accepted.resume();
  await eventually(10_000, 'the rest', () => count === sent);
});

test('a socket that has something read already, or is none of Node\'s own, stays a stream', async t => {
  const { accepted, client } = await pair(t);
  client.write('early');
  accepted.pause();
  await once(accepted, 'readable');
  assert.equal(new SharedRead().attach(accepted, () => true), false);
  assert.equal(accepted.read().toString(), 'early');
  assert.equal(new SharedRead().attach({ readableLength: 0 } as Socket, () => true), false);
});
