/**
 * One client with one session, as still as a client in Node can be: `latency-client.ts PORT TURNS OCTETS` sends so many
 * messages and prints the milliseconds from each final dot to its 250, as JSON. A process of its own, started with the
 * flags of questions/latency.ts: it compiles nothing that takes long and its collector never runs, so that what stalls is
 * the server.
 */
import { connect } from 'node:net';
import { dotStuffed, messageText } from '../test/props/messages.ts';

const [port = 0, turns = 0, octets = 0] = process.argv.slice(2).map(Number);
const steps = [
  { line: Buffer.from('EHLO source.example\r\n'), code: '250' },
  { line: Buffer.from('MAIL FROM:<source@sender.example>\r\n'), code: '250' },
  { line: Buffer.from('RCPT TO:<sink@there.example>\r\n'), code: '250' },
  { line: Buffer.from('DATA\r\n'), code: '354' },
  { line: dotStuffed(Buffer.from(messageText({ token: 'latency', octets }))), code: '250' },
] as const;
const FIRST = 1;
const CONTENT = steps.length - 1;
const LF = 10;
const HYPHEN = 45;

const waits = new Float64Array(turns);
let turn = 0;
/** -1: the greeting is awaited. */
let step = -1;
let dotAt = 0;

const socket = connect({
  port,
  host: '127.0.0.1',
  noDelay: true,
  onread: {
    buffer: Buffer.alloc(65_536),
    callback(length, buffer) {
      heard(buffer as Buffer, length);
      return true;
    },
  },
});

function heard(buffer: Buffer, length: number): void {
  if (buffer[length - 1] !== LF) return; // more of it comes
  const last = buffer.lastIndexOf(LF, length - 2) + 1;
  if (buffer[last + 3] === HYPHEN) return;
  const code = step < 0 ? '220' : steps[step]!.code;
  if (turn < turns && buffer.toString('latin1', last, last + 3) !== code) throw new Error(`${code} was awaited: ${buffer.toString('latin1', 0, length)}`);
  if (step === CONTENT) {
    waits[turn++] = performance.now() - dotAt;
    step = FIRST;
  } else step++;
  if (turn >= turns) return finish();
  if (step === CONTENT) dotAt = performance.now();
  socket.write(steps[step]!.line);
}

function finish(): void {
  if (socket.writableEnded) return;
  socket.end('QUIT\r\n');
  process.stdout.write(JSON.stringify([...waits]));
}
