import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDatagrams } from '../../../src/kit/net/datagrams.ts';
import { openLineFile } from '../../../src/kit/log/line-file.ts';
import { scratchFor } from '../../props/scratch.ts';

test('a file that is moved away again and again loses no line and no order', async t => {
  const folder = scratchFor(t, 'line-file');
  const path = join(folder, 'log');
  const file = openLineFile(path);
  const expected: string[] = [];
  for (let turn = 0; turn < 10; turn++) {
    for (let n = 0; n < 3000; n++) {
      const line = `${turn}.${n} ${'x'.repeat(n % 50)}\n`;
      expected.push(line);
      file.write(line);
      if (n === 1500) {
        renameSync(path, `${path}.${turn}`);
        // What comes between still belongs to the old one.
        file.write('between\n');
        expected.push('between\n');
        file.reopen();
      }
    }
    file.flush();
    await new Promise(resolve => setImmediate(resolve));
  }
  await file.end();
  const parts = [...Array.from({ length: 10 }, (_, turn) => `${path}.${turn}`), path].map(part => readFileSync(part, 'utf8'));
  assert.equal(parts.join(''), expected.join(''));
  assert.ok(parts.every(part => part !== ''));
  assert.equal(file.dropped, 0);
  assert.equal(statSync(path).mode & 0o777, 0o640);
});

test('when no new file can be had, the old one goes on', t => {
  const folder = join(scratchFor(t, 'line-file'), 'logs');
  mkdirSync(folder);
  const path = join(folder, 'log');
  const file = openLineFile(path);
  renameSync(folder, `${folder}.away`);
  assert.throws(() => file.reopen(), { code: 'ENOENT' });
  file.write('still here\n');
  file.flushNow();
  assert.equal(readFileSync(join(`${folder}.away`, 'log'), 'utf8'), 'still here\n');
  rmSync(`${folder}.away`, { recursive: true });
  assert.equal(existsSync(path), false);
  assert.throws(() => openLineFile(path), { code: 'ENOENT' });
});

test('datagrams arrive one a message, cut between characters, and a receiver that is away costs nothing', async t => {
  const receiver = createSocket('udp4').bind(0, '127.0.0.1');
  await once(receiver, 'listening');
  const { port } = receiver.address();
  const got: string[] = [];
  const three = new Promise<void>(resolve => receiver.on('message', message => {
    got.push(message.toString());
    if (got.length === 3) resolve();
  }));
  const datagrams = openDatagrams('127.0.0.1', port);
  datagrams.send('one');
  datagrams.send(`x${'ü'.repeat(3000)}`);
  datagrams.send('three');
  await three;
  assert.deepEqual([got[0], got[2]], ['one', 'three']);
  assert.equal(got[1], `x${'ü'.repeat(1023)}`, '2047 octets: the character that would not fit whole is left out');
  receiver.close();
  for (let n = 0; n < 5000; n++) datagrams.send('nobody hears');
  assert.ok(datagrams.dropped >= 4000, 'no more than a thousand are on their way');
  await datagrams.close();
  datagrams.send('after the end');
  t.diagnostic(`${datagrams.dropped} dropped`);
});
