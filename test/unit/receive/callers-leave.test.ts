/** Thousands of connections a minute leave nothing in the old part of the heap, which would be swept all the time for them. */
import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Told } from '../../props/caller-churn.ts';

const program = join(import.meta.dirname, '..', '..', 'props', 'caller-churn.ts');
const CALLERS = 2000;
const AT_ONCE = 10;

async function answer(child: ChildProcess, order: string): Promise<unknown> {
  const answered = once(child, 'message');
  child.send(order);
  return (await answered)[0];
}

async function call(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('data', (said: Buffer) => {
    const last = said.toString('latin1').split('\r\n').at(-2) ?? '';
    if (last.startsWith('220 ')) socket.write('EHLO client.example\r\n');
    else if (last.startsWith('250 ')) socket.write('QUIT\r\n');
  });
  await once(socket, 'close');
}

async function callAll(port: number, callers: number): Promise<void> {
  let left = callers;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (left-- > 0) await call(port);
  }));
}

test('a session that is over is not kept with its socket, which Node keeps until the whole heap is swept', async t => {
  const child = fork(program, { execArgv: ['--expose-gc', '--max-semi-space-size=1'] });
  t.after(() => child.kill());
  const [port] = (await once(child, 'message')) as [number];
  await callAll(port, CALLERS);
  await answer(child, 'begin');
  await callAll(port, CALLERS);
  const { oldOctets, sweeps } = (await answer(child, 'tell')) as Told;
  assert.equal(sweeps, 0, 'else this says nothing');
  const each = oldOctets / CALLERS;
  assert.ok(each < 2500, `${Math.round(each)} octets a connection are kept`);
});
