/**
 * The floor under every relay in Node that keeps its word: each message is in a file that was synced before its 250, and
 * goes on to the next hop on a connection that stays. Messages that come while a sync runs share the next one. No check,
 * no header field of ours, no log, no second attempt: what is queued here a restart would not find.
 *
 *   node bench/floors/bare-relay.ts NEXTHOP-PORT FOLDER
 */
import { open } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { listen } from '../../test/props/ports.ts';

/** As many as Courier has for one next hop: enough for one that answers at once. */
const CONNECTIONS = 4;
const endOfData = Buffer.from('\r\n.\r\n');
const [, , nextHop = '', folder = ''] = process.argv;
const journal = await open(join(folder, 'journal'), 'a');

interface Message {
  readonly envelope: string;
  /** With its final dot. */
  readonly content: Buffer;
  readonly kept: () => void;
}

let unsynced: Message[] = [];
let syncing = false;
const waiting: Message[] = [];
const idle: (() => void)[] = [];

async function keep(): Promise<void> {
  syncing = true;
  while (unsynced.length > 0) {
    const batch = unsynced;
    unsynced = [];
    await journal.appendFile(Buffer.concat(batch.flatMap(({ envelope, content }) => [Buffer.from(envelope), content])));
    await journal.datasync();
    for (const message of batch) {
      message.kept();
      waiting.push(message);
      idle.pop()?.();
    }
  }
  syncing = false;
}

const server = createServer((socket) => {
  let rest: Buffer = Buffer.alloc(0);
  let pieces: Buffer[] = [];
  let envelope = '';
  let inData = false;
  socket.setNoDelay(true);
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let answer = '';
    for (;;) {
      if (inData) {
        const end = rest.indexOf(endOfData);
        if (end < 0) {
          // The end may lie across two chunks.
          if (rest.length > 4) pieces.push(rest.subarray(0, -4));
          rest = rest.subarray(-4);
          break;
        }
        pieces.push(rest.subarray(0, end + 5));
        rest = rest.subarray(end + 5);
        inData = false;
        unsynced.push({ envelope: `${envelope}DATA\r\n`, content: pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces), kept: () => void socket.write('250 2.0.0 Kept\r\n') });
        pieces = [];
        envelope = '';
        if (!syncing) void keep();
        continue;
      }
      const end = rest.indexOf(10);
      if (end < 0) break;
      const verb = rest[0];
      if (verb === 0x4d || verb === 0x52) envelope += rest.toString('latin1', 0, end + 1);
      rest = rest.subarray(end + 1);
      if (verb === 0x44) {
        inData = true;
        answer += '354 Go ahead\r\n';
      } else {
        answer += verb === 0x51 ? '221 2.0.0 Bye\r\n' : '250 2.0.0 Ok\r\n';
      }
    }
    if (answer !== '') socket.write(answer);
  });
  socket.write('220 floor.example ESMTP\r\n');
});

/** The envelope in one write, then the content with the next envelope, when there is a next one. */
function send(socket: Socket): void {
  let state: 'greeting' | 'hello' | 'idle' | 'envelope' = 'greeting';
  let current: Message | undefined;
  const next = (): void => {
    current = waiting.shift();
    state = current === undefined ? 'idle' : 'envelope';
    if (current === undefined) idle.push(next);
    else socket.write(current.envelope);
  };
  socket.setNoDelay(true);
  socket.on('data', (chunk) => {
    const reply = chunk.toString('latin1');
    if (state === 'greeting') {
      state = 'hello';
      socket.write('EHLO floor.example\r\n');
    } else if (state === 'hello') {
      next();
    } else if (state === 'envelope' && current !== undefined && reply.includes('354 ')) {
      socket.cork();
      socket.write(current.content);
      next();
      socket.uncork();
    }
  });
}

for (let n = 0; n < CONNECTIONS; n++) send(connect({ port: Number(nextHop), host: '127.0.0.1' }));
process.stdout.write(`${await listen(server)}\n`);
