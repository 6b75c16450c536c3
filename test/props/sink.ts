/**
 * The far end of every test: an SMTP server that takes anything, remembers it, and refuses, delays, falls silent or
 * hangs up where it is told to. A hold is a reply that waits; the session's later commands wait behind it.
 */
import { createServer, type Socket } from 'node:net';
import { tokenOf } from './messages.ts';
import { listen } from './ports.ts';
import { createWatch } from './within.ts';

export type Stage = 'greeting' | 'ehlo' | 'mail' | 'rcpt' | 'data' | 'end' | 'other';

export interface Asked {
  readonly stage: Stage;
  /** The command as it came; at 'end' the message's token, or ''. */
  readonly line: string;
  readonly reversePath: string;
  /** Accepted so far in this transaction; at 'rcpt' without the one asked about. */
  readonly recipients: readonly string[];
  readonly connection: number;
}

/** No answer, ever. */
export const silence: unique symbol = Symbol('silence');
/** The end of the connection, without a word. */
export const hangUp: unique symbol = Symbol('hang up');
/** A reply (lines joined with LF), perhaps late. */
export type Said = string | { readonly reply: string; readonly afterMs: number } | typeof silence | typeof hangUp;

export interface Arrival {
  readonly reversePath: string;
  readonly recipients: readonly string[];
  /** MAIL and RCPT commands as they came. */
  readonly commands: readonly string[];
  readonly content: Buffer;
  readonly token: string | undefined;
  readonly connection: number;
}

export interface SinkOptions {
  readonly port?: number;
  /** EHLO keywords. */
  readonly extensions?: readonly string[];
  /** Absent or undefined: the ordinary yes. */
  readonly answer?: (asked: Asked) => Said | undefined;
  /** 'tokens': only counts, keeping no content: for many thousands of messages. */
  readonly keep?: 'content' | 'tokens';
}

export interface Sink {
  readonly port: number;
  readonly arrivals: readonly Arrival[];
  /** How often each token arrived. */
  readonly tokens: ReadonlyMap<string, number>;
  /** The same for each `token recipient`. */
  readonly deliveries: ReadonlyMap<string, number>;
  /** Messages in all. */
  readonly count: number;
  /** Connections in all, and now. */
  readonly connections: number;
  /** Where each of them came from. */
  readonly addresses: readonly string[];
  readonly open: number;
  /** Replaces the rules, from the next command on. */
  obey(answer: SinkOptions['answer']): void;
  until(ms: number, what: string, seen: () => boolean): Promise<void>;
  /** The first arrival with this token. */
  arrival(token: string, ms?: number): Promise<Arrival>;
  close(): Promise<void>;
}

const usual = ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'DSN', 'ENHANCEDSTATUSCODES', 'SIZE 104857600'];
const endOfData = Buffer.from('\r\n.\r\n');
const yes: Readonly<Record<Exclude<Stage, 'ehlo'>, string>> = {
  greeting: '220 sink.example ESMTP',
  mail: '250 2.1.0 Ok',
  rcpt: '250 2.1.5 Ok',
  data: '354 Go ahead',
  end: '250 2.0.0 Taken',
  other: '250 2.0.0 Ok',
};

export async function openSink(options: SinkOptions = {}): Promise<Sink> {
  const arrivals: Arrival[] = [];
  const tokens = new Map<string, number>();
  const deliveries = new Map<string, number>();
  const watch = createWatch();
  const sockets = new Set<Socket>();
  let rules = options.answer;
  let connections = 0;
  const addresses: string[] = [];
  let count = 0;

  function serve(socket: Socket): void {
    const connection = ++connections;
    addresses.push(socket.remoteAddress ?? '');
    let rest: Buffer = Buffer.alloc(0);
    let held = false; // a late reply is outstanding
    let body: Buffer[] | undefined; // inside DATA
    let tail: Buffer = Buffer.alloc(0);
    let reversePath = '';
    let recipients: string[] = [];
    let commands: string[] = [];
    sockets.add(socket);

    function ask(stage: Stage, line: string, ordinary: string, then: (reply: string) => void): void {
      const said = rules?.({ stage, line, reversePath, recipients, connection }) ?? ordinary;
      if (said === silence) {
        held = true;
        return;
      }
      if (said === hangUp) {
        held = true;
        socket.destroy();
        return;
      }
      if (typeof said === 'string') {
        answer(said, then);
        return;
      }
      held = true;
      setTimeout(() => {
        held = false;
        if (socket.destroyed) return;
        answer(said.reply, then);
        advance();
      }, said.afterMs);
    }
    function answer(reply: string, then: (reply: string) => void): void {
      then(reply);
      socket.write(`${reply.replaceAll('\n', '\r\n')}\r\n`);
    }
    function forget(): void {
      reversePath = '';
      recipients = [];
      commands = [];
    }
    function command(line: string): void {
      const verb = line.slice(0, 4).toUpperCase();
      const path = /<([^>]*)>/.exec(line)?.[1] ?? '';
      const nothing = (): void => undefined;
      switch (verb) {
        case 'EHLO':
          ask('ehlo', line, ['250-sink.example', ...(options.extensions ?? usual).map((word, at, all) =>
            `250${at === all.length - 1 ? ' ' : '-'}${word}`)].join('\n').replace(/^250-sink.example$/, '250 sink.example'), nothing);
          return;
        case 'HELO':
          ask('ehlo', line, '250 sink.example', nothing);
          return;
        case 'MAIL':
          ask('mail', line, yes.mail, (reply) => {
            if (!reply.startsWith('2')) return;
            forget();
            reversePath = path;
            commands = [line];
          });
          return;
        case 'RCPT':
          ask('rcpt', line, yes.rcpt, (reply) => {
            if (!reply.startsWith('2')) return;
            recipients = [...recipients, path];
            commands.push(line);
          });
          return;
        case 'DATA':
          ask('data', line, recipients.length === 0 ? '554 5.5.1 No valid recipients' : yes.data, (reply) => {
            if (!reply.startsWith('354')) return;
            body = [];
            tail = endOfData.subarray(0, 2); // an empty message is a dot alone
          });
          return;
        case 'QUIT':
          ask('other', line, '221 2.0.0 Bye', () => setImmediate(() => socket.end()));
          return;
        default:
          ask('other', line, yes.other, () => {
            if (verb === 'RSET') forget();
          });
      }
    }
    function received(content: Buffer): void {
      const token = tokenOf(content);
      const arrival: Arrival = { reversePath, recipients, commands, content, token, connection };
      ask('end', token ?? '', yes.end, (reply) => {
        if (reply.startsWith('2')) {
          count += 1;
          if (token !== undefined) {
            tokens.set(token, (tokens.get(token) ?? 0) + 1);
            for (const recipient of recipients) {
              const key = `${token} ${recipient}`;
              deliveries.set(key, (deliveries.get(key) ?? 0) + 1);
            }
          }
          if (options.keep !== 'tokens') arrivals.push(arrival);
          watch.happened();
        }
        forget();
      });
    }
    /** Reads body octets from `rest`; false when more must come. */
    function readBody(chunks: Buffer[]): boolean {
      const seam = Buffer.concat([tail, rest]);
      const end = seam.indexOf(endOfData);
      if (end < 0) {
        chunks.push(rest);
        tail = seam.subarray(-4);
        rest = Buffer.alloc(0);
        return false;
      }
      const octets = end + 5 - tail.length; // of `rest`, the terminator included
      chunks.push(rest.subarray(0, octets));
      rest = rest.subarray(octets);
      body = undefined;
      received(unstuffed(Buffer.concat(chunks)));
      return true;
    }
    function advance(): void {
      while (rest.length > 0) {
        if (held) return;
        if (body !== undefined) {
          if (!readBody(body)) return;
          continue;
        }
        const end = rest.indexOf('\r\n');
        if (end < 0) return;
        const line = rest.toString('utf8', 0, end);
        rest = rest.subarray(end + 2);
        command(line);
      }
    }

    socket.setNoDelay(true);
    socket.on('error', () => undefined).on('close', () => {
      sockets.delete(socket);
      watch.happened();
    });
    socket.on('data', (chunk: Buffer) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      advance();
    });
    ask('greeting', '', yes.greeting, () => undefined);
  }

  const server = createServer(serve);
  const port = await listen(server, options.port ?? 0);
  return {
    port,
    arrivals,
    tokens,
    deliveries,
    get count() {
      return count;
    },
    addresses,
    get connections() {
      return connections;
    },
    get open() {
      return sockets.size;
    },
    obey(answer) {
      rules = answer;
    },
    until: (ms, what, seen) => watch.until(ms, what, seen),
    async arrival(token, ms = 20_000) {
      const found = (): Arrival | undefined => arrivals.find((one) => one.token === token);
      await watch.until(ms, `message ${token} at the sink`, () => found() !== undefined);
      return found()!;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((gone) => server.close(gone));
    },
  };
}

/** Content without its terminator: the CRLF before the dot belongs to the content (RFC 5321 §4.1.1.4). */
function unstuffed(data: Buffer): Buffer {
  const content = data.subarray(0, data.length - 3);
  if (content[0] !== 0x2e && content.indexOf('\r\n.') < 0) return content;
  return Buffer.from(content.toString('latin1').replace(/^\.|(?<=\r\n)\./g, ''), 'latin1');
}
