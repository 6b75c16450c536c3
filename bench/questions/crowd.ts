/**
 * What do clients cost that do nothing, and those that hold everybody up? A thousand connections that said EHLO and fell
 * silent, in memory; two hundred that send an octet a second, in how long an ordinary client waits beside them.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { dialSmtp } from '../../test/props/smtp-client.ts';
import { messageText } from '../../test/props/messages.ts';
import { openFastSink } from '../load.ts';
import { posthorn } from '../peers/posthorn.ts';
import { memoryOf } from '../processes.ts';
import { median } from '../statistics.ts';
import { attempt, type Bench } from './bench.ts';

const idle = 1000;
const slow = 200;
const settleMs = 3000;
/** Commands and content by turns: half of them hang in a command, half in a message. */
const prologue = ['EHLO slow.example\r\n', 'MAIL FROM:<slow@sender.example>\r\n', 'RCPT TO:<sink@there.example>\r\n', 'DATA\r\n'];

export async function askCrowd(bench: Bench): Promise<void> {
  const folder = bench.scratch('crowd-sink');
  const sink = await openFastSink(folder);
  try {
    for (let round = 1; round <= (bench.quick ? 1 : 3); round += 1) {
      bench.say(`crowd, round ${round}: ${idle} idle connections`);
      await attempt(bench, 'idle connections', () => silent(bench, sink.port));
      bench.say(`crowd, round ${round}: ${slow} clients of an octet a second`);
      await attempt(bench, 'slow clients', () => dripping(bench, sink.port));
    }
  } finally {
    await sink.close();
    bench.removed(folder);
  }
}

async function silent(bench: Bench, nextHop: number): Promise<void> {
  const folder = bench.scratch('crowd-idle');
  const running = await posthorn.start({ folder, nextHop, mode: 'accept', connections: 2 * idle });
  try {
    // What a first hundred leaves warm is not the cost of those who stay.
    await hangUp(await crowd(running.port, 100));
    await settled();
    const before = memoryOf(running.pids, running.dataFolder).own;
    const sockets = await crowd(running.port, idle);
    await settled();
    const after = memoryOf(running.pids, running.dataFolder).own;
    bench.notebook.note({ name: `memory: what ${idle} idle connections cost`, unit: 'MiB', better: 'less' }, posthorn.name, after - before);
    await hangUp(sockets);
  } finally {
    await running.stop();
    bench.removed(folder);
  }
}

async function dripping(bench: Bench, nextHop: number): Promise<void> {
  const folder = bench.scratch('crowd-slow');
  const running = await posthorn.start({ folder, nextHop, mode: 'accept', connections: 2 * slow });
  const turns = bench.quick ? 15 : 60;
  try {
    await waits(running.port, 5);
    const before = await waits(running.port, turns / 2);
    const sockets = await crowd(running.port, slow);
    await Promise.all(sockets.filter((_, at) => at % 2 === 0).map(enter));
    let beside: Waits;
    let next = 0;
    // Each its own moment of the second, as strangers have.
    const timer = setInterval(() => {
      for (let n = 0; n < slow / 50; n += 1) {
        const socket = sockets[next++ % slow];
        if (socket?.destroyed === false) socket.write('x');
      }
    }, 20);
    try {
      beside = await waits(running.port, turns);
      const still = sockets.filter((socket) => !socket.destroyed).length;
      if (still < slow) throw new Error(`${slow - still} of the slow clients were cut off`);
    } finally {
      clearInterval(timer);
      await hangUp(sockets);
    }
    // Before and after, since a busy box is not equally busy all the time.
    const after = await waits(running.port, turns / 2);
    for (const what of ['greeting', 'message'] as const) bench.notebook.note({ name: `wait for the ${what} beside ${slow} slow clients`, unit: '× alone', better: 'less' }, posthorn.name, median(beside[what]) / median([...before[what], ...after[what]]));
  } finally {
    await running.stop();
    bench.removed(folder);
  }
}

interface Waits {
  /** From connect to 220, and to the last 250. */
  readonly greeting: readonly number[];
  readonly message: readonly number[];
}

/** One ordinary client after the other, ten in each second, so that every slow octet falls somewhere among them. */
async function waits(port: number, seconds: number): Promise<Waits> {
  const found: { greeting: number[]; message: number[] } = { greeting: [], message: [] };
  const content = messageText({ token: 'crowd', octets: 4096 });
  for (let turn = 0; turn < seconds * 10; turn += 1) {
    const start = performance.now();
    const client = await dialSmtp({ port });
    found.greeting.push(performance.now() - start);
    await client.hello();
    const answer = await client.send({ from: 'source@sender.example', to: ['sink@there.example'], content });
    if (answer.code !== 250) throw new Error(answer.text);
    found.message.push(performance.now() - start);
    await client.quit();
    await new Promise((next) => setTimeout(next, Math.max(0, 100 - (performance.now() - start))));
  }
  return found;
}

/** Connected, greeted, and answered to EHLO; then silent. Fifty at a time, as no backlog holds a thousand. */
async function crowd(port: number, count: number): Promise<readonly Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const some = await Promise.all(Array.from({ length: Math.min(50, count - sockets.length) }, async () => {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.on('error', () => undefined);
      await once(socket, 'data');
      socket.write(prologue[0] as string);
      await once(socket, 'data');
      return socket;
    }));
    sockets.push(...some);
  }
  return sockets;
}

/** Into the middle of a message. */
async function enter(socket: Socket): Promise<void> {
  for (const line of prologue.slice(1)) {
    socket.write(line);
    await once(socket, 'data');
  }
  socket.write('Subject: slow\r\n\r\n');
}

async function hangUp(sockets: readonly Socket[]): Promise<void> {
  await Promise.all(sockets.map(async (socket) => {
    if (socket.destroyed) return;
    socket.destroy();
    await once(socket, 'close');
  }));
}

function settled(): Promise<void> {
  return new Promise((done) => setTimeout(done, settleMs));
}
