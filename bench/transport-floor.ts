/**
 * How much of what a bare client reaches does the ESMTP transport keep? Both send the same 4 KB message over ten
 * connections to Postfix's smtp-sink, pipelined alike (content, dot and the next envelope in one write), each in a
 * process of its own, in interleaved rounds. Only the ratio means something: the sink shares the box.
 *
 * Sixty thousand messages, since the first half second is the compiler's on either side.
 *
 *   node bench/transport-floor.ts [messages] [rounds]
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createSystemClock } from '../src/kit/system-clock.ts';
import { at, letter, settingsFor } from '../test/props/esmtp-box.ts';
import { openEsmtpTransport } from '../src/flow/transport/esmtp/index.ts';

const CONNECTIONS = 10;
const WANTED = 0.9;
const text = `Subject: four kilobytes\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(56)}`;

const [mode = '', port = '', count = ''] = process.argv.slice(2);
if (mode === 'floor') await runFloor(Number(port), Number(count));
else if (mode === 'transport') await runTransport(Number(port), Number(count));
else process.exitCode = await compare(Number(mode) || 60_000, Number(port) || 5);

async function compare(messages: number, rounds: number): Promise<number> {
  const sinkPort = await freePort();
  const sink = spawn('/usr/sbin/smtp-sink', ['-u', 'nobody', `127.0.0.1:${sinkPort}`, '1000'], { stdio: 'ignore' });
  try {
    await listening(sinkPort, sink);
    const rates: Record<'floor' | 'transport', number[]> = { floor: [], transport: [] };
    for (let round = 0; round < rounds; round++) {
      for (const client of round % 2 === 0 ? (['floor', 'transport'] as const) : (['transport', 'floor'] as const)) rates[client].push(await measure(client, sinkPort, messages));
    }
    const floor = median(rates.floor);
    const transport = median(rates.transport);
    console.log(`floor      ${format(rates.floor)}  median ${Math.round(floor)} messages/s`);
    console.log(`transport  ${format(rates.transport)}  median ${Math.round(transport)} messages/s`);
    // Neighbours in one round met the same weather; the best of all rounds met the best.
    const paired = median(rates.transport.map((rate, n) => rate / (rates.floor[n] ?? rate)));
    const best = Math.max(...rates.transport) / Math.max(...rates.floor);
    console.log(`transport/floor: median of rounds ${paired.toFixed(2)}, best against best ${best.toFixed(2)} (wanted: ${WANTED})`);
    return Math.max(paired, best) >= WANTED ? 0 : 1;
  } finally {
    sink.kill();
  }
}

async function measure(client: string, sinkPort: number, messages: number): Promise<number> {
  const child = spawn(process.execPath, [import.meta.filename, client, String(sinkPort), String(messages)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => void (out += chunk.toString()));
  await once(child, 'close');
  return Number(out);
}

/** Nothing but the octets and a count of reply lines. */
async function runFloor(sinkPort: number, messages: number): Promise<void> {
  const envelope = 'MAIL FROM:<ada@sender.example> BODY=7BIT\r\nRCPT TO:<bob@there.example>\r\nDATA\r\n';
  const content = Buffer.from(`${text}.\r\n`);
  const began = performance.now();
  let started = 0;
  await Promise.all(Array.from({ length: CONNECTIONS }, () => new Promise<void>(resolve => {
    const socket = connect({ port: sinkPort, host: '127.0.0.1', noDelay: true });
    let state: 'greeting' | 'sending' | 'last' | 'leaving' = 'greeting';
    const next = () => {
      state = started++ < messages ? 'sending' : 'last';
      if (state === 'sending') socket.write(envelope);
    };
    socket.on('data', chunk => {
      const reply = chunk.toString('latin1');
      if (state === 'greeting') {
        if (reply.startsWith('220')) socket.write('EHLO floor.example\r\n');
        else next();
      } else if (state === 'sending' && reply.includes('354 ')) {
        // Replies to MAIL, RCPT and DATA come together; 354 is the last of them.
        socket.cork();
        socket.write(content);
        next();
        socket.uncork();
      } else if (state === 'last') {
        state = 'leaving';
        socket.end('QUIT\r\n');
      }
    });
    socket.on('close', () => resolve());
  })));
  console.log((messages / (performance.now() - began)) * 1000);
}

async function runTransport(sinkPort: number, messages: number): Promise<void> {
  const settings = settingsFor(createSystemClock(), at({ host: '127.0.0.1', port: sinkPort }), {
    limits: { recipients: 100, connectionsPerNexthop: CONNECTIONS, deliveriesInAll: 40, idle: CONNECTIONS },
  });
  const transport = openEsmtpTransport(settings);
  const delivery = letter({ text });
  const { signal } = new AbortController();
  const began = performance.now();
  let started = 0;
  // As many deliveries at once as it says it takes: what the queue's runner does.
  await Promise.all(Array.from({ length: transport.limits.perNexthop }, async () => {
    while (started++ < messages) {
      const [outcome] = (await transport.deliver(delivery, signal)).values();
      if (outcome?.kind !== 'relayed') throw new Error(JSON.stringify(outcome));
    }
  }));
  const took = performance.now() - began;
  await transport.close();
  settings.deadlines.close();
  console.log((messages / took) * 1000);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function listening(sinkPort: number, sink: ChildProcess): Promise<void> {
  for (let n = 0; n < 100 && sink.exitCode === null; n++) {
    const socket = connect(sinkPort, '127.0.0.1');
    const open = await new Promise<boolean>(resolve => socket.once('connect', () => resolve(true)).once('error', () => resolve(false)));
    socket.destroy();
    if (open) return;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  throw new Error('smtp-sink does not listen');
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}

function format(values: readonly number[]): string {
  return values.map(value => String(Math.round(value)).padStart(6)).join(' ');
}
