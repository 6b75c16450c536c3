/** The floor under every server in Node: reads SMTP with no checks and no memory, keeps nothing, says yes. */
import { createServer } from 'node:net';
import { listen } from '../../test/props/ports.ts';

const endOfData = Buffer.from('\r\n.\r\n');

const server = createServer((socket) => {
  let rest: Buffer = Buffer.alloc(0);
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
          if (rest.length > 4) rest = rest.subarray(-4);
          break;
        }
        rest = rest.subarray(end + 5);
        inData = false;
        answer += '250 2.0.0 Discarded\r\n';
      } else {
        const end = rest.indexOf(10);
        if (end < 0) break;
        const verb = rest[0];
        rest = rest.subarray(end + 1);
        if (verb === 0x44 || verb === 0x64) {
          inData = true;
          answer += '354 Go ahead\r\n';
        } else {
          answer += verb === 0x51 || verb === 0x71 ? '221 2.0.0 Bye\r\n' : '250 2.0.0 Ok\r\n';
        }
      }
    }
    if (answer !== '') socket.write(answer);
  });
  socket.write('220 floor.example ESMTP\r\n');
});

process.stdout.write(`${await listen(server)}\n`);
