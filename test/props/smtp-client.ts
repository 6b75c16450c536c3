/**
 * A client for tests: says what it is told, octet for octet, and reads replies. It knows no policy, so it can also
 * misbehave on purpose: stop in the middle, never read, reset.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { dotStuffed } from './messages.ts';
import { within } from './within.ts';

export interface Reply {
  readonly code: number;
  /** Text of each line, without code. */
  readonly lines: readonly string[];
  /** All lines as they came, joined with LF. */
  readonly text: string;
}

export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  /** Whole message, CRLF, not dot-stuffed. */
  readonly content: string | Uint8Array;
  /** After MAIL FROM:<…>, e.g. ` BODY=8BITMIME`. */
  readonly mailParameters?: string;
  /** After each RCPT TO:<…>. */
  readonly rcptParameters?: string;
}

export interface SmtpClient {
  readonly greeting: Reply;
  /** Everything since the last reply was read is answered in order. */
  say(line: string): Promise<Reply>;
  write(octets: string | Uint8Array): void;
  reply(): Promise<Reply>;
  /** EHLO; gives the keywords. */
  hello(name?: string): Promise<readonly string[]>;
  startTls(): Promise<Reply>;
  /** One transaction, step by step. Gives the reply to the final dot, or the first refusal. */
  send(mail: Mail): Promise<Reply>;
  /** The same with MAIL, RCPT and DATA in one write (RFC 2920). */
  sendPipelined(mail: Mail): Promise<Reply>;
  quit(): Promise<void>;
  /** Vanishes with RST, as a machine that loses its power. */
  vanish(): void;
  readonly closed: Promise<void>;
}

export interface Dial {
  readonly port: number;
  readonly host?: string;
  readonly timeoutMs?: number;
  /** Where the connection comes from; an address of 127/8. */
  readonly localAddress?: string;
}

export async function dialSmtp(dial: Dial): Promise<SmtpClient> {
  const timeoutMs = dial.timeoutMs ?? 20_000;
  let socket: Socket = connectTcp({ port: dial.port, host: dial.host ?? '127.0.0.1', noDelay: true,
    ...(dial.localAddress === undefined ? {} : { localAddress: dial.localAddress }) });
  const replies: Reply[] = [];
  const waiting: { readonly done: (reply: Reply) => void; readonly failed: (why: Error) => void }[] = [];
  let text = '';
  let lines: string[] = [];
  let gone: Error | undefined;

  function read(chunk: Buffer): void {
    text += chunk.toString('utf8');
    for (let end = text.indexOf('\r\n'); end >= 0; end = text.indexOf('\r\n')) {
      const line = text.slice(0, end);
      text = text.slice(end + 2);
      lines.push(line);
      if (line[3] === '-') continue;
      const reply: Reply = { code: Number(line.slice(0, 3)), lines: lines.map((one) => one.slice(4)), text: lines.join('\n') };
      lines = [];
      const one = waiting.shift();
      if (one === undefined) replies.push(reply);
      else one.done(reply);
    }
  }
  function lost(why: Error): void {
    gone ??= why;
    for (const one of waiting.splice(0)) one.failed(gone);
  }
  function reply(): Promise<Reply> {
    const here = replies.shift();
    if (here !== undefined) return Promise.resolve(here);
    if (gone !== undefined) return Promise.reject(gone);
    const coming = new Promise<Reply>((done, failed) => waiting.push({ done, failed }));
    return within(timeoutMs, 'a reply', coming);
  }
  const closed = new Promise<void>((done) => {
    function attach(): void {
      socket.on('data', read).on('error', lost).on('close', () => {
        lost(new Error('the server closed the connection'));
        done();
      });
    }
    attach();
  });

  async function say(line: string): Promise<Reply> {
    socket.write(`${line}\r\n`);
    return reply();
  }
  function octetsOf(mail: Mail): Buffer {
    return dotStuffed(typeof mail.content === 'string' ? Buffer.from(mail.content, 'utf8') : mail.content);
  }
  function commandsOf(mail: Mail): readonly string[] {
    return [
      `MAIL FROM:<${mail.from}>${mail.mailParameters ?? ''}`,
      ...mail.to.map((one) => `RCPT TO:<${one}>${mail.rcptParameters ?? ''}`),
    ];
  }

  const greeting = await reply().catch((cause: unknown) => {
    socket.destroy();
    throw cause;
  });
  return {
    greeting,
    say,
    reply,
    closed,
    write(octets) {
      socket.write(octets);
    },
    async hello(name = 'client.example') {
      return (await say(`EHLO ${name}`)).lines.slice(1);
    },
    async startTls() {
      const answer = await say('STARTTLS');
      if (answer.code !== 220) return answer;
      const plain = socket;
      plain.removeAllListeners('data');
      const secure = connectTls({ socket: plain, rejectUnauthorized: false });
      await within(timeoutMs, 'TLS', new Promise<void>((done, failed) => secure.once('secureConnect', done).once('error', failed)));
      secure.on('data', read).on('error', lost);
      socket = secure;
      return answer;
    },
    async send(mail) {
      for (const command of commandsOf(mail)) {
        const answer = await say(command);
        if (answer.code >= 400) return answer;
      }
      const answer = await say('DATA');
      if (answer.code !== 354) return answer;
      socket.write(octetsOf(mail));
      return reply();
    },
    async sendPipelined(mail) {
      const commands = commandsOf(mail);
      socket.write(`${commands.join('\r\n')}\r\nDATA\r\n`);
      let refusal: Reply | undefined;
      for (const _ of commands) {
        const answer = await reply();
        if (answer.code >= 400) refusal ??= answer;
      }
      const answer = await reply();
      if (answer.code !== 354) return refusal ?? answer;
      socket.write(octetsOf(mail));
      return reply();
    },
    async quit() {
      await say('QUIT').catch(() => undefined);
      socket.destroy();
      await closed;
    },
    vanish() {
      socket.resetAndDestroy();
    },
  };
}
